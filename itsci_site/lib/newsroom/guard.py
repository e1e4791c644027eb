"""The rules of publishing as Postgres holds them: drafts alone are written in, and nobody approves their own words.

They hold from the moment the register is open (`newsroom_register`): content loaded into an empty database was published
before. The trigger knows who acts from the setting `itsci.actor` (trail.acting).
"""

from django.apps import apps
from django.db import connection, models, transaction

from ..publishing import Approved

TRIGGER = "newsroom_guard"
ANOTHER_DAY = {"translated_from", "changed_at"}
"""Columns of the database's own."""

# Arguments: the columns for the state and the moment, then those that are not content.
FUNCTION = """
CREATE FUNCTION newsroom_refuse(why text, rule text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', why USING ERRCODE = 'check_violation', CONSTRAINT = rule;
END
$$;
CREATE FUNCTION newsroom_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    apart text[] := TG_ARGV[0:1] || string_to_array(TG_ARGV[2], ' ');
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    was text := before->>TG_ARGV[0];
    becomes text := after->>TG_ARGV[0];
    moment timestamptz := after->>TG_ARGV[1];
    actor bigint := nullif(current_setting('itsci.actor', true), '')::bigint;
    written boolean;
BEGIN
    IF current_setting('itsci.what_if', true) = 'on' THEN
        INSERT INTO public.newsroom_whatif VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF NOT EXISTS (SELECT FROM public.newsroom_register) THEN
        IF becomes = 'draft' AND moment IS NOT NULL AND TG_ARGV[0] = 'stage' THEN
            NEW := jsonb_populate_record(NEW, '{"stage": "published"}');
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF was = 'published' AND NOT public.newsroom_is_applied(TG_TABLE_NAME, OLD.id) THEN
            PERFORM public.newsroom_refuse(format('%s %s is published: withdraw it first', TG_TABLE_NAME, OLD.id),
                                           'newsroom_published_is_not_deleted');
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF becomes <> 'draft' OR moment IS NOT NULL OR NEW.approved_by_id IS NOT NULL THEN
            PERFORM public.newsroom_refuse('what is new is a draft', 'newsroom_begins_as_draft');
        END IF;
        IF actor IS NOT NULL AND NOT actor = ANY (NEW.authors) THEN
            NEW.authors := NEW.authors || actor;
        END IF;
        RETURN NEW;
    END IF;
    written := (before - apart) IS DISTINCT FROM (after - apart);
    IF written THEN
        IF was = 'published' THEN
            IF becomes <> was OR NOT public.newsroom_is_applied(TG_TABLE_NAME, NEW.id) THEN
                PERFORM public.newsroom_refuse(
                    format('%s %s is published and stays as it is until its next version is approved', TG_TABLE_NAME, NEW.id),
                    'newsroom_public_copy_stays');
            END IF;
        ELSIF becomes NOT IN ('draft', 'returned') THEN
            PERFORM public.newsroom_refuse('only a draft is written in', 'newsroom_drafts_are_written_in');
        ELSIF actor IS NOT NULL AND NOT actor = ANY (NEW.authors) THEN
            NEW.authors := NEW.authors || actor;
        END IF;
    END IF;
    IF was = becomes THEN
        IF before->TG_ARGV[1] IS DISTINCT FROM after->TG_ARGV[1]
           OR OLD.approved_by_id IS DISTINCT FROM NEW.approved_by_id AND NEW.approved_by_id IS NOT NULL THEN
            PERFORM public.newsroom_refuse('the moment and who approved come with a move', 'newsroom_moves_alone');
        END IF;
    ELSIF (was, becomes) NOT IN (
        ('draft', 'submitted'), ('returned', 'submitted'), ('returned', 'draft'), ('submitted', 'approved'),
        ('submitted', 'returned'), ('approved', 'returned'), ('submitted', 'draft'), ('approved', 'draft'),
        ('approved', 'published'), ('published', 'withdrawn'), ('withdrawn', 'draft'),
        ('published', 'suspended'), ('suspended', 'withdrawn'), ('suspended', 'draft')
    ) AND NOT (TG_TABLE_NAME = 'newsroom_proposal' AND after->'applied_at' = 'null' AND (was, becomes) IN (
        ('published', 'returned'), ('draft', 'withdrawn'), ('returned', 'withdrawn'), ('submitted', 'withdrawn'),
        ('approved', 'withdrawn')
    )) THEN
        PERFORM public.newsroom_refuse(format('there is no way from %s to %s', was, becomes), 'newsroom_no_such_move');
    END IF;
    IF NOT NEW.authors @> OLD.authors AND NOT (was IN ('withdrawn', 'suspended') AND becomes = 'draft') THEN
        PERFORM public.newsroom_refuse('who wrote it stays on record', 'newsroom_authors_stay');
    END IF;
    IF was <> becomes AND becomes IN ('approved', 'published') THEN
        IF NEW.approved_by_id IS NULL OR becomes = 'published' AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id THEN
            PERFORM public.newsroom_refuse('somebody has to approve it', 'newsroom_needs_approval');
        ELSIF cardinality(NEW.authors) = 0 OR NEW.approved_by_id = ANY (NEW.authors) THEN
            PERFORM public.newsroom_refuse('somebody else than its authors has to approve it', 'newsroom_four_eyes');
        ELSIF becomes = 'published' AND (moment IS NULL OR moment < statement_timestamp() - interval '5 minutes') THEN
            PERFORM public.newsroom_refuse('it becomes public now or later', 'newsroom_not_backdated');
        END IF;
    END IF;
    IF becomes IN ('draft', 'returned') THEN
        NEW.approved_by_id := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION newsroom_is_applied(in_table text, row_id bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM public.newsroom_proposal AS proposal
        WHERE proposal.id = nullif(current_setting('itsci.applying', true), '')::bigint
          AND proposal.status = 'published' AND proposal.publish_at <= statement_timestamp() AND proposal.applied_at IS NULL
          AND proposal.changes @> jsonb_build_array(jsonb_build_object('table', in_table, 'id', $2)))
$$;
CREATE TABLE newsroom_whatif (xid xid8 PRIMARY KEY);
CREATE FUNCTION newsroom_whatif_is_not_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.newsroom_refuse('what is only tried out is never kept', 'newsroom_whatif_is_not_kept');
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER newsroom_whatif_is_not_kept AFTER INSERT ON newsroom_whatif
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION newsroom_whatif_is_not_kept();
CREATE FUNCTION newsroom_register_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.newsroom_refuse('the register is never closed again', 'newsroom_register_stays_open');
    RETURN NULL;
END
$$;
CREATE TRIGGER newsroom_register_guard BEFORE UPDATE OR DELETE ON newsroom_register
    FOR EACH ROW EXECUTE FUNCTION newsroom_register_guard();
"""
NO_FUNCTION = """
DROP TRIGGER newsroom_register_guard ON newsroom_register;
DROP FUNCTION newsroom_register_guard();
DROP TABLE newsroom_whatif;
DROP FUNCTION newsroom_whatif_is_not_kept();
DROP FUNCTION newsroom_is_applied(text, bigint);
DROP FUNCTION newsroom_guard() CASCADE;
DROP FUNCTION newsroom_refuse(text, text);
"""


