"""A backup: one file with the database as it was at one moment, the uploaded files, and what there has to be in both.

    itsci-2026-11-26T22-30-05Z.tar          a tar of
        database/00000001 ...               pg_dump's custom format, in pieces: nothing has to be stored twice
        media/portraits/...                 every uploaded file
        manifest.json, manifest.sha256      last, so that what was cut off is seen

With a recipient the tar goes through age or gpg on its way to the disk, and is never there in the clear.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from itsci_site import pg_programs
from itsci_site.lib.newsroom import ledger
from itsci_site.lib.newsroom.models import Proposal, Seal
from meetings.models import FOLDER as DOCUMENTS
from meetings.models import Document
from regions.content_version import stamp
from testimonials import files as portraits
from testimonials.models import RENDITIONS, Testimonial

FORMAT = 1
PIECE = 8 * 2**20
"""Bytes of a piece of the dump; that much is held in memory."""
NAME = re.compile(r"itsci-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.tar(\.age|\.gpg)?")
MANIFEST, SUM, DUMP, MEDIA = "manifest.json", "manifest.sha256", "database", "media"


class Refused(CommandError):
    """A backup that cannot be used. The text says why; nothing was touched."""


@dataclass(slots=True)
class Manifest:
    """What a backup says of itself. Hashes are SHA-256, sizes bytes; `files` has them by path below the uploaded files."""

    format: int
    made_at: str
    database: str
    postgres: int
    """As the server counts: 180006 is 18.6."""
    content_version: str
    trail_seal: int | None
    trail_head: str
    """The hash of the last seal: what `verify_trail --head` finds after a restore."""
    migrations: list[list[str]]
    rows: dict[str, int]
    """Of every table."""
    dump: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Files that a row names and that were not there."""


def make(folder: Path, recipient: str = "", now: datetime | None = None) -> tuple[Path, Manifest]:
    """A new backup in `folder`, whole or not at all, readable for this account alone. Raises CommandError, OSError."""
    dump = pg_programs.path_of("pg_dump")
    encrypting = _encrypting(recipient) if recipient else None
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    ledger.begin_file()
    ledger.keep()
    name = f"itsci-{now or timezone.now():%Y-%m-%dT%H-%M-%SZ}.tar{encrypting[0] if encrypting else ''}"
    if (folder / name).exists():
        raise CommandError(f"{folder / name} is there already.")
    part = folder / f".{name}.part"
    with _part(part) as file:
        with _through(encrypting[1] if encrypting else None, file) as sink:
            manifest = _written(sink, dump)
        file.flush()
        os.fsync(file.fileno())
        part.rename(folder / name)
        _sync(folder)
    return folder / name, manifest


