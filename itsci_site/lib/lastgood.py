"""Answers on disk, each in a file of its own, for when the database that they were made from does not answer."""

import fcntl
import gzip
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .files import write_whole

MOST_BYTES = 5 * 2**20
"""Of one answer; a larger one is not stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """`packed` is the body as gzip."""

    address: str
    headers: list[tuple[str, str]]
    packed: bytes

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.packed)


class Store:
    """A folder of answers by address (path and query). Any number of processes write and read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, address: str) -> bool:
        return self._path(address).exists()

    def put(self, address: str, headers: list[tuple[str, str]], body: bytes, says: bytes) -> bool:
        """Whole or not at all. Raises OSError where the disk takes nothing.

        `says` is the part of the body that readers come for: is it another one than before?
        """
        path, said = self._path(address), sha256(says).hexdigest()
        is_new = self._head(path).get("says") != said
        if len(body) > MOST_BYTES:
            self.drop(address)
        else:
            packed = gzip.compress(body, compresslevel=6, mtime=0)
            head = {"address": address, "headers": headers, "says": said, "sha256": sha256(packed).hexdigest()}
            write_whole(path, json.dumps(head).encode() + b"\n" + packed)
        return is_new

    def get(self, address: str) -> Stored | None:
        """None where there is none, or none that is whole."""
        try:
            head, _line, packed = self._path(address).read_bytes().partition(b"\n")
            told = json.loads(head)
            if told["address"] != address or told["sha256"] != sha256(packed).hexdigest():
                return None
            return Stored(address, [(name, value) for name, value in told["headers"]], packed)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def drop(self, address: str) -> None:
        self._path(address).unlink(missing_ok=True)

    def addresses(self) -> Iterator[str]:
        for path in self._files():
            if address := self._head(path).get("address"):
                yield address

    def prune(self, wanted: set[str]) -> None:
        """Removes every answer to an address that is none of these, and what writers that were killed left behind."""
        names = {self._path(address).name for address in wanted}
        for path in self._files():
            if path.name not in names:
                path.unlink(missing_ok=True)
        for left in self.folder.glob("*/*.part"):
            with suppress(OSError):
                if left.stat().st_mtime < time.time() - 3600:
                    left.unlink()

    def note(self, told: dict[str, Any]) -> None:
        """What the whole of it was made from."""
        write_whole(self.folder / "whole.json", json.dumps(told).encode())

    def noted(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "whole.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return {}

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Is this process, of all that use the folder, the one that keeps it? That ends with the process, however it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def _head(self, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as file:
                return dict(json.loads(file.readline()))
        except (OSError, ValueError, TypeError):
            return {}

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("??/" + "?" * 64)

    def _path(self, address: str) -> Path:
        """Named by a digest: an address may hold anything, and be of any length."""
        name = sha256(address.encode("utf-8", "surrogateescape")).hexdigest()
        return self.folder / name[:2] / name
