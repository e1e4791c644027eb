"""No rule of the database without a test: what the models and triggers name is what the apps' tests name."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from itsci_site.lib.languages import TRIGGER as KEEPS_TRANSLATED_FROM
from itsci_site.lib.newsroom.guard import OF_PARTS as GUARDS_PARTS
from itsci_site.lib.newsroom.guard import TRIGGER as GUARDS
from itsci_site.lib.newsroom.ledger import TRIGGER as NOTES_LEAVING
from itsci_site.lib.newsroom.trail import TRIGGERS as KEEP_TRAIL
from regions.content_version import TRIGGER as NOTES_CHANGES
from regions.versions import TRIGGER as KEEPS_VERSIONS

from .meetings.test_constraints import RULES as MEETINGS
from .programmes.test_constraints import REASONS
from .programmes.test_constraints import RULES as PROGRAMMES
from .regions.test_constraints import RULES as REGIONS
from .testimonials.test_constraints import OF_OPENING
from .testimonials.test_constraints import RULES as TESTIMONIALS

TESTED = {
    "meetings": MEETINGS,
    "programmes": [*PROGRAMMES, *REASONS],
    "regions": REGIONS,
    "testimonials": [*TESTIMONIALS, *OF_OPENING],
}
TRIGGERS = """
SELECT pg_get_functiondef(tgfoid) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relname = ANY(%s) AND tgname <> ALL(%s)
"""
FOLLOW = ["copy_place_words", "testimonials_follow"]
LEAVES = [NOTES_LEAVING, "testimonials_leaves", "meetings_leaves"]
HARMLESS = [KEEPS_VERSIONS, KEEPS_TRANSLATED_FROM, NOTES_CHANGES, *KEEP_TRAIL, GUARDS, GUARDS_PARTS, *FOLLOW, *LEAVES]
"""They refuse nothing: they keep versions (tests/regions/test_versions.py), what a translation was made from
(tests/lib/test_translated.py), that something changed (tests/regions/test_content_version.py), the words a meeting is
found by (tests/search), who changed what (tests/newsroom/test_trail.py), what left the public
(tests/recovery/test_ledger.py), or take along what rests on a consent (tests/testimonials/test_consent.py). The guards of
what takes two people are two for all tables (tests/newsroom/test_guard.py)."""


def named_in_models(app: str) -> set[str]:
    return {constraint.name for model in apps.get_app_config(app).get_models() for constraint in model._meta.constraints}


def named_in_triggers(app: str) -> set[str]:
    """The constraints that the functions of this app's triggers raise. Raises AssertionError for a trigger that names none."""
    tables = [model._meta.db_table for model in apps.get_app_config(app).get_models()]
    found: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS, [tables, HARMLESS])
        sources = {source for (source,) in cursor.fetchall()}
        if any("testimonials_refusals" in source for source in sources):
            cursor.execute("SELECT pg_get_functiondef('testimonials_refusals'::regproc)")
            sources.add(cursor.fetchone()[0])
        for source in sources:
            names = re.findall(r"(?:CONSTRAINT\s*=|RETURN NEXT)\s*'(\w+)'", source)
            assert names, f"a trigger without the name of a constraint: {source}"
            found.update(names)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("app", TESTED)
def test_every_rule_is_tested(app: str) -> None:
    assert {rule.name for rule in TESTED[app]} == named_in_models(app) | named_in_triggers(app)


def test_every_app_is_looked_at() -> None:
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}
    assert ours - {"itsci_site"} == set(TESTED)
    assert not list(apps.get_app_config("itsci_site").get_models())


@pytest.mark.django_db
def test_a_new_trigger_is_seen() -> None:
    before = named_in_triggers("meetings")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no' USING CONSTRAINT = 'meetings_untested'; END $$;"
            "CREATE TRIGGER guard BEFORE DELETE ON meetings_place FOR EACH ROW EXECUTE FUNCTION guard()"
        )
    assert named_in_triggers("meetings") - before == {"meetings_untested"}
