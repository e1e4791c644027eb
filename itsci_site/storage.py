"""Static files as visitors get them: hashed names, compressed, and one stylesheet."""

import re
from collections.abc import Iterator
from typing import Any

import rcssmin
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(rb'@import "([a-z]+\.css)";')


class OneStylesheetStorage(CompressedManifestStaticFilesStorage):
    """Writes css/site.css with the files it imports in their place, minified, so that a page asks for one stylesheet."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[tuple[str, str, bool]]:
        entry = "css/site.css"
        if entry in paths and not dry_run:
            storage, path = paths[entry]
            with storage.open(path) as file:
                whole = IMPORT.sub(lambda match: self._source(paths, f"css/{match[1].decode()}"), file.read())
            self.delete(entry)
            self._save(entry, ContentFile(rcssmin.cssmin(whole)))
            paths = paths | {entry: (self, entry)}
        yield from super().post_process(paths, dry_run, **options)

    @staticmethod
    def _source(paths: dict[str, Any], name: str) -> bytes:
        storage, path = paths[name]
        with storage.open(path) as file:
            return file.read()
