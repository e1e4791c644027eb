"""The languages of content: a column a language, and a trigger that keeps what an overtaken translation was made from.

A translated field has a column a language: `narrative_en`, `narrative_fr`. When the original changes and a translation does
not, Postgres writes into `translated_from`, under "fr.narrative", the fingerprint of the original that the translation was made
from. A key stands there only as long as the two are apart. Postgres does so whoever makes the change and by whatever means; the
fields it looks at come from the columns that modeltranslation adds.
"""

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.utils.translation import get_language

TRIGGER = "keep_translated_from"

# The arguments name the original language, then each translation: en, fr.name, fr.narrative. A text is compared without what
# the text area of a form adds to it. A row that is saved may bring along a `translated_from` of its own, overtaken long ago: of
# what that says one thing counts, that a translation was found to fit the original as it now is.
FUNCTION = r"""
CREATE FUNCTION keep_translated_from() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    original text := replace(TG_ARGV[0], '-', '_');
    after jsonb;
    before jsonb;
    kept jsonb := '{}';
    said text;
    today text;
    made_from text;
BEGIN
    IF TG_OP = 'INSERT' AND NEW.translated_from = '{}' THEN
        RETURN NEW;
    END IF;
    after := to_jsonb(NEW);
    before := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
    FOR place IN 1 .. TG_NARGS - 1 LOOP
        DECLARE
            field text := split_part(TG_ARGV[place], '.', 2);
            translation text := field || '_' || replace(split_part(TG_ARGV[place], '.', 1), '-', '_');
        BEGIN
            said := public.keep_translated_from_plain(after->>translation);
            CONTINUE WHEN said = '';
            today := md5(public.keep_translated_from_plain(after->>(field || '_' || original)));
            IF TG_OP = 'INSERT' THEN
                made_from := NEW.translated_from->>TG_ARGV[place];
            ELSE
                CONTINUE WHEN said <> public.keep_translated_from_plain(before->>translation);
                CONTINUE WHEN NEW.translated_from->>TG_ARGV[place] = today;
                made_from := coalesce(
                    OLD.translated_from->>TG_ARGV[place],
                    md5(public.keep_translated_from_plain(before->>(field || '_' || original)))
                );
            END IF;
            IF made_from <> today THEN
                kept := kept || jsonb_build_object(TG_ARGV[place], made_from);
            END IF;
        END;
    END LOOP;
    NEW.translated_from := kept;
    RETURN NEW;
END
$$;
CREATE FUNCTION keep_translated_from_plain(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT btrim(replace(coalesce(said, ''), E'\r', ''), E' \t\n')
$$;
"""
NO_FUNCTION = """
DROP FUNCTION keep_translated_from();
DROP FUNCTION keep_translated_from_plain(text);
"""


def original_language() -> str:
    return settings.MODELTRANSLATION_DEFAULT_LANGUAGE


def current_language() -> str:
    return get_language() or original_language()


def column(name: str, language: str) -> str:
    return f"{name}_{language.replace('-', '_')}"


def in_each_language(*names: str) -> list[str]:
    """The columns of these fields in every language: what a search looks through."""
    return [column(name, language) for name in names for language, _name in settings.LANGUAGES]


def fields(model: type[models.Model]) -> list[str]:
    """The translated fields of a model, known by the columns that modeltranslation adds for them."""
    return list(
        dict.fromkeys(field.translated_field.name for field in model._meta.fields if hasattr(field, "translated_field"))
    )


def key(language: str, name: str) -> str:
    return f"{language}.{name}"


def translations(model: type[models.Model]) -> list[tuple[str, str]]:
    """Every translation that a row of a model has room for: its language and its field.

    A model says which of its fields are `made_apart` in each language, from something else than the original's column.
    """
    others = [language for language, _name in settings.LANGUAGES if language != original_language()]
    apart = getattr(model, "made_apart", ())
    return [(language, name) for language in others for name in fields(model) if name not in apart]


def keep_all(**_signal: object) -> None:
    """After migrations: the trigger on every table with translated fields, for the languages and fields there are now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'translated_from' AND NOT attisdropped"
            " AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)"
        )
        tables = {table for (table,) in cursor.fetchall()}
        cursor.execute("SELECT tgrelid::regclass::text, tgargs FROM pg_trigger WHERE tgname = %s", [TRIGGER])
        there = {table: bytes(arguments) for table, arguments in cursor.fetchall()}
        for model in apps.get_models():
            table = model._meta.db_table
            arguments = [original_language(), *(key(*translation) for translation in translations(model))]
            wanted = b"".join(argument.encode() + b"\0" for argument in arguments)
            if table in tables and there.get(table) != wanted:
                # The condition always holds: it binds the trigger to its column, so that the two go together.
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
                    " WHEN (NEW.translated_from IS NOT NULL) EXECUTE FUNCTION keep_translated_from("
                    + ", ".join(f"'{argument}'" for argument in arguments)
                    + ")"
                )
