"""Where a weakness can be told."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

ADDRESS = "/.well-known/security.txt"


def test_it_names_the_address_of_the_settings(client: Client, settings: Any) -> None:
    settings.CONTACT_EMAIL = "somebody@example.org"
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines)  # Expires must stand there once
    assert fields["Contact"] == "mailto:somebody@example.org"
    assert fields["Canonical"] == f"http://testserver{ADDRESS}"
    assert fields["Preferred-Languages"] == "en, fr"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", fields["Expires"])
    left = datetime.fromisoformat(fields["Expires"]) - timezone.now()
    assert timedelta(days=150) < left < timedelta(days=365)


def test_without_an_address_there_is_none(client: Client, settings: Any) -> None:
    settings.CONTACT_EMAIL = ""
    assert client.get(ADDRESS).status_code == 404


@pytest.mark.parametrize("name", ["security.md", "headers.md"])
def test_the_document_names_what_is_there(name: str) -> None:
    """Every file and test that it points to."""
    text = (settings.BASE_DIR / "docs" / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:itsci_site|tests|deploy|regions|testimonials|meetings|programmes)/[\w./-]+)`", text))
    named |= {f"docs/{path}" for path in re.findall(r"\]\(([\w./-]+\.md)\)", text)}
    assert named
    assert {path for path in named if not (settings.BASE_DIR / path).exists()} == set()
