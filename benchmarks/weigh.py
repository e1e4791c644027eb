"""What each page weighs on a first visit: HTML and stylesheet, compressed, and how many requests it takes.

    python -m benchmarks.weigh [--write]

Over the configured database, which must hold the programme's content (make run). With --write the table goes into
docs/weight.md. More than 14,336 bytes do not fit into the first packets that a server sends, and end this with an error.
"""

import argparse
import gzip
import os
import re
import sys
from pathlib import Path

import brotli
import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from django.conf import settings
from django.test import Client, override_settings

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "weight.md"
BUDGET = 14_336
"""Ten packets of 1,460 bytes less their headers: what arrives before the first acknowledgement is waited for."""
REQUESTS = 3
HEAD = """# What each page weighs
`make weigh` prints this table: bytes of the HTML and of the page and its stylesheet together, as gzip (what a first visit
costs, at most {budget:,}) and as brotli (what nearly every browser takes), and the requests of a first visit. A repeat visit
is a 304 without a body.

| Page | HTML, gzip | HTML + CSS, gzip | HTML + CSS, brotli | Requests |
|---|---:|---:|---:|---:|
"""


def addresses(client: Client) -> list[str]:
    """Every page in the sitemap, in each language, and the two that it leaves out."""
    found = set()
    for section in re.findall(r"<loc>https?://[^/]+(/[^<]+)</loc>", client.get("/sitemap.xml").content.decode()):
        found |= set(re.findall(r"https?://testserver(/[^<\"]*)", client.get(section).content.decode()))
    return sorted(found | {"/search/", "/fr/search/", "/nowhere/", "/fr/nowhere/"})


def static(address: str) -> bytes:
    return (Path(settings.STATIC_ROOT) / address.removeprefix(settings.STATIC_URL)).read_bytes()


def weigh(client: Client, address: str) -> tuple[int, int, int, int]:
    html = client.get(address).content
    text = html.decode()
    css = b"".join(static(one) for one in re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"', text))
    light = len(gzip.compress(html, 6))
    lighter = len(brotli.compress(html, mode=brotli.MODE_TEXT, quality=5)) + len(brotli.compress(css, quality=11))
    loaded = {one for one in re.findall(r'(?:src|href)="([^"]+)"', "".join(re.findall(r"<(?:link|img|script)\b[^>]*>", text)))}
    requests = 1 + sum(one.startswith(settings.STATIC_URL) for one in loaded)
    return light, light + len(gzip.compress(css, 9)), lighter, requests


def main() -> None:
    parser = argparse.ArgumentParser(description="Weigh every page.")
    parser.add_argument("--write", action="store_true", help=f"Write the table into {DOCUMENT.relative_to(ROOT)}.")
    asked = parser.parse_args()
    with override_settings(ALLOWED_HOSTS=["testserver"], SECURE_SSL_REDIRECT=False):
        client = Client()
        rows = {address: weigh(client, address) for address in addresses(client)}
    lines = [
        f"| `{address}` | {html:,} | {both:,} | {lighter:,} | {requests} |"
        for address, (html, both, lighter, requests) in sorted(rows.items(), key=lambda row: -row[1][1])
    ]
    table = HEAD.format(budget=BUDGET) + "\n".join([*lines, ""])
    print(table, end="")
    if asked.write:
        DOCUMENT.write_text(table)
    heavy = [address for address, (_html, both, _l, requests) in rows.items() if both > BUDGET or requests > REQUESTS]
    if heavy:
        sys.exit(f"Too heavy: {', '.join(heavy)}")


if __name__ == "__main__":
    main()
