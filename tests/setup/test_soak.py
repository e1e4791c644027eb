"""Many users of the local server that come, go and are killed while the server and its supervisor are killed, too.

A short round with the other tests; `make soak` is the long one.
"""

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.machine import Client, alive, environment, open_folder, parent, servers, wait_until_stopped

ROUNDS = 400 if os.environ.get("SOAK") else 25


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as outer:
        yield outer / "postgres"


@pytest.mark.parametrize("seed", [1, 2])
def test_coming_going_and_killing(folder: Path, seed: int) -> None:
    """What was answered is kept, there is never a second server on the data, and in the end nothing runs."""
    chance = random.Random(seed)
    clients: list[Client] = []
    promised: set[str] = set()
    try:
        for round_ in range(ROUNDS):
            act = chance.choice(["come", "come", "close", "kill", "kill server", "kill supervisor", "all go", "tell"])
            if act == "come" and len(clients) < 6:
                clients.append(Client(folder, env=environment()))
            elif act in ("close", "kill") and clients:
                getattr(clients.pop(chance.randrange(len(clients))), act)()
            elif act.startswith("kill s"):
                for server in servers(folder):
                    with contextlib.suppress(OSError):  # it may be on its way out
                        victim = server if act == "kill server" else parent(server)
                        if victim > 1:
                            os.kill(victim, signal.SIGKILL)
            elif act == "all go" and chance.random() < 0.5:
                while clients:
                    getattr(clients.pop(), chance.choice(["close", "kill"]))()
                if chance.random() < 0.5:
                    wait_until_stopped(folder)
            for number, one in enumerate(clients):
                one.send(f"{round_}.{number}")
            for number, one in enumerate(clients):
                answer = one.receive()
                assert "error" not in answer, (round_, act, answer)
                promised.add(f"{round_}.{number}")
            running = servers(folder)
            assert len([server for server in running if alive(server)]) <= 1, (round_, act, running)
        clients.append(Client(folder))
        assert promised <= set(clients[-1].tell("last")["tokens"])
    finally:
        for one in clients:
            one.kill()
    wait_until_stopped(folder)
