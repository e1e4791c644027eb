"""A page's HTML as a small tree, so that a test can say which table, row or list it means. Standard library only.

It is strict: an end tag that closes nothing, or the wrong element, is an error of the page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BLOCK = {
    "blockquote",
    "br",
    "caption",
    "dd",
    "div",
    "dt",
    "figcaption",
    "h1",
    "h2",
    "h3",
    "li",
    "option",
    "p",
    "td",
    "th",
    "tr",
}
SPACES = re.compile(r"[ \t\r\n]+")  # no-break spaces stay, they are content


@dataclass
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        """The text as a reader has it: runs of spaces are one, blocks are parted."""
        return SPACES.sub(" ", "".join(self._pieces())).strip()

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._pieces()
                if child.tag in BLOCK:
                    yield " "

    def walk(self) -> "Iterator[Element]":
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, tag: str = "", cls: str = "") -> "list[Element]":
        """Every descendant with this tag and class, in the order of the page. Either may be left open."""
        return [found for found in self.walk() if (not tag or found.tag == tag) and (not cls or cls in found.classes)]

    def one(self, tag: str = "", cls: str = "") -> "Element":
        """The only one of `all`. Raises AssertionError if there are none or more."""
        found = self.all(tag, cls)
        assert len(found) == 1, f"{len(found)} of <{tag} class={cls!r}> where one is meant"
        return found[0]

    def texts(self, tag: str = "", cls: str = "") -> list[str]:
        return [found.text for found in self.all(tag, cls)]

    def by_id(self, name: str) -> "Element":
        found = [element for element in self.walk() if element.attributes.get("id") == name]
        assert len(found) == 1, f"{len(found)} elements have the id {name!r}"
        return found[0]

    def section(self, *headings: str) -> "Element":
        """The section under a heading, given in any of the page's languages."""
        found = [part for part in self.all("section") if (part.texts("h2") or [""])[0] in headings]
        assert len(found) == 1, f"{len(found)} sections are called {' or '.join(headings)}"
        return found[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(self.open[-1].children[-1])  # type: ignore[arg-type]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at line {self.getpos()[0]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str | bytes) -> Element:
    builder = _Builder()
    builder.feed(html.decode() if isinstance(html, bytes) else html)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is never closed"
    return builder.open[0]
