"""The picture of a page that goes along when its address is shared: 1200 x 630, drawn from a Card and nothing else.

It speaks the design language: an earth band with the mark, the heading on paper, a glyph with the region's facet in focus or a
figure's tag hanging from the band, ore below. Colours are the light ones of tokens.css; the fonts lie beside this file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import PIL
from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from itsci_site.lib.found import SITE_NAME
from itsci_site.lib.glyph import FACETS

WIDTH, HEIGHT = 1200, 630
KEPT = 64
"""Drawn pictures a process remembers: about a megabyte."""

FOLDER = Path(__file__).parent / "fonts"
TOKENS = settings.BASE_DIR / "static" / "css" / "tokens.css"
COLOURS: dict[str, str] = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", TOKENS.read_text().partition("}")[0]))
# All that decides how a card is drawn: with another hand, every picture is another.
HAND = sha256(b"".join(path.read_bytes() for path in (Path(__file__), TOKENS, *sorted(FOLDER.glob("*.ttf")))))
HAND.update(PIL.__version__.encode())

COLOURS_KEPT = 48
"""Enough for smooth edges of the few colours there are; the file is a third of what it would be."""
FINE = 4
"""Shapes are drawn so many times larger and then made smaller, which smooths their edges. Text is smooth by itself."""
MARGIN = 72
BAND = 112
ORE = 24
SIDE = 368
"""Width of the glyph or the tag at the end of the card."""
GAP = 56
SECTION = 640
"""Width that the name of the section has beside the site's."""
HEADING = ((80, 3), (72, 3), (64, 4), (56, 4), (48, 5), (40, 6), (34, 7))
"""Sizes in pixels with the most lines of each: a heading has the first it fits."""
BREAKS = re.compile("[ \t\r\n]+")
"""Where a line may end. No-break spaces stay."""

Font = ImageFont.FreeTypeFont
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tag:
    """A figure as the tag on its page prints it; `figure` holds words where there is no number."""

    code: str
    figure: str
    is_number: bool
    label: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is drawn. `focus` names the facets that stand out; by default all, for the whole programme."""

    title: str
    section: str = ""
    note: str = ""
    focus: tuple[str, ...] = tuple(FACETS)
    tag: Tag | None = None

    @property
    def etag(self) -> str:
        """Changes with what is drawn and with how; asking for it draws nothing."""
        hand = HAND.copy()
        hand.update(repr(self).encode())
        return f'"{hand.hexdigest()[:32]}"'


@lru_cache(KEPT)
def png(card: Card) -> bytes:
    """The picture as a file, about 20 kB; drawing takes about a tenth of a second."""
    image = Image.new("RGB", (WIDTH, HEIGHT), COLOURS["paper"])
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, WIDTH, BAND - 1), COLOURS["earth"])
    pen.rectangle((0, HEIGHT - ORE, WIDTH, HEIGHT), COLOURS["foot"])
    _glyph(image, (MARGIN, 26), 60, dict.fromkeys(FACETS, "on-earth"))
    _write(pen, (MARGIN + 80, BAND / 2), SITE_NAME, _font("serif", 36), "on-earth", "lm")
    for section in _broken(card.section, _font("sans", 28), SECTION, 1):
        _write(pen, (WIDTH - MARGIN, BAND / 2), section, _font("sans", 28), "on-earth", "rm")
    side = WIDTH - MARGIN - SIDE
    _words(pen, card, side - GAP - MARGIN)
    if card.tag:
        _tag(image, pen, card.tag, (side, BAND + 40))
    else:
        colours = {code: "mark" if code in card.focus else "pale" for code in FACETS}
        _glyph(image, (side, (BAND + HEIGHT - ORE - SIDE) / 2), SIDE, colours)
    file = BytesIO()
    image.quantize(COLOURS_KEPT, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _words(pen: ImageDraw.ImageDraw, card: Card, width: float) -> None:
    """Heading and note as one block, in the middle of the paper's height."""
    font, heading = _fitted(card.title, width)
    small = _font("sans", 28)
    note = _broken(card.note, small, width, 3)
    leading = font.size * 1.18
    y = (BAND + HEIGHT - ORE - leading * len(heading) - (24 + 40 * len(note) if note else 0)) / 2
    y = _lines(pen, (MARGIN, y), heading, font, leading, "ink")
    _lines(pen, (MARGIN, y + 24), note, small, 40, "soft")


