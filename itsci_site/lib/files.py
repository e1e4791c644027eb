"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Readable for the account and its group. Raises OSError; then nothing is left of it, and what was there before stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(half, 0o640)
        os.replace(half, path)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
