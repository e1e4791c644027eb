"""The trail: every change is in it, whoever makes it and however; and nobody changes it unseen."""

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.urls import reverse

from itsci_site.lib import languages
from itsci_site.lib.newsroom import trail, verify
from itsci_site.lib.newsroom.history import told
from itsci_site.lib.newsroom.models import Entry, Note, Proposal, Seal
from itsci_site.lib.newsroom.words import Names
from regions.models import Metric, Milestone, Region
from testimonials.models import Testimonial
from tests import factories as make
from tests.admin.test_admin import MODELS
from tests.admin.test_admin import rows as rows

from .desk import before_opening, move, write

pytestmark = pytest.mark.django_db


def sql(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def seal() -> None:
    """As if the transaction were committed."""
    sql("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def found() -> verify.Report:
    seal()
    report = verify.Report()
    for _entries in verify.verified(report):
        pass
    return report


def last(table: str) -> Entry:
    entry = Entry.objects.filter(table_name=table).first()
    assert entry
    return entry


# Every change


TRANSLATED = [(model, name) for model in MODELS for name in languages.fields(model)]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("model", "name"), TRANSLATED, ids=lambda one: getattr(one, "__name__", one))
def test_each_translated_field_of_each_model_shows_what_changed(model: Any, name: str, language: str, rows: Any) -> None:
    column = languages.column(name, language)
    if model is Testimonial:  # whose words may be translated and signed
        signed = {"attribution": "pseudonym", "shown_as_en": "A name", "shown_as_fr": "Un nom", "quote_language": "sw"}
        model._base_manager.filter(pk=rows[model].pk).update(status="draft", publish_at=None, **signed)
        rows[model].refresh_from_db()
    before = getattr(rows[model], column) or ""
    model._base_manager.filter(pk=rows[model].pk).update(**{column: "Another word & more"})
    entry = last(model._meta.db_table)
    assert (entry.row_id, entry.operation) == (rows[model].pk, "update")
    (difference,) = told(entry, Names()).differences
    assert difference.field.endswith({"en": "(English)", "fr": "(French)"}[language])
    assert re.sub("<.*?>", "", difference.before) == before.replace("'", "&#x27;")
    assert difference.after == "Another word &amp; more"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_of_each_model_that_is_made_and_deleted_with_sql_is_in_it(model: Any, rows: Any) -> None:
    table = model._meta.db_table
    entry = Entry.objects.get(table_name=table, row_id=rows[model].pk, operation="insert")
    is_hidden = getattr(model, "hidden_in_trail", False)
    assert entry.before is None and "id" in entry.changed
    assert entry.after is None if is_hidden else entry.after["id"] == rows[model].pk and set(entry.after) <= set(entry.changed)  # type: ignore[index, arg-type]
    with transaction.atomic():
        guards = ["newsroom_guard", "regions_reading_guard", "regions_periodlock_guard", "testimonials_rules"]
        sql("UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = ANY(%s)", [guards])
        sql("UPDATE pg_class SET relname = relname WHERE oid = %s::regclass", [table])  # so that this is read again
        sql(f"DELETE FROM {table} WHERE id = %s", [rows[model].pk])  # noqa: S608 - a table of ours
        gone = last(table)
        transaction.set_rollback(True)  # other rows rest on it
    assert (gone.operation, gone.actor, gone.reason, gone.actor_id) == ("delete", connection.settings_dict["USER"], "", None)
    assert gone.before is None if is_hidden else gone.before is not None and gone.before["id"] == rows[model].pk


def test_many_rows_in_one_statement_are_an_entry_each(db: None) -> None:
    region = make.make_region()
    start = trail.last_entry()
    Milestone.objects.bulk_create([Milestone(region=region, text_en=f"Step {number}") for number in range(30)])
    Milestone.objects.filter(text_en__in=["Step 3", "Step 4"]).update(year=2015)
    Milestone.objects.filter(text_en="Step 5").update(text_en="Step 5")
    sql("UPDATE regions_milestone SET id = -id WHERE text_en = 'Step 6'")
    Milestone.objects.filter(text_en="Step 7").delete()
    counted = sql(
        "SELECT operation, count(*), count(DISTINCT row_id), array_agg(DISTINCT changed) FILTER (WHERE operation = 'update')"
        " IS NOT NULL FROM newsroom_entry WHERE id > %s GROUP BY 1 ORDER BY 1", [start]
    )  # fmt: skip
    assert [row[:3] for row in counted] == [("delete", 2, 2), ("insert", 31, 31), ("update", 2, 2)]
    assert {tuple(one.changed) for one in Entry.objects.filter(pk__gt=start, operation="update")} == {("year",)}
    assert found().is_whole


def test_the_person_the_reason_and_the_note_of_a_move_are_in_it(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region, "The committee says so", lead_en="A lead")
    entry = last("regions_region")
    assert (entry.actor, entry.reason) == ("alice", "The committee says so")
    move(alices, region, "submit", reason="Please look at the dates")
    move(bobs, region, "send_back", reason="The dates are wrong")
    notes = Entry.objects.filter(table_name="regions_region", changed__contains=["status"]).values_list("actor", "reason")
    assert list(notes)[:2] == [("bob", "The dates are wrong"), ("alice", "Please look at the dates")]


def test_the_name_of_the_account_is_that_of_its_number(alice: User, bob: User) -> None:
    """What a program says of the name counts for nothing while the account is there."""
    with transaction.atomic():
        sql("SELECT set_config('itsci.actor', %s, true), set_config('itsci.actor_name', 'bob', true)", [str(alice.pk)])
        make.make_source()
    assert (last("regions_source").actor, last("regions_source").actor_id) == ("alice", alice.pk)


def test_no_hash_of_a_password_is_in_it(opened: None) -> None:
    user = make.make_user("dora")
    user.set_password("a first password that is long")
    user.save()
    secret = user.password
    assert last("auth_user").changed == ["password"]
    user.last_name = "Known"
    user.set_password("another one that is long")
    user.save()
    User.objects.filter(pk=user.pk).update(last_login=make.PAST)
    user.groups.add(group := Group.objects.create(name="Group of four"))
    group.name = "Group of five"
    group.save()
    user.delete()
    whole = sql("SELECT string_agg(entry::text, ' ') FROM newsroom_entry AS entry")[0][0]
    assert "Known" in whole and "Group of five" in whole
    assert secret not in whole and user.password not in whole and "md5$" not in whole and "pbkdf2" not in whole
    assert not Entry.objects.filter(table_name="auth_user", changed=["last_login"]).exists()


def test_what_is_taken_back_leaves_no_entry(db: None) -> None:
    start = trail.last_entry()
    make.make_source()
    with transaction.atomic():
        make.make_source(name_en="Taken back", name_fr="Repris")
        transaction.set_rollback(True)
    make.make_source()
    assert Entry.objects.filter(pk__gt=start).count() == 2 and found().is_whole


def test_a_table_is_not_emptied_without_a_trail(opened: None) -> None:
    make.make_source()
    sql(trail.NO_TRUNCATE.partition("CREATE TRIGGER")[0])
    for table in ("newsroom_entry", "regions_source"):
        with pytest.raises(DatabaseError, match="leaves no trail"), transaction.atomic():
            seal()
            sql(f"TRUNCATE {table} CASCADE")
    assert Entry.objects.exists() and last("regions_source")


# The chain


PUT_IN = (
    "INSERT INTO newsroom_entry"
    " (seal_id, transaction, at, actor, reason, table_name, row_id, operation, changed, pinch, digest)"
    " SELECT {seal}, transaction, at, 'bob', '', table_name, 7, 'delete', changed, pinch, newsroom_digest(pinch, NULL, NULL)"
    " FROM newsroom_entry WHERE id = %(entry)s"
)
ERASED = "UPDATE newsroom_entry SET before = NULL, after = NULL, pinch = '' WHERE id = %(entry)s"
WITH_NOTHING_OFF = {
    "an entry changed": "UPDATE newsroom_entry SET actor = 'nobody' WHERE id = %(entry)s",
    "values changed": "UPDATE newsroom_entry SET after = '{}' WHERE id = %(entry)s",
    "half erased": "UPDATE newsroom_entry SET after = NULL WHERE id = %(entry)s",
    "erased and signed by another": ERASED.replace("WHERE", ", actor = 'x' WHERE"),
    "an entry deleted": "DELETE FROM newsroom_entry WHERE id = %(entry)s",
    "an entry put in": PUT_IN.format(seal="seal_id"),
    "a seal changed": "UPDATE newsroom_seal SET hash = repeat('0', 64) WHERE id = %(seal)s",
    "a seal deleted": "DELETE FROM newsroom_seal WHERE id = %(seal)s",
    "a seal put in": "INSERT INTO newsroom_seal (id, at, previous, hash, entries) VALUES (-1, now(), 'x', 'y', 0)",
    "a note of what is to be sealed": "INSERT INTO newsroom_unsealed VALUES (pg_current_xact_id(), %(seal)s)",
    "all notes taken away": "DELETE FROM newsroom_unsealed",
}  # fmt: skip


@pytest.fixture
def chain(db: None) -> dict[str, int]:
    """Three seals; `entry` and `seal` are of the middle one, which has two entries."""
    make.make_source()
    seal()
    region = make.make_region()
    seal()
    entry = last("regions_region")
    Metric.objects.filter(pk=make.make_metric().pk).update(name_en="A name")
    seal()
    assert found().is_whole and Seal.objects.count() == 3
    return {"entry": entry.pk, "seal": entry.seal_id, "region": region.pk}


@pytest.mark.parametrize("statement", WITH_NOTHING_OFF.values(), ids=WITH_NOTHING_OFF)
@pytest.mark.parametrize("as_replica", [False, True])
def test_postgres_refuses_every_change_of_the_trail(statement: str, as_replica: bool, chain: dict[str, int]) -> None:
    """Nor does it help to pass for replication, which skips common triggers."""
    with pytest.raises(DatabaseError, match="the trail is only ever added to"), transaction.atomic():
        if as_replica:
            sql("SET LOCAL session_replication_role = replica")
        sql(statement, chain)
    assert found().is_whole


def test_no_schema_of_ones_own_fools_the_guard(chain: dict[str, int]) -> None:
    sql("CREATE SCHEMA fool")
    sql("CREATE FUNCTION fool.to_jsonb(newsroom_entry) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$")
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        sql("SET LOCAL search_path = fool, public, pg_catalog")
        sql("UPDATE newsroom_entry SET actor = 'x', before = NULL, after = NULL, pinch = '' WHERE id = %(entry)s", chain)


def test_what_passes_for_replication_is_in_it_too(db: None) -> None:
    source = make.make_source()
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("UPDATE regions_source SET publisher_en = 'Changed' WHERE id = %s", [source.pk])
    sql("SET session_replication_role = origin")
    assert last("regions_source").after == {"publisher_en": "Changed"}


OWNERS_ALONE = {
    "switch a trigger off": "ALTER TABLE regions_source DISABLE TRIGGER newsroom_trail_update",
    "drop one": "DROP TRIGGER newsroom_only_added_to ON newsroom_entry",
    "write another function": (
        "CREATE OR REPLACE FUNCTION newsroom_trail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    ),
    "pass for replication": "SET LOCAL session_replication_role = replica",
    "empty the trail": "TRUNCATE newsroom_entry",
    "read or write as the owner": "ALTER TABLE newsroom_seal OWNER TO CURRENT_USER",
}  # fmt: skip


@pytest.mark.parametrize("statement", OWNERS_ALONE.values(), ids=OWNERS_ALONE)
def test_a_role_that_does_not_own_the_tables_writes_a_trail_and_cannot_stop_it(statement: str, chain: dict[str, int]) -> None:
    sql("CREATE ROLE site_of_the_test NOLOGIN; GRANT USAGE ON SCHEMA public TO site_of_the_test")
    sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO site_of_the_test")
    sql("SET LOCAL ROLE site_of_the_test")
    sql("UPDATE regions_source SET publisher_en = 'By the site'")
    with pytest.raises(DatabaseError, match=r"must be owner|permission denied"), transaction.atomic():
        sql(statement)
    seal()
    sql("RESET ROLE")
    assert last("regions_source").after == {"publisher_en": "By the site"} and found().is_whole


TAMPERING: dict[str, tuple[str, str]] = {
    "a value": ("UPDATE newsroom_entry SET after = after || '{\"code\": \"XX\"}' WHERE id = %(entry)s", "Values that are not"),
    "who": ("UPDATE newsroom_entry SET actor = 'bob' WHERE id = %(entry)s", "does not fit its entries"),
    "when": ("UPDATE newsroom_entry SET at = at - interval '1 day' WHERE id = %(entry)s", "does not fit its entries"),
    "values gone unsaid": (ERASED, "without an entry that says so"),
    "an entry taken away": ("DELETE FROM newsroom_entry WHERE id = %(entry)s", "and there are 1"),
    "a seal taken away": ("DELETE FROM newsroom_seal WHERE id = %(seal)s", "does not follow"),
    "a seal and its entries taken away": (
        "DELETE FROM newsroom_entry WHERE seal_id = %(seal)s; DELETE FROM newsroom_seal WHERE id = %(seal)s", "does not follow",
    ),
    "the moment of a seal": (
        "UPDATE newsroom_seal SET at = at + interval '1 microsecond' WHERE id = %(seal)s", "does not fit its entries",
    ),
    "an entry put in": (PUT_IN.format(seal="seal_id"), "and there are 3"),
    "an entry put in under no seal": (PUT_IN.format(seal="-5"), "No seal was ever set"),
    "two entries swapped": (
        "UPDATE newsroom_entry AS one SET before = other.before, after = other.after, pinch = other.pinch,"
        " digest = other.digest, row_id = other.row_id, table_name = other.table_name,"
        " changed = other.changed FROM newsroom_entry AS other"
        " WHERE one.seal_id = %(seal)s AND other.seal_id = %(seal)s AND one.id <> other.id", "does not fit its entries",
    ),
    "two seals swapped": (
        "UPDATE newsroom_seal SET at = (SELECT min(at) - interval '1 second' FROM newsroom_seal) WHERE id = %(seal)s",
        "does not follow",
    ),
    "an entry under another seal": (
        "UPDATE newsroom_entry SET seal_id = (SELECT max(id) FROM newsroom_seal) WHERE id = %(entry)s", "was set on 2 entries",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("statement", "said"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_by_whoever_owns_the_tables_is_found(statement: str, said: str, chain: dict[str, int], capsys: Any) -> None:
    tables = ("newsroom_entry", "newsroom_seal")
    sql("; ".join(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables))
    sql(statement, chain)
    for table in tables:
        names = [name for where, name in verify.OWN if where == table]
        sql(f"ALTER TABLE {table} {', '.join(f'ENABLE ALWAYS TRIGGER {name}' for name in names)}")
    problems = found().problems
    assert problems and any(said in one for one in problems), problems
    assert all(re.search(r"[Ss]eal -?\d+|entry \d+", one) for one in problems)
    with pytest.raises(CommandError, match="The trail is not whole"):
        call_command("verify_trail")
    assert Note.objects.get().kind == Note.Kind.BROKEN


def test_a_tail_that_was_cut_off_is_told_by_a_hash_kept_elsewhere(chain: dict[str, int], capsys: Any) -> None:
    call_command("verify_trail")
    head = re.search(r"Head +([0-9a-f]{64})", capsys.readouterr().out)
    assert head
    seal()
    call_command("verify_trail", "--head", head[1].upper(), "--since", str(chain["seal"]))
    last_three = "(SELECT id FROM newsroom_seal ORDER BY at DESC LIMIT 3)"
    for table in ("newsroom_entry", "newsroom_seal"):
        sql(f"SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; ALTER TABLE {table} DISABLE TRIGGER USER")
    sql(f"DELETE FROM newsroom_entry WHERE seal_id IN {last_three}")  # noqa: S608 - written above
    sql(f"DELETE FROM newsroom_seal WHERE id IN {last_three}")  # noqa: S608 - written above
    for table, name in sorted(verify.OWN):
        sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    call_command("verify_trail")
    with pytest.raises(CommandError, match="No seal of the chain has the hash"):
        call_command("verify_trail", "--head", head[1])
    with pytest.raises(CommandError, match="There is no seal 999999"):
        call_command("verify_trail", "--since", "999999")


def test_a_trigger_that_is_off_or_gone_is_told(chain: dict[str, int]) -> None:
    sql("ALTER TABLE regions_region DISABLE TRIGGER newsroom_trail_update; DROP TRIGGER newsroom_no_truncate ON auth_user")
    told = found().problems
    assert len(told) == 2
    assert any("newsroom_trail_update of regions_region is off" in one for one in told)
    assert any("newsroom_no_truncate of auth_user is missing" in one for one in told)
    trail.watch_all()
    assert found().is_whole
    sql("ALTER TABLE testimonials_consent DISABLE TRIGGER testimonials_leaves")
    sql("DROP TRIGGER meetings_leaves ON meetings_document")
    assert [one.partition(":")[0] for one in found().problems] == [
        "The trigger testimonials_leaves of testimonials_consent is off",
        "The trigger meetings_leaves of meetings_document is missing",
    ]


def test_values_can_be_erased_which_is_on_record(chain: dict[str, int], alice: User) -> None:
    with trail.acting(alice, "Consent withdrawn"):
        Entry.objects.filter(pk=chain["entry"]).update(before=None, after=None, pinch="")
    note = last("newsroom_entry")
    assert (note.row_id, note.actor, note.reason, note.before, note.after) == (
        chain["entry"], "alice", "Consent withdrawn", None, None,
    )  # fmt: skip
    assert found().is_whole
    assert told(Entry.objects.get(pk=chain["entry"]), Names()).without == "erased"


def test_the_chain_goes_on_where_constraints_are_asked_at_once(chain: dict[str, int]) -> None:
    """As `newsroom_apply_due` does in the middle of a transaction."""
    before = Seal.objects.count()
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    make.make_source()
    Metric.objects.update(order=4)
    Metric.objects.filter(pk=-1).update(order=5)
    sql("SET CONSTRAINTS ALL DEFERRED")
    make.make_source()
    assert found().is_whole and Seal.objects.count() == before + 3
    assert not sql("SELECT * FROM newsroom_unsealed")


def test_proposals_are_in_it(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        region = make.make_region()
    write(alices, region, lead_en="Next")
    move(alices, region, "submit")
    move(bobs, region, "approve")
    move(bobs, region, "publish")
    assert Proposal.objects.get().applied_at
    assert found().is_whole
    assert last("regions_region").actor == "bob"
    html = alices.get(reverse("admin:regions_region_history", args=[region.pk])).content.decode()
    assert "alice: A better word" in html and "Next version" in html


def test_memory_stays_flat_and_a_hidden_table_names_fields_alone(chain: dict[str, int], monkeypatch: Any) -> None:
    monkeypatch.setattr(verify, "SEALS_A_BATCH", 1)
    monkeypatch.setattr(Region, "hidden_in_trail", True, raising=False)
    trail.watch_all()
    Region.objects.filter(pk=chain["region"]).update(lead_en="Nobody's business")
    entry = last("regions_region")
    assert (entry.changed, entry.before, entry.after) == (["lead_en"], None, None) and not entry.is_erased
    hidden = told(entry, Names())
    assert hidden.without == "hidden" and [one.field for one in hidden.differences] == ["Lead (English)"]
    assert found().is_whole


# Several at once


def in_a_thread(work: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain_and_do_not_lock_each_other_up() -> None:
    """Some change nothing first: that notes the content's version (a lock on committing) before there is an entry to seal."""
    failed: list[Exception] = []
    sources = [make.make_source() for _number in range(4)]
    before = Seal.objects.count()

    def write_often(number: int) -> None:
        try:
            for turn in range(10):
                with transaction.atomic():
                    if (number + turn) % 2:
                        Metric.objects.filter(pk=-1).update(order=turn)
                    sources[number].publisher_en = f"Publisher {turn}"  # type: ignore[attr-defined]
                    sources[number].save()
                    User.objects.filter(pk=-1).update(last_name="x")
        except Exception as error:
            failed.append(error)

    threads = [in_a_thread(partial(write_often, number)) for number in range(4)]
    for thread in threads:
        thread.join()
    assert not failed
    report = found()
    assert report.is_whole and report.seals == before + 40


@pytest.mark.django_db(transaction=True)
def test_the_order_is_that_of_commits_whatever_began_first() -> None:
    """A long transaction draws the number of its seal early and is sealed late."""
    with transaction.atomic():
        make.make_source(publisher_en="Long")
        in_a_thread(lambda: make.make_source(publisher_en="Short")).join()
    in_order = [Entry.objects.filter(seal=one)[0].after["publisher_en"] for one in Seal.objects.order_by("at")]  # type: ignore[index]
    assert in_order == ["Short", "Long"]
    assert Seal.objects.order_by("at")[0].pk > Seal.objects.order_by("at")[1].pk
    assert found().is_whole


@pytest.mark.django_db(transaction=True)
def test_who_still_sees_an_older_chain_cannot_fork_it() -> None:
    make.make_source()
    with pytest.raises(DatabaseError, match=r"newsroom_seal_chain_is_one|newsroom_seal_in_order"), transaction.atomic():
        sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        sql("SELECT count(*) FROM newsroom_seal")
        in_a_thread(make.make_source).join()
        make.make_source()
    assert found().is_whole
