"""A portrait through the admin: nine files and a row, or neither. Transactions are real here: files follow them."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import InternalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Proposal
from testimonials import files
from testimonials.models import RENDITIONS, Testimonial
from tests import factories
from tests.admin.test_admin import Form, errors_of, messages_of
from tests.newsroom import desk
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import write

from .photos import ALT, GONE, content, plain, revealing, upload

pytestmark = pytest.mark.django_db(transaction=True)
ADD = "/admin/testimonials/testimonial/add/"
DESCRIBED = {"portrait_alt_en": ALT["en"], "portrait_alt_fr": ALT["fr"]}
PHOTO = content(plain(), "PNG")


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Iterator[Path]:
    """Uploads of a test go into a folder of its own."""
    with override_settings(MEDIA_ROOT=tmp_path):
        yield tmp_path


@pytest.fixture
def staff(client: Client) -> Client:
    return factories.sign_in(client, factories.make_user())


def stored(media: Path) -> set[str]:
    return {path.name for path in media.rglob("*") if path.is_file()}


def files_of(testimonial: Testimonial) -> set[str]:
    return {f"{testimonial.portrait}-{rendition}" for rendition in RENDITIONS}


def typed(**values: Any) -> dict[str, Any]:
    """What staff fill in for a new story."""
    given = {"quote": "Words", "quote_language": "en", "story_title_en": "Title", "story_teaser_en": "Teaser", "slug": "title"}
    given |= {"attribution": "anonymous", "place_precision": "region"}
    return given | {"region": factories.make_region().pk, "order": 0} | values


def change(staff: Client, testimonial: Testimonial, **values: Any) -> Any:
    address = reverse("admin:testimonials_testimonial_change", args=[testimonial.pk])
    answer = staff.post(address, Form(staff.get(address)).values | values)
    testimonial.refresh_from_db()
    return answer


@pytest.fixture
def story(staff: Client) -> Testimonial:
    """A public story with a portrait."""
    testimonial = factories.make_testimonial()
    assert change(staff, testimonial, photo=upload(PHOTO), **DESCRIBED).status_code == 302
    assert testimonial.portrait
    return testimonial


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_becomes_files_that_tell_nothing(staff: Client, media: Path, kind: str) -> None:
    photo = upload(revealing(kind))
    answer = staff.post(ADD, typed(photo=photo, **DESCRIBED), follow=True)
    testimonial = Testimonial.objects.get()
    assert stored(media) == files_of(testimonial)
    for path in media.rglob("*"):
        assert not any(words in path.name.encode() for words in GONE)
        if path.is_file():
            found = path.read_bytes().lower()
            assert [words for words in GONE if words.lower() in found] == [], path.name
    assert testimonial.portrait_bytes == (media / "portraits" / f"{testimonial.portrait}-192.jpg").stat().st_size
    told = messages_of(answer)[0]
    assert told.startswith("The photo also said: where it was taken") and told.endswith("None of that was kept.")
    assert "Mukendi" not in answer.content.decode()


def test_a_photo_that_says_nothing_needs_no_warning(staff: Client) -> None:
    answer = staff.post(ADD, typed(photo=upload(PHOTO), **DESCRIBED), follow=True)
    assert len(messages_of(answer)) == 1


def test_a_story_needs_no_photo(staff: Client, media: Path) -> None:
    assert staff.post(ADD, typed()).status_code == 302
    testimonial = Testimonial.objects.get()
    assert (testimonial.portrait, testimonial.portrait_bytes, testimonial.portrait_alt) == ("", None, "")
    assert stored(media) == set()


REFUSED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no photo at all": (
        {"photo": b"%PDF-1.7", **DESCRIBED},
        {"photo": "This is not a JPEG, PNG or WebP picture, or it is damaged. Save it as JPEG, then choose it again."},
    ),
    "empty": ({"photo": b"", **DESCRIBED}, {"photo": "The submitted file is empty."}),
    "too small": (
        {"photo": content(plain(size=(96, 120))), **DESCRIBED},
        {"photo": "The photo is 96 × 120 pixels. It must be at least 384 × 480."},
    ),
    "not described": (
        {"photo": PHOTO},
        dict.fromkeys(DESCRIBED, "Say what the photo shows, for those who do not see it. Never a name."),
    ),
    "described in spaces": (
        {"photo": PHOTO, "portrait_alt_en": ALT["en"], "portrait_alt_fr": " \t "},
        {"portrait_alt_fr": "Say what the photo shows, for those who do not see it. Never a name."},
    ),
    "described without a photo": (
        {"portrait_alt_fr": ALT["fr"]},
        {"photo": "Choose the photo that is described here, or empty its description."},
    ),
    "a fault elsewhere": (
        {"photo": PHOTO, **DESCRIBED, "quote_language": "EN"},
        {"quote_language": "Two or three small letters, like en, fr or swa."},
    ),
    "a text too long": (
        {"photo": PHOTO, "portrait_alt_en": "a" * 201, "portrait_alt_fr": "b"},
        {"portrait_alt_en": "Ensure this value has at most 200 characters (it has 201)."},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_and_nothing_is_left(staff: Client, media: Path, name: str) -> None:
    values, expected = REFUSED[name]
    sent = {key: upload(value) if key == "photo" else value for key, value in values.items()}
    page = staff.post(ADD, typed(**sent))
    assert errors_of(page) == {field: [words] for field, words in expected.items()}
    assert not Testimonial.objects.exists()
    assert stored(media) == set()
    kept = Form(page).values
    for field, value in {"quote": "Words", "story_title_en": "Title", **{**values, "photo": ""}}.items():
        assert field == "photo" or kept[field] == value


TRIGGERS = {
    "at once": "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON testimonials_testimonial",
    "at the end": "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON testimonials_testimonial "
    "DEFERRABLE INITIALLY DEFERRED",
}


@pytest.fixture(params=TRIGGERS)
def refusing(request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Call it, and the database refuses every change of a story: as it comes, or when its transaction ends."""

    def run(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def begin() -> None:
        run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END $$",
            f"{TRIGGERS[request.param]} FOR EACH ROW EXECUTE FUNCTION refuse()",
        )

    yield begin
    run("DROP FUNCTION IF EXISTS refuse() CASCADE")


