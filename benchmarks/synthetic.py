"""Made-up content of a hundredth, a tenth and all of what the site is measured with, each in a database of its own.

All of it: 1,000 regions with 12 metrics and a million readings, 100,000 meetings at 2,000 places, 5,000 stories. Everything is
written by Postgres, the most of it with triggers off: what they would keep (trail, whose consent lasts) is no part of a public
page, or is written here as they would.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent
METRICS = 12


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `name`: as tables head its column."""

    name: str
    regions: int
    readings: int
    meetings: int
    stories: int

    @property
    def places(self) -> int:
        return 2 * self.regions


SIZES = (
    Size("1 x", 10, 10_000, 1_000, 50),
    Size("10 x", 100, 100_000, 10_000, 500),
    Size("100 x", 1_000, 1_000_000, 100_000, 5_000),
)
SMALL = (Size("small", 4, 400, 60, 20), Size("4 x small", 16, 1_600, 240, 80))
"""To see in some seconds whether the benchmark works."""

WORDS = [
    "tagging", "procedures", "minerals", "committee", "members", "conflict", "prices", "security", "children", "school",
    "training", "incident", "report", "villages", "government", "agents", "traders", "miners", "weather", "road", "bridge",
    "market", "region", "meeting", "minutes", "water", "tunnel", "safety", "health", "women", "savings", "literacy",
]  # fmt: skip
"""What texts are put together from, the first ones more often; each holds a few words of its own besides."""
SAID = """
(SELECT string_agg((%(words)s::text[])[1 + floor(32 * chance * chance)::int], ' ')
 FROM (SELECT abs(hashint4(number * 131 + at)) / 2147483648.0 AS chance FROM generate_series(1, {count}) AS at) AS drawn)
"""

CODES = "ALTER TABLE regions_region DROP CONSTRAINT regions_region_code_key"
"""The site itself holds 676 regions at the most, which their codes of two capitals tell apart. Here some have the same."""
PUBLIC = "'published', '2000-01-01'"
FRAME = [
    """
INSERT INTO regions_country (slug, iso_code, name, name_en, short_name, short_name_en, introduction, "order")
SELECT 'country-' || number, 'A' || chr(64 + number), 'Country ' || number, 'Country ' || number, 'Country ' || number,
       'Country ' || number, '', number
FROM generate_series(1, 10) AS number
""",
    f"""
INSERT INTO regions_region (country_id, slug, code, kind, name, name_en, lead, lead_en, narrative, narrative_en, "order",
                            status, publish_at)
SELECT country.id, 'region-' || number,
       chr(65 + number / 26 %% 26) || chr(65 + number %% 26), 'province', 'Region ' || number,
       'Region ' || number, told, told, told || told, told || told, number, {PUBLIC}
FROM generate_series(0, %(regions)s - 1) AS number
JOIN regions_country AS country ON country."order" = 1 + number * 10 / %(regions)s
CROSS JOIN LATERAL (SELECT {SAID.format(count=15)} AS told) AS text
""",  # noqa: S608 - fixed words
    """
INSERT INTO regions_metric (slug, code, name, name_en, short_name, short_name_en, definition, definition_en, unit, unit_en,
                            additive, "order")
SELECT 'metric-' || number, chr(65 + number), 'Metric ' || number, 'Metric ' || number, 'Metric ' || number,
       'Metric ' || number, 'What is counted.', 'What is counted.', 'people', 'people', number %% 4 <> 3, number
FROM generate_series(0, %(metrics)s - 1) AS number
""",
    f"""
INSERT INTO programmes_programme (slug, name, name_en, strapline, strapline_en, lead, lead_en, progress_lead,
                                  progress_lead_en, "order", status, publish_at)
VALUES ('programme', 'Programme', 'Programme', 'A programme', 'A programme', 'What it does.', 'What it does.', 'Its figures.',
        'Its figures.', 0, {PUBLIC})
""",  # noqa: S608 - fixed words
    """
INSERT INTO programmes_programme_regions (programme_id, region_id)
SELECT programme.id, region.id FROM programmes_programme AS programme, regions_region AS region
""",
    """
INSERT INTO programmes_programme_metrics (programme_id, metric_id)
SELECT programme.id, metric.id FROM programmes_programme AS programme, regions_metric AS metric
""",
    """
INSERT INTO regions_series (region_id, metric_id)
SELECT region.id, metric.id FROM regions_region AS region, regions_metric AS metric
""",
    """
INSERT INTO regions_source (name, name_en, publisher, address, note) VALUES ('Made up', 'Made up', '', '', '')
""",
]  # fmt: skip
"""What has versions, by which a page knows a past day."""
FILL = [
    # In the order in which they would have come in; weeks, with gaps and with some that were not reported.
    """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at, reason,
                             stage)
SELECT series_id, day, 'day', '', CASE WHEN missing THEN NULL ELSE 1000 + (series_id * 7919 + week * 31) %% 9000 END,
       CASE WHEN missing THEN 'not_reported' ELSE 'reported' END, (SELECT min(id) FROM regions_source),
       day + interval '20 days', '', 'published'
FROM (
    SELECT series.id AS series_id, week, '2026-01-05'::date - 7 * week AS day, (series.id + week * 13) %% 31 = 0 AS missing
    FROM generate_series(0, %(weeks)s) AS week, regions_series AS series
    WHERE NOT (series.id %% 7 = 0 AND week %% 5 = 2)
    ORDER BY week, series.id
    LIMIT %(readings)s - %(corrections)s
) AS rows
ORDER BY day, series_id
""",
    """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at, reason,
                             reason_en, supersedes_id, stage)
SELECT series_id, effective_on, precision, '', value + 1, status, source_id, published_at + interval '60 days',
       'A typing error', 'A typing error', id, 'published'
FROM regions_reading WHERE value IS NOT NULL AND id %% 53 = 0 ORDER BY id LIMIT %(corrections)s
""",
    """
INSERT INTO meetings_place (region_id, slug, name, name_en, note)
SELECT region.id, 'place-' || number, named.name, named.name, ''
FROM (SELECT number, initcap(translate(md5(number::text), '0123456789', 'aeiouaeiou')) AS name
      FROM generate_series(0, %(places)s - 1) AS number) AS named
JOIN regions_region AS region ON region."order" = number / 2
""",
    f"""
INSERT INTO meetings_meeting (place_id, slug, held_on, topics, topics_en, summary, summary_en, is_excerpt, sensitivity,
                              status, publish_at)
SELECT place.id, 'made-' || translate(number::text, '0123456789', 'abcdefghij'), '2026-01-01'::date - number %% 5000,
       topics, topics, told, told, false, CASE WHEN number %% 20 = 0 THEN 'incident' ELSE 'none' END,
       CASE WHEN number %% 50 = 0 THEN 'draft' ELSE 'published' END, '2026-06-01'
FROM generate_series(1, %(meetings)s) AS number
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM meetings_place) AS place ON place.at = number %% %(places)s
CROSS JOIN LATERAL (SELECT (%(words)s::text[])[1 + number %% 32] AS topics,
                           {SAID.format(count=80)} || ' rare' || number %% 20000 AS told) AS text
""",  # noqa: S608 - fixed words
    f"""
INSERT INTO testimonials_testimonial (region_id, slug, quote, quote_language, original_language, story_title, story_title_en,
    story_teaser, story_teaser_en, story_body, story_body_en, "order", status, publish_at, consent_until)
SELECT region.id, 'story-' || number, left(told, 130), 'en', '', left(told, 50), left(told, 50), left(told, 100),
       left(told, 100), told, told, number %% 30, 'published', '2000-01-01'::date + number %% 5000, '2100-01-01'
FROM generate_series(0, %(stories)s - 1) AS number
JOIN regions_region AS region ON region."order" = number %% %(regions)s
CROSS JOIN LATERAL (SELECT {SAID.format(count=80)} AS told) AS text
""",  # noqa: S608 - fixed words
]  # fmt: skip
COUNTS = {
    "regions": "regions_region", "readings": "regions_reading", "meetings": "meetings_meeting",
    "stories": "testimonials_testimonial",
}  # fmt: skip


