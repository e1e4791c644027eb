"""Who may do what in the admin: every role at every address of its map, by every method, to rows in every state."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from itsci_site.lib.newsroom.models import Entry
from itsci_site.lib.newsroom.roles import ROLES
from itsci_site.lib.publishing import Approved, Status
from meetings.models import Meeting
from regions.models import Region
from tests import factories as make

from .desk import Form, address, before_opening, move, write

pytestmark = pytest.mark.django_db

EVERYONE = {*ROLES, "superuser"}
WRITERS = {"Contributor", "Editor", "Administrator", "superuser"}
EDITORS = {"Editor", "Administrator", "superuser"}
ADMINS = {"Administrator", "superuser"}
AUDIT = {"Approver", "Safeguarding officer", *ADMINS}
SUPER = {"superuser"}
OFFICERS = {"Safeguarding officer", "superuser"}
NOBODY: set[str] = set()
WORDS = {"Safeguarding officer"}
"""Who, beside writers, changes what people said."""

# (view, add, change, delete): who may, for a row of their region or, for the programme's own, from a desk that is everywhere.
BY_MODEL: dict[str, tuple[set[str], set[str], set[str], set[str]]] = {
    "regions.region": (EVERYONE, ADMINS, WRITERS, ADMINS),
    "regions.milestone": (EVERYONE, WRITERS, WRITERS, EDITORS),
    "testimonials.testimonial": (EVERYONE, WRITERS, WRITERS | WORDS, EDITORS),
    "meetings.meeting": (EVERYONE, WRITERS, WRITERS, EDITORS),
    "meetings.document": (EVERYONE, WRITERS, WRITERS, EDITORS),
    "meetings.place": (EVERYONE, WRITERS, WRITERS, EDITORS),
    "regions.reading": (EVERYONE, WRITERS, WRITERS, EDITORS),
    "regions.series": (EVERYONE, ADMINS, ADMINS, ADMINS),
    "programmes.programme": (EVERYONE, EDITORS, EDITORS, EDITORS),
    "programmes.activity": (EVERYONE, EDITORS, EDITORS, EDITORS),
    "programmes.partner": (EVERYONE, EDITORS, EDITORS, EDITORS),
    "programmes.headline": (EVERYONE, EDITORS, EDITORS, EDITORS),
    "programmes.countryshare": (EVERYONE, ADMINS, ADMINS, ADMINS),
    "regions.country": (EVERYONE, ADMINS, EDITORS, ADMINS),
    "regions.metric": (EVERYONE, ADMINS, ADMINS, ADMINS),
    "regions.source": (EVERYONE, EDITORS, EDITORS, ADMINS),
    "regions.succession": (EVERYONE, ADMINS, ADMINS, ADMINS),
    "regions.desk": (ADMINS, ADMINS, ADMINS, ADMINS),
    "regions.periodlock": (EVERYONE, ADMINS, NOBODY, ADMINS),
    "testimonials.contributor": (OFFICERS, OFFICERS, OFFICERS, OFFICERS),
    "testimonials.consent": (OFFICERS, OFFICERS, OFFICERS, OFFICERS),
    "newsroom.entry": (AUDIT, NOBODY, NOBODY, NOBODY),
    "auth.user": (ADMINS, ADMINS, ADMINS, SUPER),
    "auth.group": (ADMINS, SUPER, SUPER, SUPER),
}
# Any other address of the admin: who gets an answer there. None: anybody at all, signed in or not.
OTHERS: dict[str, set[str] | None] = {
    "index": EVERYONE, "login": None, "logout": None, "password_change": EVERYONE, "password_change_done": EVERYONE,
    "autocomplete": EVERYONE, "jsi18n": EVERYONE, "view_on_site": EVERYONE, "app_list": EVERYONE, "": EVERYONE,
    "auth_user_password_change": ADMINS, "testimonials_testimonial_portrait": EVERYONE,
    "sign_in_code": None, "sign_in_enrol": None, "sign_in_qr": None, "second_factor": EVERYONE,
    "regions_reading_entry": EVERYONE, "regions_reading_entry_move": EVERYONE,
    "newsroom_entry_csv": AUDIT, "newsroom_entry_bin": EVERYONE, "newsroom_entry_restore": EVERYONE,
    "testimonials_testimonial_suspend": EVERYONE, "testimonials_testimonial_erase": OFFICERS,
}  # fmt: skip
# Beside the admin's own addresses, under its prefix.
OUTSIDE: dict[str, set[str] | None] = {
    "import_readings": WRITERS, "export_readings": EVERYONE, "admin_password_reset": None, "password_reset_done": None,
    "password_reset_confirm": None, "password_reset_complete": None,
}  # fmt: skip
ACTIONS = ("changelist", "history", "add", "change", "delete", "move", "put_back")


OF_THEIR_OWN = {
    "index",
    "testimonials_testimonial_suspend",
    "password_change",
    "password_change_done",
    "jsi18n",
    "second_factor",
}


def names(patterns: Any = None) -> Iterator[str]:
    """The name of every view of the admin, from the map of addresses."""
    for pattern in admin.site.urls[0] if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or ""


def declared(name: str) -> bool:
    if name in OTHERS:
        return True
    stem, _score, action = name.rpartition("_")
    if name.endswith("_put_back"):
        stem, action = name.removesuffix("_put_back"), "put_back"
    return stem.replace("_", ".", 1) in BY_MODEL and action in ACTIONS


def test_every_view_of_the_admin_has_a_row_here() -> None:
    assert [name for name in names() if not declared(name)] == []
    beside = [
        one for one in get_resolver().url_patterns if isinstance(one, URLPattern) and str(one.pattern).startswith("admin/")
    ]
    assert {one.name for one in beside} == OUTSIDE.keys()


def test_a_view_without_a_row_is_seen() -> None:
    assert not declared("regions_region_smuggled") and not declared("newsroom_everything")


@cache
def role_names() -> list[str]:
    return [*ROLES, "superuser", "no role"]


def someone(role: str, *regions: Region, everywhere: bool = False) -> User:
    user = make.make_user(f"{role} {User.objects.count()}", superuser=role == "superuser")
    if role in ROLES:
        user.groups.add(Group.objects.get(name=role))
    make.make_desk(*regions, user=user, everywhere=everywhere)
    return user


def client_of(user: User) -> Client:
    return make.sign_in(Client(), user)


@pytest.fixture
def own(opened: None) -> Region:
    with before_opening():
        return make.make_region(public_from=None)


def rows_of(region: Region) -> dict[str, models.Model]:
    """A row of every model that nobody has published, of this region where it is of one."""
    programme, metric, place = make.make_programme(public_from=None), make.make_metric(), make.make_place(region)
    meeting = make.make_meeting(place, public_from=None)
    series = make.make_series(region, metric)
    found: list[models.Model] = [
        region, make.make_milestone(region), make.make_testimonial(region, public_from=None), meeting, place,
        make.make_document(meeting), make.make_reading(series, 5, published_at=None), series, programme,
        make.make_activity(programme), make.make_partner(programme), make.make_headline(programme, metric, public_from=None),
        make.make_share(programme), region.country, metric, make.make_source(),
        make.make_succession(region, make.make_region(public_from=None)), make.make_desk(),
        make.make_user("account", superuser=False), Group.objects.create(name="A group"),
        make.make_consent(), make.make_contributor(), make.make_lock(), Entry.objects.latest("pk"),
    ]  # fmt: skip
    return {row._meta.label_lower: row for row in found}


def test_a_row_of_every_model_is_walked(own: Region) -> None:
    with before_opening():
        assert rows_of(own).keys() == BY_MODEL.keys()
    assert {model._meta.label_lower for model in admin.site._registry} == BY_MODEL.keys()


@pytest.mark.parametrize("role", role_names())
def test_roles_at_every_address_of_their_region(role: str, own: Region) -> None:
    """Asking and sending: 200 or a redirect where a role may, 403 (or 404 for what it cannot see) where not."""
    with before_opening():
        rows = rows_of(own)
        client = client_of(someone(role, own, everywhere=True))
    found, wanted = {}, {}
    for label, (view, add, change, delete) in BY_MODEL.items():
        row = rows[label]
        stem = f"admin:{label.replace('.', '_')}"
        may = {"changelist": view | add | change, "history": view, "change": view, "add": add, "delete": delete}
        if label == "newsroom.entry":
            del may["history"]  # an entry has none: its page says all
        for action, roles in may.items():
            args = [] if action in ("changelist", "add") else [row.pk]
            answer = client.get(reverse(f"{stem}_{action}", args=args))
            found[label, action, "GET"] = answer.status_code
            wanted[label, action, "GET"] = 200 if role in roles else 403
        sent = {"change": change, "add": add, "delete": delete}
        for action, roles in sent.items():
            args = [row.pk] if action != "add" else []
            answer = client.post(reverse(f"{stem}_{action}", args=args), {})
            found[label, action, "POST"] = answer.status_code
            wanted[label, action, "POST"] = 200 if role in roles else 403
    assert {key: code for key, code in found.items() if code != wanted[key]} == {}


def rows_in(state: Status, region: Region) -> list[Approved]:
    """Of every model that two people publish; written by somebody else, approved by a third where it has been."""
    fields: dict[str, Any] = {"authors": [make.make_user(f"author {state}").pk], "public_from": None}
    if state in (Status.APPROVED, Status.PUBLISHED, Status.WITHDRAWN):
        fields["approved_by"] = make.make_user(f"approver {state}")
    moment = make.PAST if state in (Status.PUBLISHED, Status.WITHDRAWN) else None
    publishable = fields | {"status": state, "publish_at": moment}
    programme, metric = make.make_programme(**publishable), make.make_metric()
    rows: list[Approved] = [
        region, programme, make.make_headline(programme, metric, **publishable), make.make_testimonial(region, **publishable),
        make.make_meeting(make.make_place(region), **publishable),
    ]  # fmt: skip
    if state != Status.WITHDRAWN:  # a public reading is corrected, never withdrawn
        del fields["public_from"]
        rows.append(make.make_reading(make.make_series(region, metric), 5, published_at=moment, stage=state, **fields))
    Region.objects.filter(pk=region.pk).update(**{name: value for name, value in publishable.items() if name != "public_from"})
    return rows


@pytest.mark.parametrize("role", role_names())
def test_roles_in_every_state(role: str, opened: None) -> None:
    """What is on its way or public is changed and deleted by no more roles than a draft; what is public, deleted by nobody."""
    found, wanted = {}, {}
    for state in (Status.SUBMITTED, Status.APPROVED, Status.PUBLISHED, Status.WITHDRAWN):
        with before_opening():
            region = make.make_region(public_from=None)
            rows, client = rows_in(state, region), client_of(someone(role, region, everywhere=True))
        for row in rows:
            label = row._meta.label_lower
            _view, _add, change, delete = BY_MODEL[label]
            is_public = state == Status.PUBLISHED
            may = {
                "change": NOBODY if is_public and label == "regions.reading" else change,
                "delete": NOBODY if is_public else delete,
            }
            for action, roles in may.items():
                found[label, state, action] = client.post(address(row, action), {}).status_code
                wanted[label, state, action] = 200 if role in roles else 403
    assert len(wanted) == 46 and {key: code for key, code in found.items() if code != wanted[key]} == {}


@pytest.mark.parametrize("role", role_names())
def test_roles_at_every_other_address(role: str, own: Region) -> None:
    """An answer, or a redirect within the admin, where a role may; 403 where not."""
    with before_opening():
        rows = rows_of(own)
        user = someone(role, own, everywhere=True)
    story = rows["testimonials.testimonial"].pk
    args: dict[str, list[Any]] = {
        "app_list": ["regions"], "auth_user_password_change": [rows["auth.user"].pk], "testimonials_testimonial_erase": [story],
        "testimonials_testimonial_portrait": [story], "view_on_site": [1, 1],
        "newsroom_entry_restore": [Entry.objects.filter(table_name="regions_region").latest("pk").pk],
    }  # fmt: skip
    found = {}
    for name, roles in OTHERS.items():
        if name and roles is not None and name not in ("view_on_site", "autocomplete", "testimonials_testimonial_portrait"):
            answer = client_of(user).get(reverse(f"admin:{name}", args=args.get(name, [])))
            found[name] = (answer.status_code not in (403, 404), role in roles)
    wrong = {name for name, (may, should) in found.items() if may != should}
    # Whoever is signed in to the admin without a role sees its empty first page, and has a password and a code of their own.
    assert wrong - {"newsroom_entry_restore"} == (OF_THEIR_OWN & wrong if role == "no role" else set())


@pytest.mark.parametrize("role", ["Contributor", "Editor", "Approver", "Administrator"])
def test_other_regions_are_out_of_sight(role: str, own: Region) -> None:
    """An editor of South Kivu neither sees nor touches another region's drafts, at any address."""
    with before_opening():
        other = make.make_region(public_from=None, name_en="Another region")
        rows = rows_of(other)
        client = client_of(someone(role, own))
    for label, row in rows.items():
        page = admin.site._registry[type(row)]
        if getattr(page, "in_region", None) is None:
            continue
        stem = f"admin:{label.replace('.', '_')}"
        assert f"/{row.pk}/change/" not in client.get(reverse(f"{stem}_changelist")).content.decode(), label
        for action in ("change", "delete", "history"):
            assert client.get(reverse(f"{stem}_{action}", args=[row.pk])).status_code in (302, 403, 404), (label, action)
            assert client.post(reverse(f"{stem}_{action}", args=[row.pk]), {"post": "yes"}).status_code in (302, 403, 404, 405)
        if isinstance(row, Approved):
            for name in ("submit", "approve", "publish", "withdraw"):
                move(client, row, name, reason="x")
            assert type(row)._base_manager.get(pk=row.pk).state == Status.DRAFT, label
        assert type(row)._base_manager.filter(pk=row.pk).exists()
    choices = client.get(
        reverse("admin:autocomplete"), {"app_label": "meetings", "model_name": "meeting", "field_name": "place", "term": ""}
    )
    assert str(rows["meetings.place"]) not in choices.content.decode()


