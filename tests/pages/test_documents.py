"""Files of meetings: handed out only with a public meeting, as a download that cannot act, and only if they are PDFs."""

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.test import Client
from django.test.utils import override_settings

from meetings.models import DOCUMENT_MAX_BYTES, Document, Meeting
from tests import factories
from tests.meetings import pdf_files

from . import facts, markup
from .conftest import Read
from .content import in_language

PDF = pdf_files.plain()


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> object:
    """Uploads of a test go into a folder of its own."""
    with override_settings(MEDIA_ROOT=tmp_path):
        yield tmp_path


def upload(content: bytes = PDF, name: str = "Jean Mukendi.pdf", slug: str = "kalemie-2016-03-11") -> Document:
    meeting = Meeting.objects.get(slug=slug)
    return Document(
        meeting=meeting, title_en="Minutes", title_fr="Procès-verbal", language="fr", file=ContentFile(content, name=name)
    )


def saved(**options: str) -> Document:
    document = upload(**options)  # type: ignore[arg-type]
    document.full_clean()
    document.save()
    return document


def test_a_document_downloads_and_can_do_nothing_else(client: Client) -> None:
    response = client.get(saved().get_absolute_url())
    assert response.status_code == 200
    content = response.getvalue()
    assert pdf_files.page_count(content) == 1
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == 'attachment; filename="kalemie-2016-03-11-fr.pdf"'
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    rules = set(response.headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "sandbox"} <= rules
    assert "Set-Cookie" not in response.headers


def test_the_uploaded_name_is_told_nowhere(client: Client, media: Path) -> None:
    document = saved()
    stored = [path.name for path in media.rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert len(stored[0]) == 32 + len(".pdf")
    response = client.get(document.get_absolute_url())
    assert not any("Mukendi" in value for value in response.headers.values())
    assert b"Mukendi" not in response.getvalue()
    assert "Mukendi" not in client.get("/meetings/kalemie-2016-03-11/").text


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_pages_link_a_document_with_its_size_and_language(read: Read, language: str) -> None:
    document = saved()
    for address in ("/meetings/", "/meetings/kalemie-2016-03-11/"):
        page = read(address, language)
        links = [link for link in page.all("a") if link["href"].endswith(".pdf")]
        assert [(link.text, link["href"]) for link in links] == [
            (
                {"en": "Minutes", "fr": "Procès-verbal"}[language],
                in_language(f"/meetings/kalemie-2016-03-11/{document.pk}.pdf", language),
            )
        ]
        text, size = page.text.replace("\N{NO-BREAK SPACE}", " "), document.file.size
        assert {"en": f"PDF, {size} bytes, French", "fr": f"PDF, {size} octets, français"}[language] in text
        assert (links[0]["hreflang"], links[0]["type"]) == ("fr", "application/pdf")
    meeting = read("/meetings/kalemie-2016-03-11/", language).text
    assert {"en": "no file is given", "fr": "aucun fichier"}[language] not in meeting  # a page does not deny the file it links


@pytest.mark.parametrize(
    "state",
    [
        {"status": "draft", "publish_at": None},
        {"status": "withdrawn", "publish_at": factories.PAST},
        {"status": "published", "publish_at": factories.FUTURE},
    ],
    ids=["draft", "withdrawn", "not yet"],
)
def test_a_document_goes_with_its_meeting(client: Client, state: dict) -> None:
    address = saved().get_absolute_url()
    Meeting.objects.filter(slug="kalemie-2016-03-11").update(**state)
    assert client.get(address).status_code == 404
    assert client.get(in_language(address, "fr")).status_code == 404


def test_a_document_has_one_address_only(client: Client) -> None:
    document = saved()
    assert client.get(f"/meetings/kasese-2016-03-01/{document.pk}.pdf").status_code == 404
    assert client.get(f"/meetings/kalemie-2016-03-11/{document.pk + 1}.pdf").status_code == 404
    assert client.get(f"/meetings/kalemie-2016-03-11/{10**30}.pdf").status_code == 404


def test_a_file_that_is_gone_breaks_no_page(client: Client, media: Path) -> None:
    document = saved()
    media.joinpath(str(document.file.name)).unlink()
    client.raise_request_exception = False
    answers = {
        address: client.get(address).status_code
        for address in ("/meetings/", "/meetings/kalemie-2016-03-11/", document.get_absolute_url())
    }
    assert answers == {"/meetings/": 200, "/meetings/kalemie-2016-03-11/": 200, document.get_absolute_url(): 404}


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"<html><script>alert(1)</script>", "minutes.pdf", "not_pdf"),
        (b"", "minutes.pdf", "not_pdf"),
        (b"%PD", "minutes.pdf", "not_pdf"),
        (b"MZ %PDF-1.4", "minutes.pdf", "not_pdf"),
        (PDF, "minutes.exe", "invalid_extension"),
        (PDF, "minutes", "invalid_extension"),
        (PDF + b"0" * DOCUMENT_MAX_BYTES, "minutes.pdf", "too_large"),
    ],
    ids=["web page", "empty", "too short", "program", "other ending", "no ending", "too large"],
)
def test_what_is_no_pdf_is_refused(content: bytes, name: str, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        upload(content, name).full_clean()
    assert [error.code for error in refusal.value.error_dict["file"]] == [code]


def test_a_document_page_is_parsed_strictly(client: Client) -> None:
    saved()
    for address in ("/meetings/", "/fr/meetings/kalemie-2016-03-11/"):
        markup.parse(client.get(address).content)
