"""What a child does in the tests of lib/child.py."""

import os
import sys
import time
from pathlib import Path
from typing import Any


def told(content: bytes, twice: bool) -> dict[str, str]:
    return {"said": content.decode() * (1 + twice)}


def known(content: bytes) -> dict[str, Any]:
    return {"environment": list(os.environ), "django": "django" in sys.modules, "parent": os.getppid()}


def hoard(content: bytes) -> None:
    held = []
    while True:
        held.append(bytes(2**20))


def spin(content: bytes) -> None:
    while True:
        pass


def sleep(content: bytes) -> None:
    time.sleep(60)


def chatter(content: bytes) -> str:
    return "x" * 2000


def write_a_file(content: bytes) -> None:
    path = Path(f"never-{os.getpid()}")
    try:
        path.write_text("x")
    finally:
        path.unlink()


def fail(content: bytes) -> None:
    raise ValueError