def test_a_row_is_not_carried_into_another_region(own: Region) -> None:
    with before_opening():
        other = make.make_place(make.make_region(public_from=None))
        meeting = make.make_meeting(make.make_place(own), public_from=None)
        client = client_of(someone("Editor", own))
    page = write(client, meeting, place=str(other.pk))
    assert page.status_code in (200, 403)
    assert Meeting.objects.get(pk=meeting.pk).place != other


def test_the_whole_programme_is_written_from_everywhere_alone(own: Region) -> None:
    with before_opening():
        metric, source = make.make_metric(), make.make_source()
        here, everywhere = client_of(someone("Editor", own)), client_of(someone("Editor", everywhere=True))
    assert here.post(address(source), {}).status_code == 403
    assert everywhere.post(address(source), {}).status_code == 200
    assert everywhere.post(address(metric), {}).status_code == 403


@pytest.mark.parametrize("state", [Status.DRAFT, Status.SUBMITTED, Status.APPROVED, Status.PUBLISHED, Status.WITHDRAWN])
@pytest.mark.parametrize("role", role_names())
def test_moves_by_role_and_state(role: str, state: Status, own: Region) -> None:
    """What each role can make of a meeting in each state, when it wrote none of it."""
    may = {
        "submit": WRITERS, "approve": {"Approver", "superuser"}, "send_back": {"Approver", "superuser"},
        "publish": {"Approver", "superuser"}, "withdraw": {"Approver", "Safeguarding officer", *ADMINS}, "reopen": WRITERS,
    }  # fmt: skip
    leads = {
        Status.DRAFT: {"submit"}, Status.SUBMITTED: {"approve", "send_back", "reopen"},
        Status.APPROVED: {"send_back", "publish", "reopen"}, Status.PUBLISHED: {"withdraw"}, Status.WITHDRAWN: {"reopen"},
    }  # fmt: skip
    author, approver = make.make_user("author"), make.make_user("approver")
    for name, roles in may.items():
        with before_opening():
            fields: dict[str, Any] = {"authors": [author.pk], "status": state}
            if state in (Status.APPROVED, Status.PUBLISHED):
                fields["approved_by"] = approver
            if state in (Status.PUBLISHED, Status.WITHDRAWN):
                fields["publish_at"] = make.PAST
            meeting = make.make_meeting(make.make_place(own), public_from=None, **fields)
            client = client_of(someone(role, own))
        move(client, meeting, name, reason="Because")
        moved = Meeting.objects.get(pk=meeting.pk).status != state
        assert moved == (role in roles and name in leads[state]), name