def open_register() -> None:
    """From now on the rules hold. Without effect where they do already."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO newsroom_register (id, opened_at) VALUES (1, now()) ON CONFLICT DO NOTHING")


def columns_of_state(model: type[Approved]) -> tuple[str, str]:
    """The columns for the state and for the moment it is public from."""
    by_name = {field.name: str(field.column) for field in model._meta.fields}
    return by_name[model.STATE], by_name[model.MOMENT]


def apart_of(model: type[models.Model]) -> list[str]:
    """The columns of a model that are not its content: who moved it when, and what the database writes itself."""
    own = {
        str(field.column) for field in model._meta.fields if field.name in {"authors", "approved_by", "status_by", "status_at"}
    }
    return sorted(own | ANOTHER_DAY | set(getattr(model, "not_content", ())))


def guard_all(**_signal: object) -> None:
    """After migrations: the guard on every table of rows that take two people."""
    with transaction.atomic(), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if "newsroom_register" not in there:
            return
        for model in apps.get_models():
            if issubclass(model, Approved) and model._meta.db_table in there:
                columns = {
                    column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)
                }
                if "authors" not in columns:
                    continue
                searched = sorted(name for name in columns if name and name.startswith("search_"))
                state, moment = columns_of_state(model)
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE ON {model._meta.db_table} "
                    "FOR EACH ROW EXECUTE FUNCTION newsroom_guard(%s, %s, %s)",
                    [state, moment, " ".join([*apart_of(model), *searched])],
                )
