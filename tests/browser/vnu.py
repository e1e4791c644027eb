"""The Nu Html Checker, from its npm package in one pinned version. Fetched once into .local/npm, verified at every use."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE, VERSION = "vnu-jar", "26.9.27"
SHA512 = "TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA=="
JAR = "package/build/dist/vnu.jar"
TOOLS = ("java", "npm")


class Missing(Exception):
    """The checker cannot be had here; the message says why."""


@dataclass(frozen=True)
class Finding:
    """`kind` is error, warning or info; `file` the name of the checked one."""

    kind: str
    file: str
    line: int
    message: str
    extract: str


def jar(store: Path, folder: Path) -> Path:
    """The checker, unpacked into `folder` from the package kept in `store`. Raises Missing."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        raise Missing(f"no {' and no '.join(absent)} on PATH")
    package = store / f"{PACKAGE}-{VERSION}.tgz"
    if not package.exists():
        store.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(
            ["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder, "--silent"], capture_output=True, text=True
        )
        if fetched.returncode:
            raise Missing(f"npm could not fetch {PACKAGE} {VERSION}: {fetched.stderr.strip()[:300]}")
        shutil.move(folder / package.name, package)
    found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if found != SHA512:
        package.unlink()
        raise AssertionError(f"{package.name} is not the package that was pinned: its sha512 is {found}")
    unpacked = folder / Path(JAR).name
    with tarfile.open(package) as archive, archive.extractfile(JAR) as packed, open(unpacked, "wb") as file:  # type: ignore[union-attr]
        shutil.copyfileobj(packed, file)
    return unpacked


def check(checker: Path, *arguments: str | Path) -> list[Finding]:
    """What the checker has to say of the files. Raises RuntimeError if it did not run."""
    options = ["--stdout", "--format", "json", "--exit-zero-always"]
    done = subprocess.run(["java", "-jar", checker, *options, *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"the checker did not run: {done.stderr.strip()[:500]}")
    return [
        Finding(
            message.get("subType", message["type"]) if message["type"] == "info" else message["type"],
            message.get("url", "").rpartition("/")[2],
            message.get("lastLine", 0),
            message["message"],
            message.get("extract", "").strip(),
        )
        for message in json.loads(done.stdout)["messages"]
    ]