def _clear(folder: Path) -> None:
    """What a backup that was killed left behind; of one that is still running it keeps off."""
    for left in folder.glob(".itsci-*.part"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextmanager
def _part(path: Path) -> Iterator[IO[bytes]]:
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    try:
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
    finally:
        path.unlink(missing_ok=True)  # under its new name it is no longer here


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _encrypting(recipient: str) -> tuple[str, list[str]]:
    """The ending, and the command that encrypts to somebody's key. The key of a recipient is public: no secret is in it."""
    program = "age" if recipient.startswith(("age1", "ssh-")) else "gpg"
    if not shutil.which(program):
        raise CommandError(
            f"There is no {program} here, which encrypts to {recipient}: install it (Debian: apt-get install {program})."
        )
    if program == "age":
        return ".age", ["age", "--recipient", recipient]
    return ".gpg", [
        "gpg", "--batch", "--yes", "--quiet", "--trust-model", "always", "--compress-algo", "none", "--recipient", recipient,
        "--encrypt", "--output", "-",
    ]  # fmt: skip


@contextmanager
def _through(command: list[str] | None, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Where to write so that it arrives in the file, through a program if there is one. Raises CommandError if that fails."""
    if command is None:
        yield file
        return
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=said)
        assert child.stdin  # noqa: S101 - for the types
        try:
            try:
                yield child.stdin
                child.stdin.close()
            except BrokenPipeError:  # it ended too early, and has said why
                _ended(child, said, command[0])
                raise
            _ended(child, said, command[0])
        finally:
            _killed(child)


def _ended(child: "subprocess.Popen[bytes]", said: IO[bytes], name: str) -> None:
    if child.wait():
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
        if "No space left on device" in text:
            raise OSError(28, "No space left on device")
        raise CommandError(f"{name} failed: {text or f'status {child.returncode}'}")


def _killed(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.kill()
        child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _written(sink: IO[bytes], dump: str) -> Manifest:
    """Everything from one snapshot; then the files, whose names are random and whose content never changes."""
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            manifest, named = _described(), named_files()
            manifest.dump = _dumped(tar, dump, snapshot)
        for name in _stored():
            with contextlib.suppress(FileNotFoundError):  # swept meanwhile; if a row names it, that is told below
                with default_storage.open(name) as file:
                    content = file.read()
                _add(tar, f"{MEDIA}/{name}", content)
                manifest.files[name] = _sum(content)
        manifest.missing = sorted(named - manifest.files.keys())
        text = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
        _add(tar, MANIFEST, text)
        _add(tar, SUM, hashlib.sha256(text).hexdigest().encode())
    return manifest


def _stored(folder: str = "") -> Iterator[str]:
    """The name of every uploaded file. What is hidden is of a restore that runs, and a link was made by somebody else."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(names + folders):
        inner = f"{folder}/{name}" if folder else name
        if name.startswith(".") or (
            isinstance(default_storage, FileSystemStorage) and os.path.islink(default_storage.path(inner))
        ):
            continue
        if name in folders:
            yield from _stored(inner)
        else:
            yield inner


def _described() -> Manifest:
    last = Seal.objects.order_by("-at").first()
    return Manifest(
        format=FORMAT, made_at=datetime.now(UTC).isoformat(timespec="seconds"), database=str(connection.settings_dict["NAME"]),
        postgres=connection.pg_version, content_version=stamp(timezone.now()),  # type: ignore[attr-defined]
        trail_seal=last.pk if last else None, trail_head=last.hash if last else "",
        migrations=sorted([app, name] for app, name in MigrationRecorder(connection).applied_migrations()), rows=rows(),
    )  # fmt: skip


def rows() -> dict[str, int]:
    """The number of rows of every table of the site."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM public.{connection.ops.quote_name(table)}")  # noqa: S608 - names of our own
            found[table] = cursor.fetchone()[0]
    return found


def named_files() -> set[str]:
    """Every file that a row names, next versions that wait included."""
    pending = [change for changes in Proposal.objects.pending().values_list("changes", flat=True) for change in changes]
    after = [change["after"] for change in pending if change["after"]]
    documents = set(Document.objects.values_list("file", flat=True))
    documents |= {side["file"] for side in after if str(side.get("file") or "").startswith(f"{DOCUMENTS}/")}
    faces = set(Testimonial.objects.exclude(portrait="").values_list("portrait", flat=True))
    faces |= {side["portrait"] for side in after if side.get("portrait")}
    return documents | {portraits.path(face, rendition) for face in faces for rendition in RENDITIONS}


def _dumped(tar: tarfile.TarFile, program: str, snapshot: str) -> dict[str, Any]:
    command = [program, "--format=custom", "--no-password", f"--snapshot={snapshot}", f"--dbname={pg_programs.reach()}"]
    digest, size, number = hashlib.sha256(), 0, 0
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=pg_programs.environment())
        assert child.stdout  # noqa: S101 - for the types
        try:
            while piece := child.stdout.read(PIECE):
                number += 1
                digest.update(piece)
                size += len(piece)
                _add(tar, f"{DUMP}/{number:08}", piece)
            _ended(child, said, "pg_dump")
        finally:
            _killed(child)
    return {"sha256": digest.hexdigest(), "bytes": size, "pieces": number}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(timezone.now().timestamp())
    tar.addfile(entry, io.BytesIO(content))


def _sum(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


# Reading one


def newest(place: Path) -> Path:
    """A backup itself, or the newest of a folder. Raises Refused."""
    if place.is_file():
        return place
    found = sorted(path for path in place.glob("itsci-*") if NAME.fullmatch(path.name)) if place.is_dir() else []
    if not found:
        raise Refused(f"There is no backup in {place}: give a file like itsci-2026-11-26T22-30-05Z.tar, or the folder with it.")
    return found[-1]


def unpacked(path: Path, into: Path, identity: str = "") -> Manifest:
    """Puts the dump and the files of a backup into an empty folder of ours, all compared with their hashes. Raises Refused."""
    digest, files, text, total = hashlib.sha256(), {}, b"", ""
    size = pieces = 0
    try:
        with _from(path, identity) as source, tarfile.open(fileobj=source, mode="r|") as tar, open(into / DUMP, "wb") as dump:
            for entry in tar:
                part, _slash, rest = entry.name.partition("/")
                if not entry.isfile() or ".." in PurePosixPath(entry.name).parts or entry.name.startswith("/"):
                    raise Refused(f"{path} holds {entry.name}, which no backup of this site does.")
                content: Any = tar.extractfile(entry)
                content = content.read()
                if part == DUMP:
                    dump.write(content)
                    digest.update(content)
                    size, pieces = size + len(content), pieces + 1
                elif part == MEDIA:
                    target = into / MEDIA / rest
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content)
                    files[rest] = _sum(content)
                elif entry.name == MANIFEST:
                    text = content
                elif entry.name == SUM:
                    total = content.decode(errors="replace")
    except (tarfile.TarError, EOFError) as error:
        raise Refused(f"{path} is damaged, and nothing was touched: {error}.") from error
    (into / MEDIA).mkdir(exist_ok=True)
    if not total or hashlib.sha256(text).hexdigest() != total:
        raise Refused(f"{path} is not whole, and nothing was touched: its manifest is missing or was changed.")
    manifest = Manifest(**json.loads(text)) if json.loads(text).get("format") == FORMAT else None
    if manifest is None:
        raise Refused(f"{path} is of another format than this version of the site reads: use the one that made it.")
    if manifest.dump != {"sha256": digest.hexdigest(), "bytes": size, "pieces": pieces}:
        raise Refused(f"{path} is damaged, and nothing was touched: the dump of the database is not the one that was written.")
    if wrong := sorted(name for name in manifest.files.keys() | files.keys() if manifest.files.get(name) != files.get(name)):
        raise Refused(f"{path} is damaged, and nothing was touched: {', '.join(wrong[:5])} is not what was written.")
    return manifest


@contextmanager
def _from(path: Path, identity: str) -> Iterator[IO[bytes]]:
    """The tar inside, decrypted by the operator's own key where it is encrypted."""
    if path.suffix not in (".gpg", ".age"):
        with open(path, "rb") as file:
            yield file
        return
    program = path.suffix[1:]
    if not shutil.which(program):
        raise Refused(
            f"There is no {program} here, which {path} is encrypted with: install it (Debian: apt-get install {program})."
        )
    if program == "age" and not identity:
        raise Refused(f"{path} is encrypted with age: give the file with your key as --identity.")
    command = (
        ["age", "--decrypt", "--identity", identity] if program == "age" else ["gpg", "--quiet", "--decrypt", "--output", "-"]
    )
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, stderr=said)
        assert child.stdout  # noqa: S101 - for the types
        try:
            try:
                yield child.stdout
            except tarfile.TarError:
                _drained(child)
                _told(child, said, program)  # a key that is missing is the reason, not the tar
                raise
            _drained(child)
            _told(child, said, program)
        finally:
            _killed(child)


def _drained(child: "subprocess.Popen[bytes]") -> None:
    """To its end: what is authentic is only known there."""
    while child.stdout and child.stdout.read(PIECE):
        pass


def _told(child: "subprocess.Popen[bytes]", said: IO[bytes], name: str) -> None:
    try:
        _ended(child, said, name)
    except CommandError as error:
        raise Refused(f"{error} Nothing was touched.") from error
