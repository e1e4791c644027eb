"""The ledger: what left the public, by number, in a file outside of the database, so that a restore brings none of it back.

Triggers write a row of `newsroom_ledger` in the transaction that takes something from readers, whoever does it. `keep` copies
the rows of transactions that were committed into the file LEDGER; the middleware calls it before a withdrawal is answered.
A row says what happened to which row of which table, never a word or a name. And `newsroom_opened` says which table of which
database and server may be shown to readers: a restored one is another, and is shut until its ledger was applied (decision 28).
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import Error, connection, models, transaction

from ..publishing import Approved
from .guard import apart_of, columns_of_state

log = logging.getLogger(__name__)
TRIGGER, ACCOUNTS = "newsroom_ledger", "auth_user"
BEGAN = "began"
"""The first line of a site in a file: from then on what left it is in there."""
CUT = "{path} ended in half a line: what left last is not in it, and may be public again."
WHATS = ("left", "changed", "erased", "withdrawn", "cut", "minor", "gone", "closed")

# A restore applies what is in the file with the setting `itsci.ledger`: what follows from it is not noted once more.
# Arguments of `newsroom_leaves`: the columns for the state and the moment, those that are not content, and "words" where people
# speak or are spoken of, so that a change of what readers saw counts as well.
TABLES = """
CREATE TABLE newsroom_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mark uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    what text NOT NULL CHECK (what IN ('left', 'changed', 'erased', 'withdrawn', 'cut', 'minor', 'gone', 'closed')),
    table_name text NOT NULL, row_id bigint NOT NULL, actor_id bigint, detail jsonb NOT NULL DEFAULT '{}',
    kept boolean NOT NULL DEFAULT false);
CREATE INDEX newsroom_ledger_waiting ON newsroom_ledger (id) WHERE NOT kept;
CREATE TABLE newsroom_opened (
    id smallint PRIMARY KEY CHECK (id = 1), site uuid NOT NULL DEFAULT gen_random_uuid(), system bigint NOT NULL,
    database oid NOT NULL, relation oid NOT NULL, at timestamptz NOT NULL);
CREATE FUNCTION newsroom_open() RETURNS void LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO newsroom_opened (id, system, database, relation, at)
    SELECT 1, system_identifier, pg_database.oid, 'newsroom_opened'::regclass, now()
    FROM pg_control_system(), pg_database WHERE datname = current_database()
    ON CONFLICT (id) DO UPDATE SET
        system = excluded.system, database = excluded.database, relation = excluded.relation, at = excluded.at
$$;
CREATE FUNCTION newsroom_is_open() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM newsroom_opened AS opened, pg_control_system() AS server, pg_database
                   WHERE server.system_identifier = opened.system AND pg_database.oid = opened.database
                     AND datname = current_database() AND opened.relation = opened.tableoid)
$$;
CREATE FUNCTION newsroom_note(what text, in_table text, row_id bigint, detail jsonb) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF coalesce(current_setting('itsci.ledger', true), '') <> 'applying' THEN
        INSERT INTO newsroom_ledger (what, table_name, row_id, actor_id, detail)
        VALUES (what, in_table, row_id, nullif(current_setting('itsci.actor', true), '')::bigint, detail);
    END IF;
END
$$;
CREATE FUNCTION newsroom_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    apart text[] := TG_ARGV[0:1] || string_to_array(TG_ARGV[2], ' ');
    before jsonb := to_jsonb(OLD);
    after jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) END;
    was text := before->>TG_ARGV[0];
    becomes text := coalesce(after->>TG_ARGV[0], 'gone');
BEGIN
    IF before->>'erased_at' IS NULL AND after->>'erased_at' IS NOT NULL THEN
        PERFORM public.newsroom_note('erased', TG_TABLE_NAME, OLD.id, '{}');
    ELSIF was = 'published' AND becomes <> 'published' OR was = 'suspended' AND becomes IN ('withdrawn', 'gone') THEN
        PERFORM public.newsroom_note('left', TG_TABLE_NAME, OLD.id, jsonb_build_object('to', becomes));
    ELSIF was = 'published' AND TG_ARGV[3] = 'words' AND (before - apart) <> (after - apart) THEN
        PERFORM public.newsroom_note('changed', TG_TABLE_NAME, OLD.id, '{}');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION newsroom_account_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_active AND coalesce(to_jsonb(NEW)->>'is_active', 'false') = 'false' THEN
        PERFORM public.newsroom_note('closed', TG_TABLE_NAME, OLD.id, '{}');
    END IF;
    RETURN NULL;
