"""The bill of materials is made from the locks, and says of every file of others where it is from."""

import json

from deploy import sbom
from tests.kept.server import ROOT


def test_it_is_made_from_the_locks_as_they_are() -> None:
    assert sbom.FILE.read_text(encoding="utf-8") == sbom.text(), "run `python deploy/sbom.py`"


def test_every_package_that_is_pinned_is_in_it() -> None:
    found = {(part["name"], part.get("version")) for part in json.loads(sbom.FILE.read_text())["components"]}
    for lock in ("requirements", *sbom.EXTRAS):
        lines = [line for line in (ROOT / f"{lock}.lock").read_text().splitlines() if line[:1].isalpha()]
        assert lines
        for line in lines:
            name, _equal, version = line.split(" ")[0].partition("==")
            assert (name.partition("[")[0], version) in found


def test_what_two_extras_need_is_in_it_once() -> None:
    names = [part["bom-ref"] for part in json.loads(sbom.FILE.read_text())["components"]]
    assert len(names) == len(set(names))


def test_what_others_made_is_in_it() -> None:
    folders = [path for path in ROOT.iterdir() if path.name in ("itsci_site", "regions", "static", "templates")]
    kinds = (".ttf", ".otf", ".woff", ".woff2", ".geojson", ".min.js", ".bin")
    files = {str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*") if path.name.endswith(kinds)}
    assert files == set(sbom.DATA)
