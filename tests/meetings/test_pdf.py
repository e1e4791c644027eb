"""What a PDF may hold, and what is left of one that tells about people."""

import os
import subprocess
import sys
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError

from meetings import pdf
from tests.meetings import pdf_files

ACTIONS = ["JavaScript", "Launch", "SubmitForm", "ImportData", "GoToR", "GoToE", "Rendition", "Movie", "Sound"]
REFUSED = {
    "locked": (pdf_files.encrypted(), "encrypted"),
    "script": (pdf_files.with_script(), "active"),
    "attachment": (pdf_files.with_a_file(), "active"),
    "form with scripts": (pdf_files.with_a_form(), "active"),
    **{f"opens with {kind}": (pdf_files.opening_with(kind), "active") for kind in ACTIONS},
    **{f"a link to {kind}": (pdf_files.with_a_link_that(kind), "active") for kind in ACTIONS},
    "only a head": (b"%PDF-1.7", "broken"),
    "no pages": (b"%PDF-1.4\n%%EOF\n", "broken"),
    "cut": (pdf_files.plain()[:-150], "broken"),
    "noise": (b"%PDF-1.7\n" + bytes(range(256)) * 40, "broken"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    content, code = REFUSED[name]
    with pytest.raises(ValidationError) as refusal:
        pdf.cleaned(BytesIO(content))
    assert refusal.value.code == code


@pytest.mark.parametrize("content", [pdf_files.plain(), pdf_files.with_a_link_that("URI"), pdf_files.opening_with("GoTo")])
def test_what_only_names_an_address_or_turns_to_a_page_is_taken(content: bytes) -> None:
    assert pdf_files.page_count(pdf.cleaned(BytesIO(content))) == 1


def test_the_copy_tells_nothing_about_who_made_it() -> None:
    content = pdf_files.telling()
    assert content.count(pdf_files.CANARY.encode()) >= 5
    copy = pdf.cleaned(BytesIO(content))
    assert pdf_files.CANARY.encode() not in copy
    assert pdf_files.CANARY.encode("utf-16-be") not in copy
    assert pdf_files.page_count(copy) == 1


def test_a_copy_of_the_copy_is_taken() -> None:
    copy = pdf.cleaned(BytesIO(pdf_files.telling()))
    assert pdf_files.page_count(pdf.cleaned(BytesIO(copy))) == 1


def test_a_process_of_the_site_does_not_load_what_reads_pdfs_and_workbooks() -> None:
    """They weigh 24 MB in each worker, and what they read is to burst a child."""
    look = "print(*({'meetings.pdf', 'pypdf', 'openpyxl'} & sys.modules.keys()))"
    loaded = f"import sys, django; django.setup(); import itsci_site.urls; {look}"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    said = subprocess.run([sys.executable, "-c", loaded], env=environment, check=True, capture_output=True, text=True).stdout
    assert said == "meetings.pdf\n"
