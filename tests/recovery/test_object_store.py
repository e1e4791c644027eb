"""Uploaded files in an S3-compatible store: moto's server, in a process of its own, or the one of TRY_STORE (docs/scale.md)."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from itsci_site import backup, installation, object_store, settings
from itsci_site.lib import uploads
from meetings import files as documents
from meetings.models import Document, Meeting
from testimonials import files as portraits
from testimonials.models import RENDITIONS, Testimonial
from tests import factories as make
from tests.admin.test_admin import Form, errors_of
from tests.in_process import reads_here  # noqa: F401 - a fixture
from tests.meetings.test_files import typed, within
from tests.newsroom.desk import address, before_opening, write
from tests.public import surfaces
from tests.settings import STORAGES
from tests.setup.machine import ROOT, environment, eventually, free_port
from tests.testimonials import photos
from tests.testimonials.test_upload import ADD as ADD_STORY
from tests.testimonials.test_upload import DESCRIBED, PHOTO, change
from tests.testimonials.test_upload import typed as typed_story

from .conftest import Drill
from .test_drill import restored, story, with_document, with_portrait

ADD = reverse("admin:meetings_document_add")
AWAY = "The store of files does not answer, and nothing was saved."
commits = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    name: str

    @property
    def options(self) -> dict[str, Any]:
        return settings.object_store(f"s3://{self.name}/site?endpoint={self.endpoint}&region=us-east-1")

    @property
    def client(self) -> Any:
        return object_store.ObjectStore(**self.options).client

    def made(self) -> "Bucket":
        self.client.create_bucket(Bucket=self.name)
        return self

    def names(self) -> set[str]:
        """Of all objects, without the prefix that each has to have."""
        keys = {one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())}
        assert all(key.startswith("site/") for key in keys)
        return {key.removeprefix("site/") for key in keys}

    @contextmanager
    def used(self) -> Iterator[None]:
        """The site keeps its files there, with a storage that has asked nothing yet."""
        here = {"BACKEND": "itsci_site.object_store.ObjectStore", "OPTIONS": self.options}
        with override_settings(MEDIA_S3=self.options, STORAGES=STORAGES | {"default": here}):
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers at its address."""
        with replace(self, endpoint=f"http://127.0.0.1:{free_port()}").used():
            yield


