"""Next versions of what is public: tried out in a transaction that is taken back, kept as changes, applied at their moment."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from ..publishing import Approved, Status
from .guard import apart_of, parent_field
from .models import Proposal
from .trail import Change

# A change fits if the row still says what the change was made from. The moment of a version is the one it was published for.
FUNCTION = """
CREATE FUNCTION newsroom_replay(changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one jsonb;
    target text;
    names text;
    present jsonb;
    fits boolean;
BEGIN
    FOR one IN SELECT value FROM jsonb_array_elements(changes) LOOP
        target := one->>'table';
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = to_regclass('public.' || quote_ident(target))
                       AND tgname = 'newsroom_trail_insert') OR target ~ '^(auth|newsroom)_' THEN
            PERFORM public.newsroom_refuse(format('%s is no table of content', target), 'newsroom_replay_content');
        END IF;
        EXECUTE format('SELECT to_jsonb(t) FROM public.%I AS t WHERE id = $1 FOR UPDATE', target)
            INTO present USING (one->>'id')::bigint;
        IF one->>'op' = 'insert' THEN
            SELECT string_agg(quote_ident(key), ', ') INTO names FROM jsonb_object_keys(one->'after') AS key;
            EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE '
                           'SELECT %2$s FROM jsonb_populate_record(NULL::public.%1$I, $1)', target, names) USING one->'after';
            CONTINUE;
        END IF;
        SELECT present IS NOT NULL AND coalesce(bool_and(present->key IS NOT DISTINCT FROM value), true) INTO fits
        FROM jsonb_each(one->'before') WHERE present ? key AND (one->>'op' = 'update' OR key = 'id');
        IF NOT fits THEN
            PERFORM public.newsroom_refuse(format('%s %s was changed meanwhile', target, one->>'id'), 'newsroom_replay_fits');
        ELSIF one->>'op' = 'delete' THEN
            EXECUTE format('DELETE FROM public.%I WHERE id = $1', target) USING (one->>'id')::bigint;
        ELSE
            SELECT string_agg(quote_ident(key), ', ') INTO names FROM jsonb_object_keys(one->'after') AS key;
            EXECUTE format('UPDATE public.%1$I SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(NULL::public.%1$I, $1)) '
                           'WHERE id = $2', target, names) USING one->'after', (one->>'id')::bigint;
            IF present ? 'changed_at' THEN
                EXECUTE format('UPDATE public.%I SET changed_at = clock_timestamp() WHERE id = $1', target)
                    USING (one->>'id')::bigint;
            END IF;
        END IF;
    END LOOP;
END
$$;
-- One a call, and so one a transaction: whoever publishes meanwhile waits for one next version, not for all that are due.
CREATE FUNCTION newsroom_apply_due() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    due newsroom_proposal%ROWTYPE;
    done integer := 0;
    approver text;
BEGIN
    IF NOT EXISTS (SELECT FROM newsroom_proposal WHERE status = 'published' AND applied_at IS NULL
                   AND publish_at <= statement_timestamp()) THEN
        RETURN 0;
    END IF;
    FOR due IN SELECT * FROM newsroom_proposal WHERE status = 'published' AND applied_at IS NULL
               AND publish_at <= statement_timestamp() ORDER BY publish_at, id LIMIT 1 FOR UPDATE LOOP
        done := 1;
        -- Whoever waited for this row finds it applied by another.
        CONTINUE WHEN (SELECT applied_at IS NOT NULL OR status <> 'published' FROM newsroom_proposal WHERE id = due.id);
        BEGIN
            SELECT coalesce(max(username), '') INTO approver FROM auth_user WHERE id = due.approved_by_id;
            PERFORM set_config('itsci.applying', due.id::text, true), set_config('itsci.actor', due.approved_by_id::text, true),
                    set_config('itsci.actor_name', approver, true),
                    set_config('itsci.reason', format('Next version %s', due.id), true),
                    set_config('itsci.version_at', due.publish_at::text, true);
            PERFORM newsroom_replay(due.changes);
            SET CONSTRAINTS ALL IMMEDIATE;
            UPDATE newsroom_proposal SET applied_at = clock_timestamp(), problem = '' WHERE id = due.id;
        EXCEPTION WHEN integrity_constraint_violation OR data_exception OR undefined_column THEN
            PERFORM set_config('itsci.applying', '', true);
            UPDATE newsroom_proposal SET status = 'returned', approved_by_id = NULL, problem = SQLERRM WHERE id = due.id;
        END;
        SET CONSTRAINTS ALL DEFERRED;
    END LOOP;
    PERFORM set_config('itsci.applying', '', true), set_config('itsci.version_at', '', true),
            set_config('itsci.reason', '', true), set_config('itsci.actor', '', true), set_config('itsci.actor_name', '', true);
    RETURN done;
END
$$;
"""
NO_FUNCTION = """
DROP FUNCTION newsroom_apply_due();
DROP FUNCTION newsroom_replay(jsonb);
"""


def apply_due() -> int:
    """Makes every next version whose moment has come part of its rows, or returns it. How many. Cheap where none is due.

    None in a database that is shut: it may have been discarded after the backup that was restored.
    """
    number = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT CASE WHEN newsroom_is_open() THEN newsroom_apply_due() ELSE 0 END")
            if not cursor.fetchone()[0]:
                return number
            number += 1


def replay(changes: Sequence[dict[str, Any]]) -> None:
    """Raises IntegrityError where they no longer fit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT newsroom_replay(%s::jsonb)", [json.dumps(changes)])


def plainly(error: DatabaseError) -> str:
    """What Postgres said, without where."""
    return str(error).partition("\n")[0]


def try_out() -> None:
    """From here to the end of the transaction or savepoint what is public can be written in; Postgres refuses to commit it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.what_if', 'on', true)")


@contextmanager
def tried_out(changes: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Queries inside see rows as these changes would make them; nothing of it is kept. Render the page inside, too."""
    with transaction.atomic():
        try_out()
        replay(changes)
        yield
        transaction.set_rollback(True)


def pending(model: type[models.Model], pk: Any) -> Proposal | None:
    return Proposal.objects.pending().of(model, pk).first()


def models_by_table() -> dict[str, type[models.Model]]:
    return {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


def is_shown(change: Change) -> bool:
    """Would this change of a row reach the public by itself? Asked of the rows as they were before it.

    A row with a state of its own does while it is published; one that stands in another's page, while that is; anything else
    (a measure, a source) from its first day on, but not by being new.
    """
    model = models_by_table()[change.table]
    if getattr(model, "never_public", False):
        return False
    if issubclass(model, Approved):
        if change.operation == "update" and set(change.after or ()) <= set(apart_of(model)):
            return False
        return row_is_shown(model, {change.id})
    field = parent_field(model)
    if field is None:
        return change.operation != "insert"
    parent: Any = model._meta.get_field(field)
    keys = {row[parent.column] for row in (change.before, change.after) if row and parent.column in row}
    if change.operation == "update":
        keys |= set(model._base_manager.filter(pk=change.id).values_list(parent.attname, flat=True))
    return row_is_shown(parent.related_model, keys)


def row_is_shown(model: type[models.Model], keys: set[Any]) -> bool:
    if getattr(model, "never_public", False):
        return False
    rows = model._base_manager.filter(pk__in=keys)
    if issubclass(model, Approved):
        return rows.filter(**{model.STATE: Status.PUBLISHED}).exists()
    field = parent_field(model)
    if field is None:
        return bool(keys)
    parent: Any = model._meta.get_field(field)
    return row_is_shown(parent.related_model, set(rows.values_list(parent.attname, flat=True)))