def test_a_row_that_is_refused_leaves_no_file(staff: Client, media: Path, refusing: Callable[[], None]) -> None:
    refusing()
    with pytest.raises(InternalError):
        staff.post(ADD, typed(photo=upload(PHOTO), **DESCRIBED))
    assert not Testimonial.objects.exists()
    assert stored(media) == set()


def test_a_refused_change_leaves_the_portrait_that_was(
    story: Testimonial, staff: Client, media: Path, refusing: Callable[[], None]
) -> None:
    before = files_of(story)
    refusing()
    for values in ({"photo": upload(PHOTO)}, {"no_photo": "on"}):
        with pytest.raises(InternalError):
            change(staff, story, **values)
        story.refresh_from_db()
        assert stored(media) == files_of(story) == before


def test_a_full_disk_leaves_no_file(staff: Client, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, done = default_storage.save, list[str]()

    def fill_up(name: str, *arguments: Any, **options: Any) -> str:
        if len(done) == 5:
            raise OSError(28, "No space left on device")
        done.append(name)
        return save(name, *arguments, **options)

    monkeypatch.setattr(default_storage, "save", fill_up)
    page = staff.post(ADD, typed(photo=upload(PHOTO), **DESCRIBED))
    assert len(done) == 5
    (told,) = errors_of(page)["photo"]
    assert told.startswith("The disk is full: nothing was saved.")
    kept = Form(page).values
    assert (kept["quote"], kept["story_title_en"], kept["portrait_alt_fr"]) == ("Words", "Title", ALT["fr"])
    assert not Testimonial.objects.exists()
    assert stored(media) == set()


def test_a_new_photo_replaces_the_old_files(story: Testimonial, staff: Client, media: Path) -> None:
    before, changed_at, address = story.portrait, story.changed_at, story.reduced_portrait
    assert change(staff, story, photo=upload(content(plain(colour="navy")))).status_code == 302
    assert story.portrait != before and story.changed_at > changed_at
    assert stored(media) == files_of(story)
    assert (staff.get(address).status_code, staff.get(story.reduced_portrait).status_code) == (404, 200)


def test_taking_the_photo_away(story: Testimonial, staff: Client, media: Path) -> None:
    address = story.reduced_portrait
    assert change(staff, story, no_photo="on").status_code == 302
    emptied = {"portrait": "", "portrait_bytes": None, "portrait_alt_en": "", "portrait_alt_fr": ""}
    assert Testimonial.objects.values(*emptied).get() == emptied
    assert stored(media) == set()
    assert staff.get(address).status_code == 404


def test_a_story_that_is_saved_again_keeps_its_photo(story: Testimonial, staff: Client, media: Path) -> None:
    before = story.portrait
    assert change(staff, story, story_title_en="Another title").status_code == 302
    assert (story.portrait, story.story_title) == (before, "Another title")
    assert stored(media) == files_of(story)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"no_photo": "on", "photo": PHOTO}, "no_photo"),
        ({"portrait_alt_en": ""}, "portrait_alt_en"),
        ({"portrait_alt_fr": " "}, "portrait_alt_fr"),
        ({"photo": b"GIF89a"}, "photo"),
        ({"photo": b"GIF89a", "no_photo": "on"}, "photo"),
    ],
)
def test_a_refused_form_changes_nothing(
    story: Testimonial, staff: Client, media: Path, values: dict[str, Any], field: str
) -> None:
    before = Testimonial.objects.values().get()
    page = change(staff, story, **{name: upload(value) if name == "photo" else value for name, value in values.items()})
    assert list(errors_of(page)) == [field]
    assert Testimonial.objects.values().get() == before
    assert stored(media) == files_of(story)
    assert before["portrait"] in page.content.decode(), "the form shows the photo that stands"


