"""Which headers every answer carries, typed from the header policy and not from the settings.

`python -m tests.security.table` prints docs/headers.md from it.
"""

from dataclasses import dataclass
from pathlib import Path

# Typed from the header policy, not from the settings.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SWITCHED_OFF = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), "
    "xr-spatial-tracking=()"
)
COMMON: dict[str, str | None] = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": SWITCHED_OFF,
    "Access-Control-Allow-Origin": None,
}
"""None: not there."""
HSTS = "max-age=63072000; includeSubDomains; preload"
FRAMED = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
OPEN: dict[str, str | None] = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
KINDS: dict[str, tuple[str, dict[str, str | None]]] = {
    "page": ("the common headers", COMMON),
    "open": ("any site may read it", COMMON | OPEN),
    "picture": ("any site may show it (decision 15)", COMMON | {"Cross-Origin-Resource-Policy": "cross-origin"}),
    "embed": (
        "any site may frame it",
        COMMON | {"Content-Security-Policy": FRAMED, "X-Frame-Options": None, "Cross-Origin-Resource-Policy": "cross-origin"},
    ),
    "document": ("nothing in it may act", COMMON | {"Content-Security-Policy": f"{POLICY}; sandbox"}),
    "admin": (
        "its own scripts; nothing is kept",
        COMMON | {"Content-Security-Policy": f"{POLICY}; script-src 'self'; connect-src 'self'", "Cache-Control": "no-store"},
    ),
    "preview": (
        "nothing is kept or found",
        COMMON | {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex, nofollow"},
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`address`: a sample that answers `status` to GET; {name} is filled in by the test."""

    kind: str
    address: str
    status: int = 200
    other: str = "page"
    """The kind of an answer that is no success: another method, a wrong address of the same view."""


ROWS: dict[str, Row] = {
    "our_work": Row("page", "/"),
    "where_we_work": Row("page", "/where-we-work/"),
    "region": Row("page", "/where-we-work/katanga/"),
    "progress": Row("page", "/progress/"),
    "changes": Row("page", "/progress/changes/"),
    "figure": Row("page", "/progress/miners/"),
    "programme": Row("page", "/programmes/scaling-up-itsci/"),
    "programme_progress": Row("page", "/programmes/scaling-up-itsci/progress/"),
    "programme_figure": Row("page", "/programmes/scaling-up-itsci/progress/miners/"),
    "stories": Row("page", "/stories/"),
    "story": Row("page", "/stories/child-labour-katanga/"),
    "portrait": Row("page", "{portrait}"),
    "meetings": Row("page", "/meetings/"),
    "meeting": Row("page", "{meeting}"),
    "document": Row("document", "{document}"),
    "search": Row("page", "/search/?q=mine"),
    "data": Row("page", "/data/"),
    "corrections": Row("page", "/data/corrections/"),
    "accessibility": Row("page", "/accessibility/"),
    "share_image": Row("picture", "/share.png"),
    "embed": Row("embed", "/embed/miners/"),
    "preview": Row("preview", "{preview}"),
    "readings_csv": Row("open", "/data/readings.csv", other="open"),
    "readings_json": Row("open", "/data/readings.json", other="open"),
    "readings_xlsx": Row("open", "/data/readings.xlsx", other="open"),
    "regions_geojson": Row("open", "/data/regions.geojson", other="open"),
    "datapackage": Row("open", "/data/datapackage.json", other="open"),
    "dataset": Row("open", "/data/dataset.jsonld", other="open"),
    "openapi": Row("open", "/data/openapi.json", other="open"),
    "offline_pack": Row("open", "/data/offline-en.zip", other="open"),
    "iati": Row("open", "/data/iati.xml", other="open"),
    "figures_feed": Row("open", "/feeds/figures.atom", other="open"),
    "meetings_feed": Row("open", "/feeds/meetings.atom", other="open"),
    "meetings_calendar": Row("open", "/feeds/meetings.ics", other="open"),
    "sitemap": Row("page", "/sitemap.xml"),
    "sitemap_section": Row("page", "/sitemap-pages.xml"),
    "robots": Row("page", "/robots.txt"),
    "favicon": Row("page", "/favicon.ico", 302),
    "security_txt": Row("page", "/.well-known/security.txt"),
    "healthz": Row("page", "/healthz"),
    "readyz": Row("page", "/readyz"),
}
"""By the name of the address. Everything below /admin/ is of the kind "admin", whatever its name."""

ERRORS: dict[str, Row] = {
    "an address that leads nowhere": Row("page", "/nowhere/", 404),
    "one below the admin": Row("admin", "/admin/nowhere/", 302),
    "one among the files": Row("open", "/data/nowhere.csv", 404),
    "a static file that is not there": Row("page", "/static/nowhere.css", 404),
    "an address without its slash": Row("page", "/progress", 301),
    "a query that is nonsense": Row("page", "/meetings/?year=never", 400),
    "a query for a file that is nonsense": Row("open", "/data/readings.csv?region=nowhere", 400),
    "a fault of the site": Row("page", "/broken/", 500),
    "what is refused": Row("page", "/refused/", 403),
    "what cannot be read": Row("page", "/unreadable/", 400),
    "a preview that is no link of ours": Row("page", "/preview/abc/", 404),
    "a region that cannot be framed": Row("page", "/embed/miners/nowhere/", 404),
}

DOCUMENT = Path(__file__).parents[2] / "docs" / "headers.md"


def printed() -> str:
    """docs/headers.md."""
    lines = [
        "# Headers of every answer",
        "",
        "Printed by `python -m tests.security.table`. `tests/security/test_headers.py` holds every address of the URL map",
        "against it, in both languages, with GET, HEAD, POST and OPTIONS, over HTTP and HTTPS. An address without a row fails.",
        "",
        "## The common headers",
        "```",
        *(f"{name}: {value}" for name, value in COMMON.items() if value),
        f"Strict-Transport-Security: {HSTS}      (over HTTPS)",
        "```",
        "No cookie outside of the admin, no `Vary: Cookie`, no other origin.",
        "",
        "## What differs",
        "| Kind | Why | Headers |",
        "|---|---|---|",
    ]
    for kind, (why, headers) in KINDS.items():
        told = [
            f"no `{name}`" if value is None else f"`{name}: {value}`"
            for name, value in headers.items()
            if name not in COMMON or COMMON[name] != value
        ]
        lines.append(f"| {kind} | {why} | {'; '.join(told) or 'none'} |")
    lines += ["", "## Addresses", "| Name | Sample | Kind |", "|---|---|---|"]
    lines += [f"| {name} | `{row.address}` | {row.kind} |" for name, row in ROWS.items()]
    lines += [
        "| everything below `/admin/` | `/admin/` | admin |",
        "| files below `/static/` | `/static/css/site.css` | page |",
    ]
    lines += ["", "## Errors", "| What | Sample | Status | Kind |", "|---|---|---|---|"]
    lines += [f"| {what} | `{row.address}` | {row.status} | {row.kind} |" for what, row in ERRORS.items()]
    lines += [
        "| the database does not answer | `/readyz` | 503 | page |",
        "| a method that the address does not take | `/data/readings.csv` | 405 | open |",
        "| TRACE, TRACK or CONNECT | `/` | 405 | as the errors of the address |",
        "| a host that is not the site's | `/` | 400 | page |",
        "| a form without its token | `/` | 403 | page |",
        "| what gunicorn cannot read, or the site fails to answer at all | | 400, 403, 414, 417, 431, 500, 501 | page |",
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(printed(), end="")
