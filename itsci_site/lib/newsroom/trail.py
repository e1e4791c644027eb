"""The trail: who changed what, when and why, kept by Postgres whoever makes the change and by whatever means.

A trigger on each table of content writes an entry a row. When the transaction commits its entries are sealed: the seal holds
the hash of them and of the seal before it, so that nobody can change, add or take away an entry unseen (`verify_trail`).
Values can be erased (a person's words, by law); an entry keeps their hash, and the chain stays whole.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, transaction

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPERATIONS = {
    "insert": "NEW TABLE AS new_rows", "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
}  # fmt: skip
"""What is kept, each by a trigger `newsroom_trail_<operation>` that sees these rows of a whole statement."""
NO_TRUNCATE_TRIGGER = "newsroom_no_truncate"
TRIGGERS = [*(f"newsroom_trail_{operation}" for operation in OPERATIONS), NO_TRUNCATE_TRIGGER]
OTHERS = {
    "auth_user", "auth_user_groups", "auth_user_user_permissions", "auth_group", "auth_group_permissions", "newsroom_proposal",
    "newsroom_note",
}  # fmt: skip
"""Tables of other apps whose changes are kept: accounts, their rights, next versions, what was done with the trail."""
# Argument: "hidden" where the values of a table are nobody's business; entries then name the fields alone.
# A statement that changes no row leaves its note as well: a transaction then takes the lock on the chain before any other lock
# that is taken by a note on committing (a content table's `note_change` comes after these triggers by its name).
FUNCTION = """
CREATE TABLE newsroom_unsealed (xid xid8 PRIMARY KEY, seal bigint NOT NULL UNIQUE);
CREATE FUNCTION newsroom_trail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    unkept CONSTANT text[] := ARRAY['changed_at', 'last_login'];
    names text[] := ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped
                          AND attgenerated = '' AND attname <> ALL (unkept) ORDER BY attname);
    -- That a password was changed is kept, never what it was.
    apart text[] := unkept || ARRAY['password'] || ARRAY(
        SELECT attname::text FROM pg_attribute WHERE attrelid = TG_RELID AND attgenerated <> '');
    is_hidden CONSTANT boolean := TG_NARGS > 0 AND TG_ARGV[0] = 'hidden';
    actor bigint := nullif(current_setting('itsci.actor', true), '')::bigint;
    who text := coalesce((SELECT username FROM auth_user WHERE id = actor),
                         nullif(current_setting('itsci.actor_name', true), ''), session_user);
    why text := coalesce(current_setting('itsci.reason', true), '');
    seal bigint := (SELECT unsealed.seal FROM newsroom_unsealed AS unsealed WHERE xid = pg_current_xact_id());
    is_first boolean := seal IS NULL;
BEGIN
    IF is_first THEN
        seal := nextval(pg_get_serial_sequence('newsroom_seal', 'id'));
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO newsroom_entry (seal_id, transaction, at, actor_id, actor, reason, table_name, row_id, operation, changed,
                                    before, after, pinch, digest)
        SELECT seal, pg_current_xact_id()::text::bigint, clock_timestamp(), actor, who, why, TG_TABLE_NAME, id, 'insert', names,
               NULL, content, pinch, newsroom_digest(pinch, NULL, content)
        FROM (SELECT id, CASE WHEN NOT is_hidden THEN to_jsonb(made) - apart END AS content, gen_random_uuid()::text AS pinch
              FROM new_rows AS made) AS made ORDER BY id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO newsroom_entry (seal_id, transaction, at, actor_id, actor, reason, table_name, row_id, operation, changed,
                                    before, after, pinch, digest)
        SELECT seal, pg_current_xact_id()::text::bigint, clock_timestamp(), actor, who, why, TG_TABLE_NAME, id, 'delete', names,
               content, NULL, pinch, newsroom_digest(pinch, content, NULL)
        FROM (SELECT id, CASE WHEN NOT is_hidden THEN to_jsonb(gone) - apart END AS content, gen_random_uuid()::text AS pinch
              FROM old_rows AS gone) AS gone ORDER BY id;
    ELSE
        -- A row whose id was changed is one that went and one that came.
        INSERT INTO newsroom_entry (seal_id, transaction, at, actor_id, actor, reason, table_name, row_id, operation, changed,
                                    before, after, pinch, digest)
        WITH both_rows AS MATERIALIZED (
            SELECT id, was, becomes
            FROM (SELECT id, to_jsonb(o) AS was FROM old_rows AS o) AS o
                 FULL JOIN (SELECT id, to_jsonb(n) AS becomes FROM new_rows AS n) AS n USING (id)
        ), compared AS MATERIALIZED (
            SELECT id, was, becomes, gen_random_uuid()::text AS pinch,
                   ARRAY(SELECT name FROM unnest(names) AS name WHERE was->name IS DISTINCT FROM becomes->name) AS differing
            FROM both_rows
        ), changed AS MATERIALIZED (
            SELECT id, differing, pinch,
                   CASE WHEN was IS NULL THEN 'insert' WHEN becomes IS NULL THEN 'delete' ELSE 'update' END AS operation,
                   CASE WHEN was IS NOT NULL AND NOT is_hidden THEN
                       (SELECT jsonb_object_agg(name, was->name) FROM unnest(differing) AS name WHERE name <> ALL (apart))
                   END AS before,
                   CASE WHEN becomes IS NOT NULL AND NOT is_hidden THEN
                       (SELECT jsonb_object_agg(name, becomes->name) FROM unnest(differing) AS name WHERE name <> ALL (apart))
                   END AS after
            FROM compared WHERE cardinality(differing) > 0
        )
        SELECT seal, pg_current_xact_id()::text::bigint, clock_timestamp(), actor, who, why, TG_TABLE_NAME, id, operation,
               differing, before, after, pinch, newsroom_digest(pinch, before, after)
        FROM changed ORDER BY id;
    END IF;
    IF is_first THEN
        INSERT INTO newsroom_unsealed VALUES (pg_current_xact_id(), seal);
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION newsroom_digest(pinch text, before jsonb, after jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(pinch, before, after)::text, 'UTF8')), 'hex')
$$;
CREATE FUNCTION newsroom_moment(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
$$;
CREATE FUNCTION newsroom_line(entry newsroom_entry) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        entry.id, entry.seal_id, entry.transaction, newsroom_moment(entry.at), entry.actor_id, entry.actor, entry.reason,
        entry.table_name, entry.row_id, entry.operation, entry.changed, entry.digest)::text, 'UTF8'))
