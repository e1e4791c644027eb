"""While Postgres restarts, is down, or hangs, what was published is answered, and nothing that anybody took back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest
from django.utils.html import escape

from tests.long_runs import record, size

from .site import Readers, Served, Site, site, until

RESTARTS, REQUESTS = size(30, 300), size(20_000, 200_000)
SAYS_SO = {"en": "Figures as of", "fr": "La base de données du site ne répond pas"}


@dataclass
class Running:
    site: Site
    served: list[Served]
    addresses: list[str]
    words: list[str]
    """What people said, as it stands on pages."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("away")
    with site(folder) as made:
        made.manage("keep_copies")
        with made.served() as one, made.served() as other:
            said = made.sql("SELECT DISTINCT quote FROM testimonials_testimonial WHERE quote <> ''")
            yield Running(made, [one, other], one.published(), [escape(words) for (words,) in said])


@pytest.fixture
def frozen(running: Running) -> Iterator[Running]:
    running.site.database.freeze()
    try:
        yield running
    finally:
        running.site.database.thaw()
        until_it_answers(running)


def until_it_answers(running: Running) -> None:
    until(lambda: all(served.get("/readyz").status == 200 for served in running.served))


def all_answered(served: Served, addresses: list[str], words: list[str]) -> float:
    """Each with 200, saying what it is, and without a word of anybody's. The longest that one took, in seconds."""
    longest = 0.0
    for address in addresses:
        answer = served.get(address)
        assert answer.status == 200, (address, answer.status, answer.text[:500])
        assert answer.headers["cache-control"] == "no-store", address
        assert not [said for said in words if said in answer.text], address
        if answer.headers["content-type"].startswith("text/html"):
            assert SAYS_SO["fr" if address.startswith("/fr/") else "en"] in answer.text, address
        longest = max(longest, answer.seconds)
    return longest


def test_people_speak_while_it_answers(running: Running) -> None:
    """There is something to leak."""
    pages = "".join(running.served[0].get(address).text for address in running.addresses if "stories" in address)
    assert running.words and all(said in pages for said in running.words)
    assert len(running.addresses) > 100
    assert not any(SAYS_SO["en"] in running.served[0].get(address).text for address in running.addresses[:20])


def test_every_address_while_it_hangs(frozen: Running) -> None:
    longest = all_answered(frozen.served[0], frozen.addresses, frozen.words)
    record("faults", "database-hangs", addresses=len(frozen.addresses), failed=0, longest_seconds=round(longest, 2))


def test_a_process_that_begins_while_it_hangs(frozen: Running) -> None:
    with frozen.site.served() as fresh:
        longest = all_answered(fresh, frozen.addresses, frozen.words)
    record(
        "faults", "database-hangs-fresh-process", addresses=len(frozen.addresses), failed=0, longest_seconds=round(longest, 2)
    )


def test_many_at_once_at_the_moment_it_hangs(running: Running) -> None:
    """Whoever waits for an answer of it has that of the disk: nobody waits as long as it hangs."""
    readers = Readers(running.served, running.addresses, number=8)
    with readers.reading():
        time.sleep(0.5)
        running.site.database.freeze()
        try:
            time.sleep(3)
        finally:
            running.site.database.thaw()
        until_it_answers(running)
    assert readers.failed == []
    assert readers.counted["from disk"] and readers.counted["live"]
    record("faults", "database-hangs-under-load", **readers.counted, failed=0, longest_seconds=round(readers.longest, 2))


def test_restarts_under_load(running: Running) -> None:
    readers = Readers(running.served, running.addresses)
    with readers.reading():
        for number in range(RESTARTS):
            if number % 5 == 4:
                running.site.database.kill()
            else:
                running.site.database.stop("immediate" if number % 2 else "fast")
            running.site.database.start()
            time.sleep(0.2)
        while readers.counted["answers"] < REQUESTS:
            time.sleep(0.1)
    assert readers.failed == []
    assert readers.counted["from disk"] and readers.counted["live"]
    told = {"restarts": RESTARTS, "failed": 0, "longest_seconds": round(readers.longest, 2)}
    record("faults", "database-restarts", **readers.counted, **told)


@pytest.mark.parametrize("away", ["down", "hung"])
def test_what_staff_type_is_kept(running: Running, away: str) -> None:
    """Sent while it is away, and while it goes away: the second request waits for a row that somebody else holds."""
    database, served = running.site.database, running.served[0]
    staff = json.loads(running.site.script("staff"))
    address = f"/admin/regions/region/{staff['regions'][0]}/change/"
    token = "a" * 64
    cookie = {"Cookie": f"{staff['cookie']}; {staff['csrf']}={token}"}
    typed = {"csrfmiddlewaretoken": token, "lead_en": "Typed <b>by Alice</b>", "code": "KA", "password1": "open sesame"}
    assert served.get(address, **cookie).status == 200
    found = []
    with closing(psycopg.connect(database.url)) as other:
        other.execute("LOCK TABLE django_session, auth_user, axes_accessattempt")
        waiting = threading.Thread(target=lambda: found.append(served.post(address, typed, **cookie)))
        waiting.start()
        time.sleep(0.5)
        assert not found
        database.freeze() if away == "hung" else database.stop("immediate")
        try:
            waiting.join(60)
            found.append(served.post(address, typed, **cookie))
            stranger = served.post(address, typed, **cookie, Origin="https://example.org")
            plain = served.get("/admin/")
        finally:
            database.thaw() if away == "hung" else database.start()
    until_it_answers(running)
    for answer in (*found, stranger, plain):
        assert (answer.status, answer.headers["retry-after"], answer.headers["cache-control"]) == (503, "30", "no-store")
        assert "The database does not answer" in answer.text and "open sesame" not in answer.text
    assert len(found) == 2
    for answer in found:
        assert 'name="lead_en" value="Typed &lt;b&gt;by Alice&lt;/b&gt;"' in answer.text
        assert 'name="code" value="KA"' in answer.text and token in answer.text
    assert "by Alice" not in stranger.text + plain.text


def test_what_was_taken_back_stays_away(running: Running) -> None:
    """Its consent is withdrawn, and everything dies at the moment of the commit: no copy has a word of it, nor its page."""
    database = running.site.database
    story, said, slug = running.site.sql(
        "SELECT id, quote, slug FROM testimonials_testimonial WHERE status = 'published' AND quote <> '' ORDER BY id LIMIT 1"
    )[0]
    said = escape(said)
    page = f"/stories/{slug}/"
    assert all(said in served.get(page).text for served in running.served)  # each holds it in memory now
    with psycopg.connect(database.url) as opened:
        opened.execute(
            "UPDATE testimonials_consent SET withdrawn_at = now() WHERE id = "
            "(SELECT consent_id FROM testimonials_testimonial WHERE id = %s)",
            [story],
        )
        opened.commit()
        database.kill()
    try:
        for served in running.served:
            all_answered(served, running.addresses, running.words)
        with running.site.served() as fresh:
            all_answered(fresh, running.addresses, running.words)
    finally:
        database.start()
    until_it_answers(running)
    for served in running.served:
        assert said not in served.get(page).text and served.get(page).status in (404, 410)