@pytest.mark.parametrize("way", ["its page", "the list", "a query"])
def test_files_go_with_the_story(story: Testimonial, staff: Client, media: Path, way: str) -> None:
    other = factories.make_testimonial()
    change(staff, other, photo=upload(PHOTO), **DESCRIBED)
    if way == "its page":
        staff.post(reverse("admin:testimonials_testimonial_delete", args=[story.pk]), {"post": "yes", "_reason": "x"})
    elif way == "the list":
        chosen = {"action": "delete_selected", "_selected_action": [story.pk], "post": "yes"}
        staff.post(reverse("admin:testimonials_testimonial_changelist"), chosen)
    else:
        Testimonial.objects.filter(pk=story.pk).delete()
    assert list(Testimonial.objects.all()) == [other]
    assert stored(media) == files_of(other)


def test_files_stay_with_a_story_that_stays(story: Testimonial, media: Path) -> None:
    with suppress(RuntimeError), transaction.atomic():
        story.delete()
        raise RuntimeError
    assert stored(media) == files_of(Testimonial.objects.get())


def test_two_do_not_change_a_story_at_once(story: Testimonial, staff: Client) -> None:
    address = reverse("admin:testimonials_testimonial_change", args=[story.pk])
    locked = {}
    for method, sent in {"get": {}, "post": Form(staff.get(address)).values}.items():
        with CaptureQueriesContext(connection) as queries:
            getattr(staff, method)(address, sent)
        locked[method] = sum("FOR UPDATE" in query["sql"] for query in queries)
    assert locked["get"] == 0 and locked["post"]