$$;
CREATE FUNCTION newsroom_seal_hash(previous text, of bigint, moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(previous || ' ' || of || ' ' || newsroom_moment(moment), 'UTF8')
                         || coalesce(string_agg(newsroom_line(entry), '' ORDER BY entry.id), '')), 'hex')
    FROM newsroom_entry AS entry WHERE entry.seal_id = of
$$;
CREATE FUNCTION newsroom_set_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last newsroom_seal%ROWTYPE;
    moment timestamptz;
    sealed integer;
BEGIN
    -- Writers wait for each other here, while they commit and no longer.
    PERFORM pg_advisory_xact_lock(hashtext('newsroom_seal'));
    SELECT count(*) INTO sealed FROM newsroom_entry WHERE seal_id = NEW.seal;
    IF sealed > 0 THEN
        SELECT * INTO last FROM newsroom_seal ORDER BY at DESC LIMIT 1;
        -- The order of the chain is that of its moments, whatever becomes of the clock.
        moment := greatest(clock_timestamp(), last.at + interval '1 microsecond');
        last.hash := coalesce(last.hash, '');
        INSERT INTO newsroom_seal (id, at, previous, hash, entries)
        VALUES (NEW.seal, moment, last.hash, newsroom_seal_hash(last.hash, NEW.seal, moment), sealed);
    END IF;
    DELETE FROM newsroom_unsealed WHERE xid = NEW.xid;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER newsroom_set_seal AFTER INSERT ON newsroom_unsealed
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION newsroom_set_seal();
CREATE FUNCTION newsroom_only_added_to() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_LEVEL = 'ROW' AND TG_TABLE_NAME = 'newsroom_entry' AND TG_OP = 'UPDATE' THEN
        -- Values can be erased, which is an entry of its own.
        IF to_jsonb(OLD) - ARRAY['before', 'after', 'pinch'] = to_jsonb(NEW) - ARRAY['before', 'after', 'pinch']
           AND NEW.before IS NULL AND NEW.after IS NULL AND NEW.pinch = '' THEN
            RETURN NEW;
        END IF;
    END IF;
    PERFORM newsroom_refuse('the trail is only ever added to', 'newsroom_trail_append_only');
    RETURN NULL;
END
$$;
CREATE TRIGGER newsroom_only_added_to BEFORE UPDATE OR DELETE ON newsroom_entry
    FOR EACH ROW EXECUTE FUNCTION newsroom_only_added_to();
CREATE TRIGGER newsroom_only_added_to BEFORE UPDATE OR DELETE ON newsroom_seal
    FOR EACH ROW EXECUTE FUNCTION newsroom_only_added_to();
CREATE TRIGGER newsroom_written_by_triggers BEFORE INSERT ON newsroom_entry
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION newsroom_only_added_to();
CREATE TRIGGER newsroom_written_by_triggers BEFORE INSERT ON newsroom_seal
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION newsroom_only_added_to();
CREATE TRIGGER newsroom_written_by_triggers BEFORE INSERT OR UPDATE OR DELETE ON newsroom_unsealed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION newsroom_only_added_to();
CREATE TRIGGER newsroom_trail_update AFTER UPDATE ON newsroom_entry REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION newsroom_trail('hidden');
ALTER TABLE newsroom_entry ENABLE ALWAYS TRIGGER newsroom_only_added_to, ENABLE ALWAYS TRIGGER newsroom_written_by_triggers,
    ENABLE ALWAYS TRIGGER newsroom_trail_update;
