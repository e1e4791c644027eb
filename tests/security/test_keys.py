"""docs/keys.md names all that uses cryptography and every secret setting, docs/security.md all that the site talks to."""

import re

from django.conf import settings

ROOT = settings.BASE_DIR
KEYS = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
USES = re.compile(
    r"(?m)^\s*(?:import|from) (?:hashlib|hmac|secrets|ssl|cryptography)\b"
    r"|^from django\.core(?:\.signing import| import signing)|^from django\.utils\.crypto|\b(?:md5|sha256|hmac)\([a-z]"
)
"""The last: in SQL."""


def test_every_use_of_cryptography_is_named() -> None:
    parts = ("itsci_site", "programmes", "testimonials", "meetings", "regions", "deploy")
    files = {path.relative_to(ROOT).as_posix(): path for part in parts for path in (ROOT / part).rglob("*.py")}
    written = {name: path.read_text(encoding="utf-8") for name, path in files.items() if "/migrations/" not in name}
    using = {name for name, text in written.items() if USES.search(text)}
    named = set(re.findall(r"`([\w/]+\.py)`", KEYS)) - {"tests/security/test_keys.py"}
    assert named == using


def settings_with(pattern: str) -> set[str]:
    return set(re.findall(rf"(?m)^#? ?({pattern})=", EXAMPLE)) - {"SITE_URL"}


def test_every_secret_is_named() -> None:
    secrets = settings_with(r"\w*(?:KEY|TOKEN|DSN|_URL)") - {"PURGE_URL"}
    assert len(secrets) >= 6
    assert [name for name in (*secrets, "AWS_SECRET_ACCESS_KEY") if f"`{name}`" not in KEYS] == []


def test_all_that_the_site_talks_to_is_named() -> None:
    outside = settings_with(r"\w*(?:_URL|_S3|_DSN)")
    told = re.search(r"(?s)## What the site talks to\n(.*?)\n## ", SECURITY)
    assert told and len(outside) >= 6
    assert [name for name in outside if f"`{name}`" not in told[1]] == []