@pytest.mark.parametrize("role", role_names())
@pytest.mark.parametrize(
    ("action", "before", "after"), [("publish", "approved", "published"), ("withdraw", "published", "withdrawn")]
)
def test_the_list_moves_no_more_than_a_role_may(role: str, action: str, before: str, after: str, own: Region) -> None:
    may = {"publish": {"Approver", "superuser"}, "withdraw": {"Approver", "Safeguarding officer", *ADMINS}}[action]
    with before_opening():
        fields: dict[str, Any] = {"authors": [make.make_user("author").pk], "approved_by": make.make_user("approver")}
        moment = make.PAST if before == "published" else None
        meeting = make.make_meeting(make.make_place(own), public_from=None, status=before, publish_at=moment, **fields)
        client = client_of(someone(role, own))
    client.post(reverse("admin:meetings_meeting_changelist"), {"action": action, "_selected_action": [meeting.pk]})
    assert (Meeting.objects.get(pk=meeting.pk).status == after) == (role in may)


def test_a_role_reads_its_own_pages_as_a_person_would(own: Region) -> None:
    """A contributor of a region writes and submits a meeting; an approver of it approves and publishes."""
    with before_opening():
        place = make.make_place(own)
        writer, approver = client_of(someone("Contributor", own)), client_of(someone("Approver", own))
    form = Form(writer.get(reverse("admin:meetings_meeting_add"))).values
    values = {"place": place.pk, "held_on": "2016-03-11", "slug": "kalemie", "summary_en": "What was said", "_submit": "x"}
    assert writer.post(reverse("admin:meetings_meeting_add"), form | values).status_code == 302
    meeting = Meeting.objects.get()
    assert meeting.status == Status.SUBMITTED
    move(approver, meeting, "approve")
    move(approver, meeting, "publish")
    meeting.refresh_from_db()
    assert meeting.status == Status.PUBLISHED


@pytest.mark.parametrize("role", role_names())
def test_the_exchange_of_readings(role: str, own: Region) -> None:
    client = client_of(someone(role, own))
    for name, args in {"import_readings": [], "export_readings": ["csv"]}.items():
        assert (client.get(reverse(name, args=args)).status_code == 200) == (role in (OUTSIDE[name] or ())), name


def test_the_groups_are_those_of_the_roles(opened: None) -> None:
    for role, wanted in ROLES.items():
        group = Group.objects.get(name=role)
        found = {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.select_related("content_type")}
        assert found == wanted, role
