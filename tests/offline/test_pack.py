"""The offline pack: whole, with links that hold, fresh after any change, and without anything that is not public."""

import hashlib
import os
import posixpath
import re
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from itsci_site import offline, offline_store
from itsci_site.lib.publishing import Status
from meetings.models import Meeting
from regions.models import Region
from testimonials.models import Testimonial
from tests import factories
from tests.newsroom.desk import wait_for
from tests.pages import content, facts, markup

pytestmark = pytest.mark.django_db
ORIGIN = "http://testserver"
HOME = {"en": "scaling-up-itsci-en", "fr": "scaling-up-itsci-fr"}


@pytest.fixture(autouse=True)
def packs(built_static: Path, tmp_path: Path, settings: object) -> Iterator[Path]:
    """The programme's content, static files as deployed, and a folder for packs."""
    settings.OFFLINE_ROOT = str(tmp_path / "packs")  # type: ignore[attr-defined]
    content.load()
    with content.as_deployed(built_static):
        yield tmp_path / "packs"


def taken(client: Client, language: str = "en") -> dict[str, bytes]:
    """What stands in the pack that a visitor gets, by its path."""
    answer = client.get(f"/data/offline-{language}.zip")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as zipped:
        assert zipped.testzip() is None
        return {name.removeprefix(f"{HOME[language]}/"): zipped.read(name) for name in zipped.namelist()}


def pages(files: dict[str, bytes]) -> dict[str, markup.Element]:
    return {path: markup.parse(content) for path, content in files.items() if path.endswith(".html")}


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_every_page_is_there_and_every_link_leads_to_something(client: Client, language: str) -> None:
    files = taken(client, language)
    found = pages(files)
    apart = ("/programmes/", "/search/")  # the same as the home page; what needs the site
    expected = {f"{address[1:]}index.html" for address in content.addresses() if not address.startswith(apart)}
    assert expected <= found.keys()
    missing, own_links = set(), 0
    for path, page in found.items():
        for element in page.walk():
            link = element.attributes.get("href", element.attributes.get("src", ""))
            if not link or element.tag == "use" or (element.tag == "link" and element["rel"] not in ("stylesheet", "icon")):
                continue
            parts = urlsplit(link)
            if parts.scheme:
                assert element.tag == "a", (path, link)
                assert "external" in element["rel"].split(), (path, link)
                continue
            assert not parts.query and not parts.path.startswith("/"), (path, link)
            own_links += 1
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), parts.path)) if parts.path else path
            if target not in files or (
                parts.fragment and parts.fragment not in {e.attributes.get("id") for e in found[target].walk()}
            ):
                missing.add((path, link))
    assert missing == set()
    assert own_links > 500


def test_who_asks_under_many_ports_does_not_fill_the_disk(client: Client, packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_store, "MOST", 3)
    packs.mkdir()
    for age in range(5):
        (packs / f"en-{age:08}-{'0' * 24}.zip").write_bytes(b"of another port")
        os.utime(packs / f"en-{age:08}-{'0' * 24}.zip", (1_000 - age, 1_000 - age))
    taken(client)
    left = sorted(path.name[:11] for path in packs.glob("*.zip"))
    assert left[:2] == ["en-00000000", "en-00000001"] and len(left) == 3, "the new one and the newest of the others"


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_each_page_says_what_it_is_and_needs_nothing_else(client: Client, language: str) -> None:
    files = taken(client, language)
    day = timezone.now().astimezone(UTC).date()
    for path, page in pages(files).items():
        assert page.one("html")["lang"] == language
        notice = page.one("main").all("p", "notice")[0].text
        assert ORIGIN in notice and str(day.year) in notice, path
        for tag in ("form", "img", "iframe", "base"):
            assert page.all(tag) == [], (path, tag)
        assert not [element for element in page.all("script") if element.attributes.get("type") != "application/ld+json"]
    assert b"@import" not in files["static/site.css"]
    assert {"data/readings.csv", "data/readings.xlsx", "data/regions.geojson", "data/iati.xml"} <= files.keys()
    assert files["data/readings.csv"] == b"".join(client.get("/data/readings.csv").streaming_content)  # type: ignore[attr-defined]
    assert ORIGIN in files["READ-ME.txt"].decode() and "index.html" in files["READ-ME.txt"].decode()