END
$$;
SELECT newsroom_open();
"""
NO_TABLES = """
DROP FUNCTION newsroom_leaves() CASCADE;
DROP FUNCTION newsroom_account_closes() CASCADE;
DROP FUNCTION newsroom_note(text, text, bigint, jsonb);
DROP FUNCTION newsroom_is_open();
DROP FUNCTION newsroom_open();
DROP TABLE newsroom_opened, newsroom_ledger;
"""
WAITING = """
SELECT id, (SELECT site::text FROM newsroom_opened), mark::text, at, what, table_name, row_id, actor_id, detail::text
FROM newsroom_ledger WHERE NOT kept ORDER BY id
"""


class Damaged(Exception):
    """A ledger that is not there, or cannot be read to its end. The text says where."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that left. `at` is ISO 8601; `actor` the number of an account, None for what came another way.

    `site` stays the same through backups and restores: the numbers of another site's rows mean nothing here.
    """

    site: str
    mark: str
    at: str
    what: str
    table: str
    row: int
    actor: int | None
    detail: dict[str, Any]

    def as_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, separators=(",", ":"))


def tables() -> dict[str, type[models.Model]]:
    """Those that have the trigger: of all rows that take two people, and of accounts."""
    found = {model._meta.db_table: model for model in apps.get_models() if issubclass(model, Approved)}
    return found | {ACCOUNTS: get_user_model()}


def watch_all(**_signal: object) -> None:
    """After migrations: the trigger on every such table, which fires for replication as well. Nobody else writes lines."""
    with transaction.atomic(), connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if "newsroom_ledger" not in there:
            return
        cursor.execute("REVOKE EXECUTE ON FUNCTION newsroom_note(text, text, bigint, jsonb) FROM PUBLIC")  # dumps leave it out
        for table, model in tables().items():
            if table not in there:
                continue
            columns = {one.name for one in connection.introspection.get_table_description(cursor, table)}
            runs, arguments = "newsroom_account_closes()", []
            if issubclass(model, Approved):
                if "authors" not in columns:
                    continue
                searched = sorted(name for name in columns if name.startswith("search_"))
                apart = " ".join([*apart_of(model), *searched])
                runs, arguments = "newsroom_leaves(%s, %s, %s, %s)", [*columns_of_state(model), apart, _kind(model)]
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {TRIGGER} AFTER UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {runs};"
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {TRIGGER}",
                arguments,
            )


def _kind(model: type[models.Model]) -> str:
    return "words" if getattr(model, "tells_of_people", False) else ""


def is_open() -> bool:
    """May readers see this database? Not while it was restored and its ledger was not applied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT newsroom_is_open()")
        return cursor.fetchone()[0]


def keep() -> int:
    """Copies into the file what committed transactions left in the table, and says how many lines those are.

    They are on the disk when this returns. Raises OSError where the file cannot be written: the rows wait for the next call.
    Inside of a transaction nothing is certain yet, and nothing happens.
    """
    if connection.in_atomic_block or not _waiting():
        return 0
    with _locked(Path(settings.LEDGER)) as file:
        waiting = _waiting()  # once more: whoever held the lock may have kept them
        there = _marks(file)
        _begin(file, there)
        new = [line for _pk, line in waiting if line.mark not in there]
        file.write("".join(f"{line.as_json()}\n" for line in new).encode())
        file.flush()
        os.fsync(file.fileno())
        with connection.cursor() as cursor:
            cursor.execute("UPDATE newsroom_ledger SET kept = true WHERE id = ANY(%s)", [[pk for pk, _line in waiting]])
    return len(new)


def keep_or_log() -> None:
    """After a request: what was withdrawn is withdrawn, whatever disk and database say; but somebody has to hear of it."""
    try:
        keep()
    except Error:
        log.error("What left the public could not be read for the ledger %s. The next request does.", settings.LEDGER)
    except OSError as error:
        log.error("The ledger %s cannot be written: %s. Run `manage.py ledger` once it can.", settings.LEDGER, error.strerror)


def begin_file() -> None:
    """Says in the file that this site's lines are in there: from now on one that says nothing is not its ledger."""
    with _locked(Path(settings.LEDGER)) as file:
        _begin(file, _marks(file))
        file.flush()
        os.fsync(file.fileno())


def _begin(file: Any, there: set[str]) -> None:
    own = site()
    if own not in there:
        first = Line(own, own, datetime.now(UTC).isoformat(), BEGAN, "newsroom_opened", 1, None, {})
        file.write(f"{first.as_json()}\n".encode())


def site() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT site::text FROM newsroom_opened")
        return cursor.fetchone()[0]


def shut(as_site: str = "") -> None:
    """Readers see nothing until `newsroom_open`. `as_site`: whose ledger is meant, if it was made before there was one."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE newsroom_opened SET system = 0, site = coalesce(nullif(%s, '')::uuid, site)", [as_site])


def read(path: Path) -> list[Line]:
    """The lines of a ledger, but for half a line at its end (`is_cut`). Raises Damaged, or OSError."""
    if not path.is_file():
        raise Damaged(f"There is no ledger at {path}.")
    found = []
    content = path.read_bytes()
    for number, text in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            line = Line(**json.loads(text))
            if line.what not in (BEGAN, *WHATS) or not isinstance(line.row, int):
                raise ValueError
        except (ValueError, TypeError):
            raise Damaged(f"Line {number} of {path} is no line of a ledger.") from None
        found.append(line)
    return found


def is_cut(path: Path) -> bool:
    """Does it end within a line? The disk was full, or the machine stopped, while something left."""
    content = path.read_bytes() if path.is_file() else b""
    return bool(content) and not content.endswith(b"\n")


def marks() -> set[str]:
    """Of what this database knows to have left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark::text FROM newsroom_ledger")
        return {mark for (mark,) in cursor.fetchall()}


def add(lines: Iterable[Line]) -> None:
    """Puts lines of a file into the table, so that they are never applied twice."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO newsroom_ledger (mark, at, what, table_name, row_id, actor_id, detail)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(one.mark, one.at, one.what, one.table, one.row, one.actor, json.dumps(one.detail)) for one in lines],
        )


def _waiting() -> list[tuple[int, Line]]:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return [
            (pk, Line(own, mark, at.isoformat(), what, table, row, actor, json.loads(detail)))
            for pk, own, mark, at, what, table, row, actor, detail in cursor.fetchall()
        ]


def _locked(path: Path) -> Any:
    """The file, opened to be read and added to, for one process at a time until it is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    fcntl.flock(file, fcntl.LOCK_EX)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return file


def _marks(file: Any) -> set[str]:
    """Those in the file. A last line without its end was never acknowledged, and goes: its row still waits."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        file.truncate(whole)
    found = set()
    for text in content[:whole].splitlines():
        try:
            found.add(json.loads(text)["mark"])
        except (ValueError, KeyError, TypeError):
            log.error("The ledger %s has a line that cannot be read.", settings.LEDGER)
    return found
