"""From an upload to nine clean files, whatever a phone, a scanner or a stranger sends."""

import zlib
from io import BytesIO
from random import Random

import pytest
from django.core.exceptions import ValidationError
from PIL import Image, ImageDraw, ImageOps

from testimonials.models import PORTRAIT_TYPES, RENDITIONS
from testimonials.pictures import MAX_BYTES, Picture, read

from .photos import GONE, content, plain, png_header, revealing, upload, with_a_smaller_copy

BROWN, GREY, WHITE = (150, 100, 50), (128, 128, 128), (255, 255, 255)
KINDS = {
    "JPEG": (content(plain()), BROWN),
    "PNG": (content(plain(), "PNG"), BROWN),
    "WebP": (content(plain(), "WEBP"), BROWN),
    "animated WebP": (content(plain(), "WEBP", save_all=True, append_images=[plain(colour=WHITE)]), BROWN),
    "animated PNG": (content(plain(), "PNG", save_all=True, append_images=[plain(colour=WHITE)]), BROWN),
    "two pictures in a JPEG": (content(plain(), "MPO", save_all=True, append_images=[plain(colour=WHITE)]), BROWN),
    "CMYK": (content(plain("CMYK", colour=(0, 0, 0, 127))), GREY),
    "grey": (content(plain("L", colour=128)), GREY),
    "grey in 16 bits": (content(plain("I;16", colour=32896), "PNG"), GREY),
    "grey, half clear": (content(plain("LA", colour=(0, 127)), "PNG"), GREY),
    "half clear": (content(plain("RGBA", colour=(0, 0, 0, 127)), "PNG"), GREY),
    "clear": (content(plain("RGBA", colour=(0, 0, 0, 0)), "PNG"), WHITE),
    "clear by one colour": (content(plain(colour=(9, 9, 9)), "PNG", transparency=(9, 9, 9)), WHITE),
    "palette": (content(plain().quantize(4), "PNG"), BROWN),
    "two colours": (content(plain("1", colour=1), "PNG"), WHITE),
    "progressive": (content(plain(), progressive=True), BROWN),
    "large": (content(plain(size=(5000, 7000))), BROWN),
    "smallest": (content(plain(size=(384, 480))), BROWN),
}


def opened(picture: Picture, rendition: str = "384.jpg") -> Image.Image:
    image = Image.open(BytesIO(picture.files[rendition]))
    image.load()
    return image


