"""How long a search and a page of the register take among 100,000 meetings and 5,000 stories.

    python -m benchmarks.search [100000]

They are made in a database of its own on the configured server, which is dropped at the end. docs/performance.md holds what
one run said.
"""

import argparse
import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils.http import urlencode
from django.utils.translation import override

from benchmarks.figures import SITE, machine, page, seconds, use
from itsci_site import search
from itsci_site.management.commands.load_content import FIXTURE

MEETINGS, STORIES = 100_000, 5_000
RUNS = 15
WORDS = [
    "tagging", "procedures", "minerals", "committee", "members", "conflict", "prices", "security", "children", "school",
    "training", "incident", "report", "villages", "government", "agents", "traders", "miners", "weather", "road", "bridge",
    "market", "region", "meeting", "minutes", "water", "tunnel", "safety", "health", "women", "savings", "literacy",
]  # fmt: skip
"""What summaries are put together from, the first ones more often; each holds a few words of its own besides."""
PLACES = """
INSERT INTO meetings_place (region_id, slug, name, name_en, name_fr, note)
SELECT (SELECT id FROM regions_region ORDER BY id LIMIT 1 OFFSET number %% 6), 'place-' || number, name, name, name, ''
FROM (SELECT number, initcap(translate(md5(number::text), '0123456789', 'aeiouaeiou')) AS name
      FROM generate_series(1, 500) AS number) AS named
"""
FILL_MEETINGS = """
INSERT INTO meetings_meeting (place_id, slug, held_on, topics, topics_en, summary, summary_en, is_excerpt, sensitivity,
                              status, publish_at)
SELECT place, 'made-' || translate(number::text, '0123456789', 'abcdefghij'), '2016-01-01'::date - number %% 5000,
       topics, topics, told, told, false,
       CASE WHEN number %% 20 = 0 THEN 'incident' ELSE 'none' END,
       CASE WHEN number %% 50 = 0 THEN 'draft' ELSE 'published' END, '2020-01-01'
FROM (
    SELECT number, (SELECT id FROM meetings_place ORDER BY id LIMIT 1 OFFSET number %% 500) AS place,
           (%(words)s::text[])[1 + number %% 32] AS topics,
           (SELECT string_agg((%(words)s::text[])[1 + floor(32 * chance * chance)::int], ' ')
            FROM (SELECT abs(hashint4(number * 131 + at)) / 2147483648.0 AS chance
                  FROM generate_series(1, 80) AS at) AS drawn) || ' rare' || number %% 20000 AS told
    FROM generate_series(1, %(count)s) AS number
) AS made
"""
FILL_STORIES = """
INSERT INTO testimonials_testimonial (region_id, slug, quote, quote_language, original_language, story_title, story_title_en,
    story_teaser, story_teaser_en, story_body, story_body_en, "order", status, publish_at)
SELECT (SELECT id FROM regions_region ORDER BY id LIMIT 1 OFFSET number %% 6), 'made-' || number, summary, 'en', '',
       left(summary, 60), left(summary, 60), left(summary, 150), left(summary, 150), summary, summary, 0, 'published', held_on
FROM (SELECT id AS number, summary, held_on FROM meetings_meeting ORDER BY id DESC LIMIT %(count)s) AS made
"""
ASKED = {
    "a word in most": "tagging", "three words in most": "tagging procedures minerals", "a word in a tenth": "literacy",
    "a rare word": "rare777", "a phrase": '"tagging procedures"', "all but a word": "-tagging",
    "one or another": "rare1 or rare2", "did you mean": "litteracy traning", "nothing like it": "zzzzqqqq xxyyxxyy",
    "%, 200 times": "%" * 200, "operators": "& | ! :* <-> ( ) \\ ' \" - " * 7, "40 words": "tagging " * 25,
    "200 letters": "a" * 200, "words of 1 letter": "a " * 100, "ors": "a or " * 40, "minuses": "-a " * 66,
}  # fmt: skip


@contextmanager
def filled(count: int) -> Iterator[None]:
    """A database with the programme's content and so many made-up meetings."""
    home = connection.settings_dict["NAME"]
    name = f"{home}_benchmark_search"
    try:
        _server(home, f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
        use(name)
        call_command("migrate", verbosity=0)
        call_command("loaddata", FIXTURE, verbosity=0)  # not load_content: once the register is open nothing is made published
        with connection.cursor() as cursor:
            cursor.execute(PLACES, [])
            cursor.execute(FILL_MEETINGS, {"words": WORDS, "count": count})
            cursor.execute(FILL_STORIES, {"count": STORIES})
            cursor.execute("VACUUM ANALYZE")
        yield
    finally:
        _server(home, f'DROP DATABASE IF EXISTS "{name}"')


def _server(home: str, *statements: str) -> None:
    use(home)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def table() -> str:
    lines = ["| ms, median | hits | search | page |", "|---|---:|---:|---:|"]
    for label, words in ASKED.items():
        hits = search.search(words).total
        found = statistics.median(1000 * seconds(partial(search.search, words)) for _run in range(RUNS))
        whole = statistics.median(1000 * seconds(partial(page, f"/search/?{urlencode({'q': words})}")) for _run in range(RUNS))
        lines.append(f"| {label} | {hits:,} | {found:,.0f} | {whole:,.0f} |")
    return "\n".join(lines)


def register() -> str:
    """Pages of the register: the newest, one in its middle, the last, and filtered ones."""
    middle, last = "2009-01-01.1", "2002-05-01.1"
    asked = {
        "the newest": "", "in the middle": f"before={middle}", "newer than the middle": f"after={middle}",
        "near the end": f"before={last}", "a region": "region=katanga",
        "a region, in the middle": f"region=katanga&before={middle}", "a year": "year=2010",
        "a word in most": "q=tagging", "a rare word": "q=rare777",
        "a region, a year, a word": "region=katanga&year=2010&q=literacy",
    }  # fmt: skip
    lines = ["| ms, median | page of the register |", "|---|---:|"]
    for label, query in asked.items():
        took = statistics.median(1000 * seconds(partial(page, f"/meetings/?{query}")) for _run in range(RUNS))
        lines.append(f"| {label} | {took:,.0f} |")
    return "\n".join(lines)


def plan(words: str) -> str:
    """How Postgres finds and ranks, without its estimates."""
    told: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: dict) -> Any:
        if "ts_rank" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {sql}", params)
                told.extend(line for (line,) in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        search.search(words, "meeting")
    return "\n".join(line if len(line) < 140 else f"{line[:130]} ..." for line in told)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time searches in a large register.")
    parser.add_argument("meetings", nargs="?", type=int, default=MEETINGS)
    asked = parser.parse_args()
    with override_settings(**SITE), override("en"):
        print(machine())
        with filled(asked.meetings):
            print(table())
            print(register())
            for words in (ASKED["a word in most"], ASKED["a rare word"]):
                print(f"\nThe plan of “{words}” among meetings:\n{plan(words)}")


if __name__ == "__main__":
    main()
