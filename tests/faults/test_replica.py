"""Two machines: one process on the database itself, one whose public pages read a streaming replica, which then takes over."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

import pytest

from tests.kept.server import ROOT, served
from tests.long_runs import record
from tests.setup.throwaway import Server

from .site import Served, Site, programs, site, until

PAGE = "/where-we-work/katanga/"


@dataclass
class Machines:
    site: Site
    replica: Server
    one: Served
    """On the database itself."""
    other: Served
    """Its public pages read the replica."""

    def edition(self, served: Served) -> int:
        answer = served.get(PAGE)
        assert answer.status == 200
        found = re.findall(r"Edition (\d+)", answer.text)
        assert found and len(set(found)) == 1, "a page of two editions"
        return int(found[0])

    def publish(self, edition: int) -> None:
        """Two rows in one transaction, both on the page."""
        self.site.sql(
            "WITH a AS (UPDATE regions_region SET lead_en = %s WHERE slug = 'katanga' RETURNING id) "
            "UPDATE regions_milestone SET text_en = %s WHERE id = (SELECT min(id) FROM regions_milestone "
            "WHERE region_id = (SELECT id FROM regions_region WHERE slug = 'katanga'))",
            f"Edition {edition}",
            f"Edition {edition}",
        )

    def on_replica(self, statement: str) -> list[tuple]:
        return replace(self.site, database=self.replica).sql(statement)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("machines")
    with ExitStack() as stack:
        made = stack.enter_context(site(folder))
        made.script("prepared")
        replica = Server(programs(), "-c fsync=on")
        stack.callback(replica.remove)
        replica.follow(made.database)
        replica.start()
        # Acknowledged means that the replica has it on its disk, too.
        made.sql("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
        made.sql("SELECT pg_reload_conf()")
        environment = made.environment | {"DATABASE_REPLICA_URL": replica.url, "LAST_GOOD_ROOT": str(folder / "other")}
        one = stack.enter_context(made.served())
        port, process = stack.enter_context(served(environment, folder))
        machines = Machines(made, replica, one, Served(port, process))
        machines.publish(0)
        until(lambda: "Edition 0" in machines.other.get(PAGE).text)
        yield machines


def test_what_one_publishes_the_other_shows(machines: Machines) -> None:
    for edition in (1, 2, 3):
        machines.publish(edition)
        assert machines.edition(machines.one) == edition
        until(lambda: machines.edition(machines.other) == edition)  # noqa: B023 - asked at once


def test_a_page_of_a_lagging_replica_is_that_of_its_own_mark(machines: Machines) -> None:
    machines.publish(10)
    until(lambda: machines.edition(machines.other) == 10)
    machines.site.sql("ALTER SYSTEM SET synchronous_commit = 'local'")
    machines.site.sql("SELECT pg_reload_conf()")
    machines.on_replica("SELECT pg_wal_replay_pause()")
    until(lambda: machines.on_replica("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
    try:
        tag = machines.other.get(PAGE).headers["etag"]
        machines.publish(11)
        assert machines.edition(machines.one) == 11
        for _again in range(20):
            answer = machines.other.get(PAGE)
            assert answer.headers["etag"] == tag and "Edition 10" in answer.text
        assert machines.other.get(PAGE, **{"If-None-Match": tag}).status == 304
        fresh = machines.other.get(f"{PAGE}?as-at={time.strftime('%Y-%m-%d')}")  # made now, of the state there is
        assert fresh.status in (200, 302)
    finally:
        machines.on_replica("SELECT pg_wal_replay_resume()")
        machines.site.sql("ALTER SYSTEM RESET synchronous_commit")
        machines.site.sql("SELECT pg_reload_conf()")
    until(lambda: machines.edition(machines.other) == 11)
    assert machines.other.get(PAGE, **{"If-None-Match": tag}).status == 200


def test_every_public_address_is_made_from_the_replica_alone(machines: Machines) -> None:
    """The database itself writes down what it is asked meanwhile."""
    addresses, log = machines.one.published(), machines.site.database.folder / "log"
    its_own = [machines.one.process.pid, *machines.one.workers]
    for pid in its_own:  # it reads there, too: for its copies
        os.kill(pid, signal.SIGSTOP)
    try:
        machines.site.sql("ALTER SYSTEM SET log_statement = 'all'")
        machines.site.sql("SELECT pg_reload_conf()")
        until(lambda: machines.site.sql("SHOW log_statement") == [("all",)])
        begun = log.stat().st_size
        for address in addresses:
            assert machines.other.get(address).status == 200, address
        assert machines.other.get("/admin/login/").status == 200
        asked = log.read_text()[begun:]
    finally:
        machines.site.sql("ALTER SYSTEM RESET log_statement")
        machines.site.sql("SELECT pg_reload_conf()")
        for pid in its_own:
            os.kill(pid, signal.SIGCONT)
    assert "newsroom_apply_due" in asked  # the admin's page is made there, and so the log tells what is asked
    assert not re.findall(r".*\b(?:regions|programmes|meetings|testimonials)_\w+.*", asked)


def test_the_replica_takes_over_and_nothing_acknowledged_is_lost(machines: Machines) -> None:
    made = machines.site
    acts = ("publish", "correct", "load")
    journals = [made.folder / f"journal-{name}" for name in acts]
    command = [sys.executable, "-m", "tests.faults.writers", str(made.folder), *acts]
    with subprocess.Popen(command, cwd=ROOT, env=made.environment, stdin=subprocess.PIPE) as process:
        time.sleep(6)
        until(lambda: all(journal.exists() and journal.stat().st_size for journal in journals))  # a slow machine takes longer
        made.database.kill()
        time.sleep(1)
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(60)
    until(lambda: machines.other.get("/admin/login/").status == 503)
    live = machines.other.get(PAGE)
    assert live.status == 200 and "Figures as of" not in live.text  # its pages go on from the replica
    machines.replica.promote()
    environment = made.environment | {"DATABASE_URL": machines.replica.url}
    taken_over = Site(machines.replica, made.folder, environment)
    told = json.loads(taken_over.script("checked", str(made.folder)))
    assert not any(told["lost"].values()) and told["halves"] == []
    assert all(told["promised"][name] for name in acts)
    with served(environment, made.folder) as (port, process_of_it):
        alone = Served(port, process_of_it)
        assert "Edition 11" in alone.get(PAGE).text
        taken_over.sql("UPDATE regions_region SET lead_en = 'Edition 12' WHERE slug = 'katanga'")
        assert "Edition 12" in alone.get(PAGE).text
    with suppress(subprocess.CalledProcessError):
        made.database.start()
    record("faults", "promotion", acknowledged=told["promised"], lost=0, half=0)
