"""DATABASE_URL at the oldest Postgres that the site supports. `make test` runs the other tests against it, too."""

import re
import urllib.request
from pathlib import Path

import pytest

from tests.setup.machine import copy_tree, environment, make, open_folder, site
from tests.setup.throwaway import server

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not (POSTGRES_15 / "initdb").exists(), reason="Debian's postgresql-15 is not installed"),
]


def test_the_site_runs_on_it() -> None:
    with open_folder() as outer, server(POSTGRES_15) as started:
        tree = copy_tree(outer / "site")
        theirs = environment(DATABASE_URL=started.url)
        with site(tree, env=theirs) as one:
            said = one.wait_until_up()
            assert "Postgres    15." in said
            assert said.count("(DATABASE_URL)") == 1
            with urllib.request.urlopen(f"http://127.0.0.1:{one.port}/", timeout=30) as page:
                assert b"<h1" in page.read()
        assert re.search(r"user staff-[0-9a-f]{6}, password", make(tree, "superuser", env=theirs).stdout)
        assert not (tree / ".local" / "postgres").exists()


def test_commands_before_the_first_run_say_so() -> None:
    with open_folder() as outer, server(POSTGRES_15) as started:
        said = make(copy_tree(outer / "site"), "superuser", env=environment(DATABASE_URL=started.url))
        assert "CommandError: The database has no tables of this site yet: use `make run` first." in said.stdout