def test_staff_see_the_photo_of_a_draft_and_nobody_else(story: Testimonial, staff: Client, client: Client) -> None:
    story.withdraw(by=factories.make_user("carol"))
    shown = reverse("admin:testimonials_testimonial_portrait", args=[story.pk])
    page = staff.get(reverse("admin:testimonials_testimonial_change", args=[story.pk]))
    assert f'src="{shown}?{story.portrait}"' in page.content.decode()
    answer = staff.get(shown)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert staff.get(story.reduced_portrait).status_code == 404
    assert Client().get(shown).status_code == 302
    bob = Client()
    factories.sign_in(bob, factories.make_user("bob", superuser=False))
    assert bob.get(shown).status_code == 404
    without = factories.make_testimonial()
    assert staff.get(reverse("admin:testimonials_testimonial_portrait", args=[without.pk])).status_code == 404
    assert staff.get(reverse("admin:testimonials_testimonial_portrait", args=[10**9])).status_code == 404


# The photo of a next version


@pytest.fixture
def two(story: Testimonial) -> tuple[Client, Client]:
    """Alice, who writes the next version of a public story, and Bob, who approves it."""
    open_register()
    return signed_in(factories.make_user("writer")), signed_in(factories.make_user("approver"))


def propose(writer: Client, story: Testimonial, **values: Any) -> str:
    """The name of the photo in the next version."""
    assert write(writer, story, **(values or {"photo": upload(content(plain(colour="navy")))})).status_code == 302
    (change,) = Proposal.objects.pending().get().changes
    return change["after"]["portrait"]


def shown_to(staff: Client, story: Testimonial) -> int:
    return staff.get(reverse("admin:testimonials_testimonial_portrait", args=[story.pk])).status_code


def test_the_photo_of_a_next_version_waits_with_it(story: Testimonial, two: tuple[Client, Client], media: Path) -> None:
    writer, approver = two
    old = files_of(story)
    name = propose(writer, story)
    new = {f"{name}-{rendition}" for rendition in RENDITIONS}
    story.refresh_from_db()
    assert files_of(story) == old and stored(media) == old | new, "readers still see the old one"
    assert writer.get(story.reduced_portrait).status_code == 200
    assert name in writer.get(desk.address(story)).content.decode()
    shown = writer.get(reverse("admin:testimonials_testimonial_portrait", args=[story.pk])).content
    assert shown == (media / "portraits" / f"{name}-384.jpg").read_bytes()
    files.sweep()
    for step in ("submit", "approve"):
        desk.move(writer if step == "submit" else approver, story, step)
        assert stored(media) == old | new
    desk.move(approver, story, "publish")
    story.refresh_from_db()
    assert story.portrait == name and stored(media) == new
    assert writer.get(story.reduced_portrait).status_code == 200


def test_the_photo_of_a_next_version_goes_with_it(story: Testimonial, two: tuple[Client, Client], media: Path) -> None:
    writer, _approver = two
    old = files_of(story)
    propose(writer, story)
    another = propose(writer, story, photo=upload(content(plain(colour="red"))))
    assert {name.partition("-")[0] for name in stored(media)} == {story.portrait, another}, "one replaced the other"
    desk.move(writer, story, "discard")
    assert stored(media) == old and shown_to(writer, story) == 200


def test_a_next_version_without_the_photo_leaves_it_until_it_comes(
    story: Testimonial, two: tuple[Client, Client], media: Path
) -> None:
    writer, approver = two
    old = files_of(story)
    assert propose(writer, story, no_photo="on") == ""
    assert stored(media) == old
    for step in ("submit", "approve", "publish"):
        desk.move(writer if step == "submit" else approver, story, step)
    assert stored(media) == set()


def test_the_sweep_spares_what_is_named_and_what_is_young(story: Testimonial, media: Path) -> None:
    folder = media / "portraits"
    for name in ("a" * 32, "b" * 32):
        (folder / f"{name}-96.jpg").write_bytes(b"x")
    long_ago = (timezone.now() - 2 * files.GRACE).timestamp()
    for path in folder.iterdir():
        if not path.name.startswith("b"):
            os.utime(path, (long_ago, long_ago))
    call_command("sweep_portraits")
    assert stored(media) == files_of(story) | {f"{'b' * 32}-96.jpg"}
    files.sweep(["b" * 32])
    assert stored(media) == files_of(story)