ALTER TABLE newsroom_seal ENABLE ALWAYS TRIGGER newsroom_only_added_to, ENABLE ALWAYS TRIGGER newsroom_written_by_triggers;
ALTER TABLE newsroom_unsealed ENABLE ALWAYS TRIGGER newsroom_set_seal, ENABLE ALWAYS TRIGGER newsroom_written_by_triggers;
"""
# A table that is emptied with TRUNCATE leaves no rows to be written down.
NO_TRUNCATE = """
CREATE OR REPLACE FUNCTION newsroom_no_truncate() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM newsroom_register) THEN
        PERFORM newsroom_refuse(
            format('%s is not emptied with TRUNCATE, which leaves no trail: delete its rows', TG_TABLE_NAME),
            'newsroom_trail_append_only');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER newsroom_no_truncate BEFORE TRUNCATE ON newsroom_entry EXECUTE FUNCTION newsroom_no_truncate();
CREATE TRIGGER newsroom_no_truncate BEFORE TRUNCATE ON newsroom_seal EXECUTE FUNCTION newsroom_no_truncate();
"""
NO_FUNCTION = """
DROP FUNCTION newsroom_no_truncate() CASCADE;
DROP FUNCTION newsroom_trail() CASCADE;
DROP FUNCTION newsroom_only_added_to() CASCADE;
DROP TABLE newsroom_unsealed;
DROP FUNCTION newsroom_set_seal();
DROP FUNCTION newsroom_seal_hash(text, bigint, timestamptz);
DROP FUNCTION newsroom_line(newsroom_entry);
DROP FUNCTION newsroom_moment(timestamptz);
DROP FUNCTION newsroom_digest(text, jsonb, jsonb);
"""


@contextmanager
def acting(by: "User | None", reason: str = "") -> Iterator[None]:
    """A transaction in whose entries a person stands with a reason."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('itsci.actor', %s, true), set_config('itsci.actor_name', %s, true),"
                " set_config('itsci.reason', %s, true)",
                [str(by.pk) if by else "", by.get_username() if by else "", reason.replace("\0", "")],
            )
        yield


def last_entry() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM newsroom_entry")
        return cursor.fetchone()[0]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a row. `before` and `after` hold the columns that changed; all of them where it is new or gone."""

    table: str
    id: int
    operation: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        return {"table": self.table, "id": self.id, "op": self.operation, "before": self.before, "after": self.after}


def changes_since(entry: int) -> list[Change]:
    """What this transaction made of rows after an entry, one a row, in the order that lets them be made again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, row_id, operation, before, after FROM newsroom_entry"
            " WHERE id > %s AND transaction = pg_current_xact_id()::text::bigint ORDER BY id",
            [entry],
        )
        rows = [Change(table, pk, op, _loaded(before), _loaded(after)) for table, pk, op, before, after in cursor.fetchall()]
    found: dict[tuple[str, int], Change | None] = {}
    for row in rows:
        place = (row.table, row.id)
        earlier = found.get(place)
        found[place] = row if earlier is None else _merged(earlier, row)
    return [change for change in found.values() if change]


def _loaded(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _merged(first: Change, then: Change) -> Change | None:
    """Two changes of one row as one; None where nothing is left of them."""
    if first.operation == "insert":
        if then.operation == "delete":
            return None
        return Change(first.table, first.id, "insert", None, {**(first.after or {}), **(then.after or {})})
    if first.operation == "delete":
        return then if then.operation != "insert" else Change(first.table, first.id, "update", first.before, then.after)
    before = {**(then.before or {}), **(first.before or {})}
    if then.operation == "delete":
        return Change(first.table, first.id, "delete", before, None)
    after = {**(first.after or {}), **(then.after or {})}
    names = [name for name in after if before[name] != after[name]]
    if not names:
        return None
    return Change(
        first.table, first.id, "update", {name: before[name] for name in names}, {name: after[name] for name in names}
    )


def watched() -> dict[str, str]:
    """Every table whose changes are kept, with the argument of its trigger: all content, accounts and their rights."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.app_label
        ours = getattr(apps.get_app_config(label), "keeps_trail", False)
        if (ours or model._meta.db_table in OTHERS) and getattr(model, "kept_in_trail", True):
            found[model._meta.db_table] = "hidden" if getattr(model, "hidden_in_trail", False) else "open"
    return found


def triggers() -> Iterator[tuple[str, str, str]]:
    """Every trigger that the trail needs to miss nothing: its table, its name, and what follows that name in SQL."""
    for table, argument in watched().items():
        for operation, rows in OPERATIONS.items():
            yield (
                table,
                f"newsroom_trail_{operation}",
                f"AFTER {operation.upper()} ON {table} REFERENCING {rows} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION newsroom_trail('{argument}')",
            )
        yield table, NO_TRUNCATE_TRIGGER, f"BEFORE TRUNCATE ON {table} EXECUTE FUNCTION newsroom_no_truncate()"


def watch_all(**_signal: object) -> None:
    """After migrations: the triggers on every watched table there is now. They fire on what replication writes as well."""
    with transaction.atomic(), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if "newsroom_entry" not in there:
            return
        for table, name, definition in triggers():
            if table in there:
                cursor.execute(f"CREATE OR REPLACE TRIGGER {name} {definition}")
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