@pytest.fixture(scope="module")
def store() -> Iterator["tuple[str, subprocess.Popen[bytes] | None]"]:
    """Its endpoint, and moto's process if it is moto's."""
    if given := os.environ.get("TRY_STORE"):
        yield given, None
        return
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: answers(port), "moto answers")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = {"no_proxy": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "true",
             "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull}  # fmt: skip
    if not os.environ.get("TRY_STORE"):
        fixed |= {"AWS_ACCESS_KEY_ID": "site", "AWS_SECRET_ACCESS_KEY": "hush"}
    for name, value in fixed.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(object_store, "TRIES", 1)


@pytest.fixture
def bucket(store: tuple[str, Any]) -> Iterator[Bucket]:
    one = Bucket(store[0], f"files-{token_hex(6)}").made()
    with one.used():
        yield one


@pytest.fixture
def staff(db: None) -> Client:
    return make.sign_in(Client(raise_request_exception=False), make.make_user("staff"))


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def public_story(staff: Client) -> Testimonial:
    testimonial = make.make_testimonial()
    assert change(staff, testimonial, photo=photos.upload(PHOTO), **DESCRIBED).status_code == 302
    return testimonial


def files_of(testimonial: Testimonial) -> set[str]:
    return {portraits.path(testimonial.portrait, rendition) for rendition in RENDITIONS}


@commits
def test_a_portrait_comes_is_handed_out_and_goes(bucket: Bucket, staff: Client, visitor: Client) -> None:
    one = public_story(staff)
    assert bucket.names() == files_of(one)
    first = visitor.get(one.reduced_portrait)
    assert first.status_code == 200 and first.content == default_storage.open(portraits.path(one.portrait, "192.jpg")).read()
    with bucket.away():
        again = visitor.get(one.reduced_portrait, HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again["Cache-Control"]) == (304, "private, no-cache"), "who has it needs no store"
    default_storage.save(portraits.path("b" * 32, "96.jpg"), ContentFile(b"x"))
    call_command("sweep_portraits")
    assert len(bucket.names()) == 10, "young"
    assert portraits.sweep(["b" * 32]) == 1 and bucket.names() == files_of(one)
    was = one.reduced_portrait
    assert change(staff, one, no_photo="on").status_code == 302
    assert bucket.names() == set() and visitor.get(was).status_code == 404


@commits
def test_a_document_comes_is_handed_out_and_goes(
    bucket: Bucket, staff: Client, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = make.make_meeting()
    assert staff.post(ADD, typed(draft)).status_code == 302
    document = Document.objects.get()
    assert bucket.names() == {document.file.name} and default_storage.url(document.file.name) == f"/{document.file.name}"
    handed_out = visitor.get(document.get_absolute_url())
    assert handed_out.getvalue().startswith(b"%PDF-") and handed_out["Content-Length"] == str(document.file.size)
    assert f"PDF, {document.file.size}\N{NO-BREAK SPACE}bytes" in visitor.get(draft.get_absolute_url()).content.decode()
    assert staff.post(address(document, "delete"), {"post": "yes", "_reason": "Twice"}).status_code == 302
    assert len(bucket.names()) == 1, "young"
    monkeypatch.setattr(documents, "UNTOUCHED", timedelta(seconds=-5))
    assert documents.sweep() and bucket.names() == set()
    assert visitor.get(document.get_absolute_url()).status_code == 404


@commits
def test_no_object_is_written_over(bucket: Bucket) -> None:
    names = {default_storage.save("meetings/one.pdf", ContentFile(content)) for content in (b"first", b"second")}
    assert len(names) == 2 == len(bucket.names()) and default_storage.open("meetings/one.pdf").read() == b"first"
    with pytest.raises(FileNotFoundError):
        default_storage.open("meetings/none.pdf")
    with pytest.raises(FileNotFoundError):
        default_storage.size("meetings/none.pdf")


@commits
def test_what_is_still_listed_but_gone_stops_no_sweep(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Swift lists what was deleted until its updater has run; or another machine swept it."""
    listdir = object_store.ObjectStore.listdir
    ghosts = {"meetings": "0.pdf", "portraits": f"{'0' * 32}-96.jpg"}
    monkeypatch.setattr(object_store.ObjectStore, "listdir", lambda store, path: ([], [ghosts[path], *listdir(store, path)[1]]))
    for name in ("meetings/1.pdf", portraits.path("b" * 32, "96.jpg")):
        default_storage.save(name, ContentFile(b"x"))
    monkeypatch.setattr(documents, "UNTOUCHED", timedelta(seconds=-5))
    monkeypatch.setattr(portraits, "GRACE", timedelta(seconds=-5))
    assert len(documents.sweep()) == 1 == portraits.sweep() and bucket.names() == set()


# It is away


@commits
def test_readers_are_told_to_come_back(bucket: Bucket, staff: Client, visitor: Client) -> None:
    one, meeting = public_story(staff), make.make_meeting()
    staff.post(ADD, typed(meeting, language="en"))
    document = Document.objects.get()
    with bucket.away():
        for where, words in {one.reduced_portrait: "store that does not answer", document.get_absolute_url(): "",
                             f"/fr{document.get_absolute_url()}": "stockage qui ne répond pas"}.items():  # fmt: skip
            answer = visitor.get(where)
            assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "30", "no-store")
            assert words in answer.content.decode()
        assert visitor.get(one.reduced_portrait.replace("192.jpg", "7.jpg")).status_code == 404
        page = visitor.get(meeting.get_absolute_url())
        assert page.status_code == 200 and page["Cache-Control"] == "no-store", "it is no page to keep"
        assert f'href="{document.get_absolute_url()}"' in page.text and "PDF, English" in page.text
    page = visitor.get(meeting.get_absolute_url())
    assert page["Cache-Control"] == "no-cache" and "bytes, English" in page.text
    assert visitor.get(one.get_absolute_url()).status_code == 200


@commits
def test_an_upload_is_refused_in_words_and_leaves_nothing(bucket: Bucket, staff: Client) -> None:
    draft = make.make_meeting(public_from=None)
    with bucket.away():
        for page in (staff.post(ADD, typed(draft)), within(staff, draft)):
            assert page.status_code == 200 and AWAY in page.text and "Typed at length" in page.text
        page = staff.post(ADD_STORY, typed_story(photo=photos.upload(PHOTO), **DESCRIBED))
        (told,) = errors_of(page)["photo"]
        assert told.startswith(AWAY) and Form(page).values["quote"] == "Words"
    assert not Document.objects.exists() and not Testimonial.objects.exists() and bucket.names() == set()


@commits
def test_one_that_goes_away_half_way_leaves_nothing(bucket: Bucket, staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    save, done = object_store.ObjectStore._save, list[str]()

    def goes_away(store: Any, name: str, content: Any) -> str:
        if len(done) == 5:
            raise uploads.Away("now")
        done.append(name)
        return save(store, name, content)

    monkeypatch.setattr(object_store.ObjectStore, "_save", goes_away)
    page = staff.post(ADD_STORY, typed_story(photo=photos.upload(PHOTO), **DESCRIBED))
    assert errors_of(page)["photo"][0].startswith(AWAY) and len(done) == 5
    assert not Testimonial.objects.exists() and bucket.names() == set()


@commits
def test_staff_go_on_with_what_needs_no_file(bucket: Bucket, staff: Client) -> None:
    one, draft = public_story(staff), make.make_meeting(public_from=None)
    staff.post(ADD, typed(draft))
    document = Document.objects.get()
    with bucket.away():
        assert write(staff, draft, summary_en="Another summary").status_code == 302
        assert Meeting.objects.filter(summary_en="Another summary").exists()
        shown = staff.get(reverse("admin:testimonials_testimonial_portrait", args=[one.pk]))
        assert shown.status_code == 503 and "The store of files does not answer" in shown.text
        assert change(staff, one, no_photo="on").status_code == 302, "what is taken away is out of sight at once"
        assert Client().get(one.get_absolute_url()).status_code == 200 and not one.portrait
        staff.post(address(document, "delete"), {"post": "yes", "_reason": "Twice"})
        assert not Document.objects.exists()
        with pytest.raises(CommandError, match="The store of files d"):
            call_command("sweep_files")
        with pytest.raises(CommandError, match="The store of files d"):
            call_command("sweep_portraits")
    assert len(bucket.names()) == 10, "the next sweep takes them"


@commits
def test_one_that_hangs_holds_nobody(
    bucket: Bucket, store: tuple[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not (moto := store[1]):
        pytest.skip("a store that is not ours is not stopped")
    default_storage.save("meetings/one.pdf", ContentFile(b"x"))
    monkeypatch.setattr(object_store, "READ", 2)
    monkeypatch.setattr(object_store, "REST", 3600.0)
    with bucket.used():
        here: Any = default_storage
        os.kill(moto.pid, signal.SIGSTOP)
        try:
            with pytest.raises(uploads.Away, match=r"does not answer \(ReadTimeoutError\)"):
                here.open("meetings/one.pdf")
            with pytest.raises(uploads.Away, match="a moment ago"):
                here.open("meetings/one.pdf")
        finally:
            os.kill(moto.pid, signal.SIGCONT)
        here._rests_until = 1.0  # it has rested
        assert here.open("meetings/one.pdf").read() == b"x"
    assert caplog.messages == ["The store of files does not answer: ReadTimeoutError", "The store of files answers again"]


# Backup and restore


@pytest.mark.django_db
def test_a_backup_comes_back_into_an_empty_bucket_without_what_was_withdrawn(drill: Drill, bucket: Bucket) -> None:
    alices = make.sign_in(Client(), make.make_user())
    with before_opening():
        kept, erased = (with_portrait(story(slug=name), letter * 32) for name, letter in (("kept", "a"), ("erased", "b")))
        document, dropped = (with_document(make.make_meeting(), f"%PDF- {name}".encode()) for name in ("kept", "dropped"))
    path, manifest = backup.make(drill.backups)
    assert manifest.files.keys() == bucket.names() and manifest.missing == [] and len(bucket.names()) == 20
    assert alices.post(address(erased, "erase"), {"reason": "They asked"}).status_code == 302
    with before_opening():
        Document.objects.filter(pk=dropped.pk).delete()
    assert Client().get("/").status_code == 200  # and the ledger has it
    assert len(bucket.names()) == 11, "what is erased is gone"
    other = replace(bucket, name=f"{bucket.name}-2").made()
    with other.used():
        restored(drill, path)
        named = {*(portraits.path("a" * 32, one) for one in RENDITIONS), document.file.name}
        assert other.names() == named | {dropped.file.name}
        uploads.sweep(default_storage, "meetings", documents.unnamed, timezone.now() + timedelta(seconds=5))
        assert other.names() == named
        face = surfaces.read(Client(), kept.portrait_address(RENDITIONS[0]))
        assert face == (200, f"kept {RENDITIONS[0]}".encode())
        assert surfaces.read(Client(), document.get_absolute_url()) == (200, b"%PDF- kept")
        assert surfaces.read(Client(), dropped.get_absolute_url())[0] == 404
    assert list(drill.media.iterdir()) == [], "what was staged is gone"


@pytest.mark.django_db
def test_a_store_that_is_away_stops_both_before_anything_is_touched(drill: Drill, bucket: Bucket) -> None:
    with before_opening():
        with_portrait(story(slug="kept"), "a" * 32)
    path, _manifest = backup.make(drill.backups)
    rows = backup.rows()
    with bucket.away():
        with pytest.raises(CommandError, match=r"No backup was made\. The store of files does not answer"):
            call_command("backup", str(drill.folder / "others"))
        with pytest.raises(CommandError, match="The store of files d"):
            restored(drill, path)
    assert backup.rows() == rows and drill.databases() == [""] and len(bucket.names()) == 9
    assert list((drill.folder / "others").iterdir()) == list(drill.media.iterdir()) == []


# What is wrong with it


def told() -> list[str]:
    return [problem.what for problem in installation.store()]


def test_nothing_is_wrong_with_a_good_one(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    assert told() == [] and bucket.names() == set() and caplog.messages == []


def versioned(bucket: Bucket, status: str) -> None:
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": status})


def keys_needed(bucket: Bucket, begin_at: str) -> None:
    """From the n-th request on moto looks at keys."""
    where = f"http://{urlsplit(bucket.endpoint).netloc}/moto-api/reset-auth"
    urlopen(Request(where, begin_at.encode(), {"Content-Type": "text/plain"})).close()


def test_versions(bucket: Bucket) -> None:
    versioned(bucket, "Enabled")
    (what,) = told()
    assert what == f"The bucket {bucket.name} keeps versions: what is withdrawn or erased stays there."
    versioned(bucket, "Suspended")
    (what,) = told()
    assert what.startswith(f"The bucket {bucket.name} still has versions of files that were deleted")


def test_a_store_without_versions_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    one = object_store.ObjectStore(bucket_name="files")
    with Stubber(one.client) as stub:  # s3rver's answer
        stub.add_client_error("get_bucket_versioning", "MethodNotAllowed")
        assert list(object_store._versions(one)) == [] == caplog.messages


def test_another_region() -> None:
    """Moto takes every region; what is stubbed is Swift's answer."""
    one = object_store.ObjectStore(bucket_name="files")
    with Stubber(one.client) as stub:
        stub.add_client_error("head_object", "400")
        ((what, do),) = object_store.wrong(one)
    assert what == "The store of MEDIA_S3 answers 400: no file can be written." and do.startswith("Is its region in MEDIA_S3")


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    with replace(bucket, name="nowhere").used():
        assert told() == ["The bucket nowhere of MEDIA_S3 is not there."]


def test_keys_that_are_refused_and_keys_that_are_missing(
    bucket: Bucket, store: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if store[1]:
        keys_needed(bucket, "0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-one")
    try:
        (what,) = told()
    finally:
        if store[1]:
            keys_needed(bucket, "inf")
    assert what.startswith("The store of MEDIA_S3 refuses the keys (") and "not-the-one" not in what
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with bucket.used():
        assert told() == ["There are no keys for the store of MEDIA_S3."]


def test_a_store_that_is_not_there(bucket: Bucket) -> None:
    with bucket.away():
        assert told() == ["The store of files does not answer (EndpointConnectionError): no file can be written."]


def test_a_bucket_that_everybody_reads(bucket: Bucket) -> None:
    allowed = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", '
        f'"Resource": "arn:aws:s3:::{bucket.name}/*"}}]}}'
    )
    try:
        bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=allowed)
    except ClientError as error:
        pytest.skip(f"the store knows no policies: {error}")
    assert [what.partition(":")[0] for what in told()] == [f"Everybody can read what is in the bucket {bucket.name}"]


def test_an_open_wire(bucket: Bucket) -> None:
    with override_settings(MEDIA_S3=bucket.options | {"endpoint_url": "http://store.invalid:9000"}):
        assert told()[0] == "The endpoint in MEDIA_S3 is plain HTTP: files travel in the open."


# The setting


@pytest.mark.parametrize(
    "given",
    [
        "files", "https://files.example.org", "s3://", "s3://Files", "s3://key:secret-word@files", "s3://files/../other",
        "s3://files?endpoint=store.example.org", "s3://files?endpoint=https://key:secret-word@store.example.org",
        "s3://files?region=eu-west-1&region=eu-west-2", "s3://files?secret=secret-word", "s3://files?endpoint=", "s3://files#x",
    ],
)  # fmt: skip
def test_a_bad_address_is_refused_without_its_secrets(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MEDIA_S3 cannot be read: give s3://bucket/prefix") as refused:
        settings.object_store(given)
    assert "secret-word" not in str(refused.value)


def test_a_good_address() -> None:
    there = {"bucket_name": "files", "location": "", "endpoint_url": None, "region_name": None}
    assert settings.object_store("") == {} and settings.object_store("s3://files") == there
    assert settings.object_store("s3://files/a/b/?endpoint=https://store.example.org:9000&region=eu-west-1") == {
        "bucket_name": "files", "location": "a/b", "endpoint_url": "https://store.example.org:9000", "region_name": "eu-west-1",
    }  # fmt: skip


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match=r"Run pip install --require-hashes -r requirements-s3\.lock"):
        settings.object_store("s3://files")


def without_the_packages(**given: str) -> "subprocess.CompletedProcess[str]":
    code = """
import sys
sys.modules |= dict.fromkeys(("boto3", "botocore", "s3transfer", "storages"))
import django
django.setup()
import itsci_site.urls
from django.core.files.storage import default_storage
print(default_storage.__class__.__name__)
"""
    ours = environment(SECRET_KEY="x" * 60, ALLOWED_HOSTS="localhost", DJANGO_SETTINGS_MODULE="itsci_site.settings", **given)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ours, capture_output=True, text=True, check=False)


def test_without_the_setting_no_package_is_needed() -> None:
    done = without_the_packages(MEDIA_S3="")
    assert done.stdout == "FileSystemStorage\n", done.stderr
