"""The page cache of this site: what it asks, what it compresses with, and the threads that keep it warm, and copies on disk."""

import gzip
import threading
from pathlib import Path

import brotli
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections

from itsci_site.last_good import Keeper
from itsci_site.lib import pulse
from itsci_site.lib.lastgood import Store
from itsci_site.lib.pagecache import Application, Listening, PageCache
from itsci_site.lib.replica import of_the_public
from regions.content_version import Content, notices

ENCODERS = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=5),
    "gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
UNKEPT = ("/admin/", "/static/", "/healthz", "/readyz")
"""Never kept, so not looked for."""
AHEAD = 100
"""After a change so many pages, the last asked for, are made again before anybody asks."""


def cached(application: Application) -> Application:
    """The site behind its page cache; the site itself where the settings give that no room."""
    if not settings.PAGE_CACHE["bytes"]:
        return application
    changed = threading.Event()
    content = Content()
    store = Store(Path(settings.LAST_GOOD_ROOT))
    keeper = Keeper(application, content, store)

    def tell() -> None:
        changed.set()
        keeper.wake()

    listening = Listening(content, notices, tell)

    def begin(cache: PageCache) -> None:
        pulse.database.begin()
        if of_the_public() != DEFAULT_DB_ALIAS:
            pulse.primary.begin()
        listening.begin()
        keeper.begin()
        threading.Thread(target=_keep_warm, args=[cache, changed], name="ahead", daemon=True).start()

    return PageCache(
        application,
        listening if settings.PAGE_CACHE["version"] == "listen" else content,
        ENCODERS,
        settings.PAGE_CACHE["pages"],
        settings.PAGE_CACHE["bytes"],
        UNKEPT,
        begin,
        store.get,
        keeper.note,
    )


def _keep_warm(cache: PageCache, changed: threading.Event) -> None:
    while True:
        changed.wait()
        changed.clear()
        cache.refresh(AHEAD)
        close_old_connections()