def test_the_manifest_holds_every_file_and_a_common_program_checks_it(client: Client, tmp_path: Path) -> None:
    files = taken(client)
    lines = files["MANIFEST.sha256"].decode().splitlines()
    assert re.fullmatch(r"# http://testserver, \d{4}-\d\d-\d\d \d\d:\d\d UTC, content version \S+", lines[0])
    told = {path: digest for digest, path in (line.split("  ", 1) for line in lines[1:])}
    assert told == {path: hashlib.sha256(one).hexdigest() for path, one in files.items() if path != "MANIFEST.sha256"}
    with zipfile.ZipFile(BytesIO(client.get("/data/offline-en.zip").content)) as zipped:
        zipped.extractall(tmp_path)
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "MANIFEST.sha256"], cwd=tmp_path / HOME["en"], check=False)
    assert checked.returncode == 0


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_it_is_light(client: Client, language: str) -> None:
    size = len(client.get(f"/data/offline-{language}.zip").content)
    print(f"{language}: {size:,} bytes")
    assert size < offline.MOST_BYTES / 4


def test_it_stands_ready_until_something_changes(client: Client, packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/data/offline-en.zip")
    monkeypatch.setattr(offline, "build", None)  # a second building would fail
    again = client.get("/data/offline-en.zip")
    assert again.content == first.content
    assert client.head("/data/offline-en.zip").status_code == 200
    unchanged = client.get("/data/offline-en.zip", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert first.headers["Content-Disposition"].startswith('attachment; filename="scaling-up-itsci-en-2')
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert [path.suffix for path in packs.iterdir()] == [".zip"]


CANARY = "Kanarienvogel"


def all_bytes(client: Client, packs: Path) -> bytes:
    """Every byte of the answer, unpacked, and of what is kept on disk."""
    found = list(taken(client).values())
    for path in packs.iterdir():
        with zipfile.ZipFile(path) as zipped:
            found += [zipped.read(name) for name in zipped.namelist()]
    return b"".join(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["story", "meeting", "region"])
def test_what_is_withdrawn_is_gone_with_the_next_answer(client: Client, packs: Path, kind: str) -> None:
    region = Region.objects.get(slug="south-kivu")
    row = {
        "story": lambda: factories.make_testimonial(region, quote=CANARY),
        "meeting": lambda: factories.make_meeting(factories.make_place(region), summary_en=CANARY),
        "region": lambda: factories.make_region(narrative_en=CANARY),
    }[kind]()
    assert CANARY.encode() in all_bytes(client, packs)
    row.withdraw(factories.make_user())
    answer = client.get("/data/offline-en.zip")
    assert answer.status_code == 200
    assert len(list(packs.iterdir())) == 1
    assert CANARY.encode() not in all_bytes(client, packs)


@pytest.mark.parametrize(
    "state",
    [
        {"public_from": None},
        {"status": Status.WITHDRAWN, "publish_at": factories.PAST},
        {"public_from": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
    ids=["draft", "withdrawn", "not yet"],
)
def test_what_is_not_public_is_in_no_pack(client: Client, packs: Path, state: dict) -> None:
    region = Region.objects.get(slug="south-kivu")
    factories.make_testimonial(region, quote=CANARY, **state)
    factories.make_meeting(factories.make_place(region), summary_en=CANARY, **state)
    factories.make_region(narrative_en=CANARY, **state)
    assert CANARY.encode() not in all_bytes(client, packs)


@pytest.mark.django_db(transaction=True)
def test_a_change_by_any_means_makes_another_pack(client: Client) -> None:
    def tag() -> str:
        return client.get("/data/offline-en.zip").headers["ETag"]

    seen = [tag()]
    Testimonial.objects.filter(slug="child-labour-katanga").update(story_title_en="Another title")
    seen.append(tag())
    soon = timezone.now() + timedelta(seconds=8)  # time enough to make a pack before it, on a busy machine, too
    factories.make_meeting(public_from=soon)
    seen.append(tag())
    wait_for(soon)
    seen.append(tag())  # nobody did anything: its moment came
    assert len(set(seen)) == 4
    assert tag() == seen[-1]


def test_the_register_goes_page_by_page_up_to_a_bound(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "MOST_REGISTER_PAGES", 2)
    place = factories.make_place(Region.objects.get(slug="katanga"))
    for number in range(110):
        factories.make_meeting(place, date(2014, 1, 1) + timedelta(days=number))
    files = taken(client)
    found = {path: page for path, page in pages(files).items() if path.startswith("meetings/") and page.all("table", "reg")}
    assert len(found) == 3
    assert sum(len(page.one("tbody").all("tr")) for page in found.values()) == 75
    first = found["meetings/index.html"].one("nav", "pages").all("a")
    assert [link["rel"] for link in first] == ["next"]
    second = posixpath.normpath(posixpath.join("meetings", first[0]["href"]))
    assert [link["rel"] for link in found[second].one("nav", "pages").all("a")] == ["prev", "next"]
    assert found[second].one("nav", "pages").all("a")[0]["href"] == "../index.html"
    assert all("alone" in page.all("p", "notice")[0].text for page in found.values())
    assert "alone" in files["READ-ME.txt"].decode()


@pytest.mark.soak
def test_a_pack_that_would_be_too_large_leaves_the_oldest_meetings_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    place = factories.make_place(Region.objects.get(slug="katanga"))
    for number in range(110):
        factories.make_meeting(place, date(2014, 1, 1) + timedelta(days=number))
    whole = len(client.get("/data/offline-en.zip").content)
    monkeypatch.setattr(offline, "MOST_BYTES", whole - 5_000)
    pack = offline.build("en", ORIGIN, timezone.now())
    assert len(pack.zipped()) <= whole - 5_000
    assert pack.left_out > 0
    newest = Meeting.objects.order_by("-held_on").first()
    assert newest and f"meetings/{newest.slug}/index.html" in pack.files


def test_the_same_content_makes_the_same_bytes() -> None:
    now = timezone.now()
    one, other = offline.build("fr", ORIGIN, now), offline.build("fr", ORIGIN, now)
    differ = {path for path in one.files.keys() | other.files.keys() if one.files.get(path) != other.files.get(path)}
    assert differ <= {"data/readings.xlsx", "MANIFEST.sha256"}  # a workbook says when it was written
    other.files |= {path: one.files[path] for path in differ}
    assert one.zipped() == other.zipped()


def test_a_disk_that_cannot_be_written_costs_nobody_the_pack(client: Client, packs: Path) -> None:
    packs.write_text("a file where the folder should be")
    assert "index.html" in taken(client)
    assert packs.read_text().startswith("a file")


@pytest.mark.parametrize(
    "address", ["/data/offline-sw.zip", "/data/offline-.zip", "/data/offline-en.tar", "/fr/data/offline-fr.zip"]
)
def test_there_are_no_other_packs(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404
    assert client.post("/data/offline-en.zip").status_code == 405


def test_the_command_writes_a_zip_a_language(tmp_path: Path, capsys: pytest.CaptureFixture[str], packs: Path) -> None:
    call_command("build_offline_pack", "--origin", f"{ORIGIN}/", "--output", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["offline-en.zip", "offline-fr.zip"]
    assert "en          4" in capsys.readouterr().out.replace("en          3", "en          4")
    call_command("build_offline_pack", "--origin", ORIGIN, "--language", "fr")
    assert [path.name[:3] for path in packs.iterdir()] == ["fr-"]
    wrong_origins = {
        "example.org": "is no origin",
        "https://example.org/x": "is no origin",
        "https://else.example": "ALLOWED_HOSTS",
    }
    for wrong, words in wrong_origins.items():
        with pytest.raises(CommandError, match=words):
            call_command("build_offline_pack", "--origin", wrong)


def test_the_command_and_visitors_share_a_pack(client: Client, packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("build_offline_pack", "--origin", ORIGIN, "--language", "en")
    monkeypatch.setattr(offline, "build", None)
    assert "index.html" in taken(client)
    assert offline_store.name("en", ORIGIN, timezone.now()) in {path.name for path in packs.iterdir()}