def near(found: object, expected: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) <= 6 for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photo_becomes_nine_files(kind: str) -> None:
    data, colour = KINDS[kind]
    picture = read(upload(data))
    assert list(picture.files) == RENDITIONS
    for rendition in RENDITIONS:
        width, ending = rendition.split(".")
        image = opened(picture, rendition)
        assert image.size == (int(width), int(width) * 5 // 4)
        assert Image.MIME[image.format or ""] == PORTRAIT_TYPES[ending]
        assert (image.mode, getattr(image, "n_frames", 1)) == ("RGB", 1)
        for place in ((2, 2), (int(width) // 2, int(width) // 2), (int(width) - 3, int(width) * 5 // 4 - 3)):
            assert near(image.getpixel(place), colour), rendition


def test_files_are_light() -> None:
    """A photo full of detail, in bytes; the smallest types weigh less at every width."""
    grain = Image.frombytes("RGB", (100, 125), Random(1).randbytes(37_500)).resize((600, 750), Image.Resampling.BICUBIC)
    detailed = Image.blend(plain(), grain, 0.3)
    weights = {rendition: len(made) for rendition, made in read(upload(content(detailed, "PNG"))).files.items()}
    for width, most in {96: 6_000, 192: 14_000, 384: 40_000}.items():
        avif, webp, jpeg = (weights[f"{width}.{ending}"] for ending in PORTRAIT_TYPES)
        assert avif < jpeg and webp < jpeg <= most, weights


def quarters(image: Image.Image) -> list[str]:
    """Which colour each quarter has, in the order of reading."""
    width, height = image.size
    names = {(255, 0, 0): "red", (0, 255, 0): "green", (0, 0, 255): "blue", (255, 255, 255): "white"}
    places = [(width * x // 4, height * y // 4) for y in (1, 3) for x in (1, 3)]
    found = [image.getpixel(place) for place in places]
    return [next((name for colour, name in names.items() if near(pixel, colour)), str(pixel)) for pixel in found]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright(orientation: int, kind: str) -> None:
    upright = plain(colour=WHITE)
    draw = ImageDraw.Draw(upright)
    for place, colour in {(0, 0): "red", (300, 0): "lime", (0, 375): "blue"}.items():
        draw.rectangle((*place, place[0] + 299, place[1] + 374), colour)
    turned_back = {6: 8, 8: 6}.get(orientation, orientation)  # the others undo themselves
    turn = Image.Exif()
    turn[0x0112] = turned_back
    lying = Image.open(BytesIO(content(upright, "PNG", exif=turn.tobytes())))
    stored: Image.Image = ImageOps.exif_transpose(lying)
    told = Image.Exif()
    told[0x0112] = orientation
    if orientation != 1:
        assert quarters(stored) != ["red", "green", "blue", "white"]
    found = opened(read(upload(content(stored, kind, exif=told.tobytes()))))
    assert quarters(found) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("size", [(1600, 500), (400, 2000)])
def test_the_middle_is_kept(size: tuple[int, int]) -> None:
    photo = plain(size=size, colour="lime")
    width, height = min(size[0], size[1] * 4 // 5), min(size[1], size[0] * 5 // 4)
    corner = ((size[0] - width) // 2, (size[1] - height) // 2)
    photo.paste(BROWN, (*corner, corner[0] + width, corner[1] + height))
    found = opened(read(upload(content(photo, "PNG"))))
    for place in ((4, 4), (379, 4), (4, 475), (379, 475), (192, 240)):
        assert near(found.getpixel(place), BROWN)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "smaller copy"])
def test_nothing_else_of_the_file_comes_along(kind: str) -> None:
    data = with_a_smaller_copy() if kind == "smaller copy" else revealing(kind)
    with Image.open(BytesIO(data)) as sent:
        held = [sent.info[name] for name in ("exif", "icc_profile") if name in sent.info]
        assert held and all(b"CANARY" in bytes(one) for one in held), "else there is nothing to find"
    picture = read(upload(data))
    for rendition, made in picture.files.items():
        assert [words for words in GONE if words.lower() in made.lower()] == [], rendition
        image = opened(picture, rendition)
        assert not image.getexif()
        assert {"icc_profile", "comment", "exif", "xmp"}.isdisjoint(image.info), rendition


def test_staff_are_told_what_it_said() -> None:
    assert set(map(str, read(upload(revealing())).dropped)) == {
        "where it was taken",
        "when it was taken",
        "the camera",
        "written notes",
    }
    assert set(map(str, read(upload(revealing("PNG"))).dropped)) >= {"where it was taken", "written notes"}
    assert list(map(str, read(upload(with_a_smaller_copy())).dropped)) == ["a smaller copy of the whole picture"]
    assert read(upload(content(plain()))).dropped == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"%PDF-1.7\n1 0 obj", "unreadable", id="PDF"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' width='999' height='999'/>", "unreadable", id="SVG"),
        pytest.param(b"<html><script>alert(1)</script>", "unreadable", id="web page"),
        pytest.param(content(plain(), "GIF"), "unreadable", id="GIF"),
        pytest.param(content(plain(), "TIFF"), "unreadable", id="TIFF"),
        pytest.param(content(plain(), "BMP"), "unreadable", id="BMP"),
        pytest.param(content(plain(), "AVIF"), "unreadable", id="AVIF"),
        pytest.param(b"\xff\xd8\xff\xe0", "unreadable", id="first bytes"),
        pytest.param(b"\0" * 5000, "unreadable", id="zeros"),
        pytest.param(content(plain())[:-900], "unreadable", id="truncated JPEG"),
        pytest.param(content(plain(), "PNG")[:-60], "unreadable", id="truncated PNG"),
        pytest.param(content(plain(), "WEBP")[:-60], "unreadable", id="truncated WebP"),
        pytest.param(png_header(600, 750), "unreadable", id="PNG without its picture"),
        pytest.param(content(plain(size=(1, 1))), "too_small", id="one pixel"),
        pytest.param(content(plain(size=(383, 900))), "too_small", id="too narrow"),
        pytest.param(content(plain(size=(900, 479))), "too_small", id="too low"),
        pytest.param(png_header(50_000, 50_000), "too_many_pixels", id="bomb"),
        pytest.param(png_header(10_000, 9_000), "too_many_pixels", id="large beyond Pillow's warning"),
        pytest.param(png_header(8_000, 5_001), "too_many_pixels", id="just too large"),
        pytest.param(content(plain()) + b"\0" * MAX_BYTES, "too_large", id="too many bytes"),
    ],
)
def test_what_is_no_such_photo_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        read(upload(data))
    assert refusal.value.code == code


def test_a_text_that_unpacks_without_end_is_refused() -> None:
    packed = zlib.compress(b"Comment" + b"\0" * 100_000_000, 9)
    chunk = b"zTXtComment\0\0" + packed
    whole = content(plain(), "PNG")
    bomb = whole[:33] + (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + whole[33:]
    assert len(bomb) < 200_000
    with pytest.raises(ValidationError) as refusal:
        read(upload(bomb))
    assert refusal.value.code == "unreadable"


@pytest.mark.parametrize(("size", "fits"), [((480, 384), True), ((384, 480), False)])
def test_the_least_size_is_that_of_the_upright_photo(size: tuple[int, int], fits: bool) -> None:
    lying = Image.Exif()
    lying[0x0112] = 6
    photo = upload(content(plain(size=size), exif=lying.tobytes()))
    if fits:
        assert opened(read(photo)).size == (384, 480)
        return
    with pytest.raises(ValidationError) as refusal:
        read(photo)
    assert refusal.value.messages == ["The photo is 480 × 384 pixels. It must be at least 384 × 480."]


def test_a_damaged_file_is_never_a_fault() -> None:
    """Every byte of a small header changed in turn: a picture or a refusal, nothing else."""
    whole = content(
        plain(size=(384, 480)), quality=30, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    )
    answers = set()
    for place in range(0, 620, 9):
        try:
            read(upload(whole[:place] + b"\xff" + whole[place + 1 :]))
            answers.add("read")
        except ValidationError as refusal:
            answers.add(refusal.code or "")
    assert {"read", "unreadable"} <= answers <= {"read", "unreadable", "too_small", "too_many_pixels"}
