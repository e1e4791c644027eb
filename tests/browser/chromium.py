"""Which Chromium drives the browser tests. Standard library only: as a script it prints the path, or nothing."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str:
    """The path of an installed Chromium: CHROMIUM, else one on PATH, else playwright's own. Empty when there is none."""
    given = os.environ.get("CHROMIUM", "")
    if given:
        return given
    on_path = next((path for path in map(shutil.which, NAMES) if path), None)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    own = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    return on_path or (str(own[-1]) if own else "")


if __name__ == "__main__":
    print(find())