def _tag(image: Image.Image, pen: ImageDraw.ImageDraw, tag: Tag, corner: Spot) -> None:
    """Hangs from the band by its string. It is as high as what it says, and ends above the ore at its longest."""
    x, y = corner
    pad, cut, eye = 28, 40, (x + 44, y + 44)
    width = SIDE - 2 * pad
    face, sizes = ("figures", ((96, 1), (80, 1), (64, 1), (48, 1))) if tag.is_number else ("sans", ((44, 2), (36, 2)))
    figure_font, figure = _fitted(tag.figure, width, face, sizes)
    figure_leading = figure_font.size * 1.15
    label_font, stub_font = _font("sans", 26), _font("sans", 24)
    label = _broken(tag.label, label_font, width, 2)
    as_of = _broken(tag.as_of, stub_font, width, 4)
    top = y + 74
    perforation = top + figure_leading * len(figure) + 34 * len(label) + 28
    bottom = perforation + (18 + 31 * len(as_of) if as_of else 0) + 22
    _shape(image, [(x + cut, y), (x + SIDE, y), (x + SIDE, bottom), (x, bottom), (x, y + cut)], "stock")
    pen.line((eye[0], BAND, eye[0], eye[1]), COLOURS["edge"], 2)
    _ring(image, eye, 11)
    _write(pen, (x + SIDE - pad, eye[1]), tag.code, _font("figures", 30), "soft", "rm")
    y = _lines(pen, (x + pad, top), figure, figure_font, figure_leading, "ink")
    _lines(pen, (x + pad, y + 4), label, label_font, 34, "ink")
    for dot in range(int(x) + pad, int(x) + SIDE - pad, 8):
        pen.rectangle((dot, perforation, dot + 2, perforation + 2), COLOURS["edge"])
    _lines(pen, (x + pad, perforation + 16), as_of, stub_font, 31, "soft")


def _glyph(image: Image.Image, corner: Spot, size: float, colours: Mapping[str, str]) -> None:
    """The mark in a box of `size`, each facet in its colour."""
    for code, facet in FACETS.items():
        numbers = [float(number) * size / 48 for number in re.findall(r"[\d.]+", facet.path)]
        points = zip(numbers[::2], numbers[1::2], strict=True)
        _shape(image, [(corner[0] + x, corner[1] + y) for x, y in points], colours[code])


def _shape(image: Image.Image, points: list[Spot], colour: str) -> None:
    """A filled area with smooth edges."""
    left, top = (int(min(ends)) for ends in zip(*points, strict=True))
    right, bottom = (int(max(ends)) + 1 for ends in zip(*points, strict=True))
    mask = Image.new("L", ((right - left) * FINE, (bottom - top) * FINE))
    ImageDraw.Draw(mask).polygon([((x - left) * FINE, (y - top) * FINE) for x, y in points], 255)
    image.paste(COLOURS[colour], (left, top), mask.reduce(FINE))


def _ring(image: Image.Image, middle: Spot, radius: int) -> None:
    """The eyelet, with the paper behind it."""
    for colour, size in (("edge", radius), ("paper", radius - 2)):
        mask = Image.new("L", (2 * size * FINE, 2 * size * FINE))
        ImageDraw.Draw(mask).ellipse((0, 0, 2 * size * FINE - 1, 2 * size * FINE - 1), 255)
        image.paste(COLOURS[colour], (int(middle[0]) - size, int(middle[1]) - size), mask.reduce(FINE))


def _lines(pen: ImageDraw.ImageDraw, corner: Spot, lines: list[str], font: Font, leading: float, colour: str) -> float:
    """Writes lines below each other; answers where the next would begin."""
    x, y = corner
    for line in lines:
        _write(pen, (x, y + leading / 2), line, font, colour, "lm")
        y += leading
    return y


def _write(pen: ImageDraw.ImageDraw, spot: Spot, words: str, font: Font, colour: str, anchor: str) -> None:
    pen.text(spot, words, COLOURS[colour], font, anchor)


def _fitted(
    words: str, width: float, face: str = "serif", sizes: tuple[tuple[int, int], ...] = HEADING
) -> tuple[Font, list[str]]:
    """The first of the sizes that the words fit in, else the last, with the lines they make in it."""
    for size, most in sizes:
        font = _font(face, size)
        if _fits(_wrapped(words, font, width), font, width, most):
            break
    return font, _broken(words, font, width, most)


def _broken(words: str, font: Font, width: float, most: int) -> list[str]:
    """Lines of like length; where they are too many or one is too long, they end in an ellipsis."""
    lines = _wrapped(words, font, width)
    return _balanced(lines, font) if _fits(lines, font, width, most) else _cut(lines, font, width, most)


def _fits(lines: list[str], font: Font, width: float, most: int) -> bool:
    return len(lines) <= most and all(font.getlength(line) <= width for line in lines)


def _wrapped(words: str, font: Font, width: float) -> list[str]:
    lines: list[str] = []
    for word in filter(None, BREAKS.split(words)):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _balanced(lines: list[str], font: Font) -> list[str]:
    """The same words in as many lines, as narrow as they can be: no last line of one word."""
    while len(lines) > 1:
        width = max(map(font.getlength, lines)) - 1
        narrower = _wrapped(" ".join(lines), font, width)
        if not _fits(narrower, font, width, len(lines)):
            break
        lines = narrower
    return lines


def _cut(lines: list[str], font: Font, width: float, most: int) -> list[str]:
    kept = [*lines[: most - 1], f"{lines[most - 1]}…"] if len(lines) > most else lines
    return [_shortened(line, font, width) for line in kept]


def _shortened(line: str, font: Font, width: float) -> str:
    while font.getlength(line) > width:
        line = f"{line.removesuffix('…')[:-1].rstrip(' ,;:')}…"
    return line


@lru_cache
def _font(face: str, size: int) -> Font:
    return ImageFont.truetype(FOLDER / f"{face}.ttf", size)