@contextmanager
def databases(sizes: tuple[Size, ...]) -> Iterator[dict[Size, str]]:
    """The name of a filled database for each size. They are dropped at the end."""
    home = connection.settings_dict["NAME"]
    names = {size: f"{home}_benchmark_{size.readings}" for size in sizes}
    empty = f"{home}_benchmark"
    try:
        _new(home, empty)
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment(empty), check=True)
        for size, name in names.items():
            _new(home, name, template=empty)
            use(name)
            fill(size)
            print(f"{size.name}: {size.readings:,} readings of {size.regions:,} regions are written.", flush=True)
        yield names
    finally:
        use(home)
        with connection.cursor() as cursor:
            for name in (*names.values(), empty):
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def fill(size: Size) -> None:
    asked: dict[str, Any] = {
        "regions": size.regions, "metrics": METRICS, "readings": size.readings, "corrections": size.readings // 60,
        "weeks": size.readings // (size.regions * METRICS) + 25,  # more than it takes: the limit says how many
        "places": size.places, "meetings": size.meetings, "stories": size.stories, "words": WORDS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT newsroom_open()")  # a copy of a database is shut
        cursor.execute(CODES)
        for statement in FRAME:
            cursor.execute(statement, asked)
        cursor.execute("SET session_replication_role = replica")
        for statement in FILL:
            cursor.execute(statement, asked)
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")
        for name, table in COUNTS.items():
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - fixed words
            (found,) = cursor.fetchone()
            if found != getattr(size, name):
                raise RuntimeError(f"{found} {name}, not {getattr(size, name)}")


def _new(home: str, name: str, template: str = "template1") -> None:
    use(home)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def environment(name: str) -> dict[str, str]:
    """The environment of a process that uses another database on the same server."""
    to: dict[str, Any] = settings.DATABASES["default"]
    keys = {"PGHOST": to["HOST"], "PGPORT": to["PORT"], "PGUSER": to["USER"], "PGPASSWORD": to["PASSWORD"]}
    return os.environ | {key: str(value) for key, value in keys.items() if value} | {"DATABASE_URL": f"postgresql:///{name}"}


def use(name: str) -> None:
    """Everything that is asked from here on is asked of this database."""
    connection.close()
    connection.settings_dict["NAME"] = name
