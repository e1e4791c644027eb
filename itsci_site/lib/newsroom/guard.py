"""The rules of publishing as Postgres holds them: drafts alone are written in, and nobody approves their own words.

They hold from the moment the register is open (`newsroom_register`): content loaded into an empty database was published
before. The trigger knows who acts from the setting `itsci.actor` (trail.acting).
"""

from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from ..publishing import Approved

TRIGGER, OF_PARTS = "newsroom_guard", "newsroom_guard_part"
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

# What stands in a page is part of it. Arguments: the page's table, the column that leads to it, those that are not content.
PARTS = """
CREATE FUNCTION newsroom_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    apart text[] := string_to_array(TG_ARGV[2], ' ');
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - apart END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - apart END;
    actor bigint := nullif(current_setting('itsci.actor', true), '')::bigint;
    page bigint;
    stands text;
BEGIN
    IF before IS DISTINCT FROM after AND coalesce(current_setting('itsci.what_if', true), '') <> 'on'
       AND EXISTS (SELECT FROM public.newsroom_register)
       AND NOT (TG_OP = 'DELETE' AND coalesce(current_setting('itsci.ledger', true), '') = 'applying')
       AND NOT public.newsroom_is_applied(TG_TABLE_NAME, (coalesce(after, before)->>'id')::bigint) THEN
        FOR page IN SELECT DISTINCT one FROM unnest(ARRAY[before->>TG_ARGV[1], after->>TG_ARGV[1]]::bigint[]) AS one
                    WHERE one IS NOT NULL LOOP
            EXECUTE format('SELECT status FROM public.%I WHERE id = $1 FOR UPDATE', TG_ARGV[0]) INTO stands USING page;
            IF stands = 'published' THEN
                PERFORM public.newsroom_refuse(
                    format('%s %s is published and stays as it is until its next version is approved', TG_ARGV[0], page),
                    'newsroom_public_copy_stays');
            END IF;
            EXECUTE format($sql$
                UPDATE public.%I SET status = CASE WHEN status = 'returned' THEN status ELSE 'draft' END,
                    status_by_id = $2, status_at = now(),
                    authors = CASE WHEN $2 = ANY (authors) THEN authors ELSE array_remove(authors || $2, NULL) END
                WHERE id = $1 AND (status NOT IN ('draft', 'returned') OR NOT $2 = ANY (authors))$sql$, TG_ARGV[0])
                USING page, actor;
        END LOOP;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
"""
NO_PARTS = "DROP FUNCTION newsroom_guard_part() CASCADE;"


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


def parent_field(model: type[models.Model]) -> str | None:
    """The foreign key to the row that shows this one to the public: `shown_with` of a model, the owner's side of a link."""
    named = getattr(model, "shown_with", None)
    if named is None and model._meta.auto_created:
        return next(field.name for field in model._meta.fields if field.remote_field)
    return named


def guard_all(**_signal: object) -> None:
    """After migrations: the guard on every table of rows that take two people, and of rows that stand in their pages."""
    with transaction.atomic(), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        cursor.execute("SELECT proname FROM pg_proc WHERE proname IN (%s, %s)", [TRIGGER, OF_PARTS])
        functions = {name for (name,) in cursor.fetchall()}
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table not in there:
                continue
            name, of = parent_field(model), None
            if issubclass(model, Approved):
                of, trigger, first = model, TRIGGER, columns_of_state(model)
            elif name is not None:
                link: Any = model._meta.get_field(name)
                of, trigger, first = link.related_model, OF_PARTS, (link.related_model._meta.db_table, link.column)
            if of is None or not issubclass(of, Approved) or trigger not in functions or "authors" not in _columns(cursor, of):
                continue
            searched = sorted(column for column in _columns(cursor, model) if column.startswith("search_"))
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {trigger}(%s, %s, %s)",
                [*first, " ".join([*apart_of(model), *searched])],
            )


def _columns(cursor: Any, model: type[models.Model]) -> set[str]:
    """As they are in the database: between migrations not all are there."""
    return {column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)}
