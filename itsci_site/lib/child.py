"""A function in an interpreter of its own, within bounds: how files from outside are read.

The child is started anew, not forked, and knows neither settings nor database. It bounds its own memory and time before it
reads a byte; the parent waits no longer and takes no more than it said. A file made to burst what reads it bursts the child,
and the site does not notice.
"""

import gc
import json
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""What the child gets of the environment: neither keys nor the database's address are its business."""
OUT_OF_MEMORY = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    memory: int
    """Bytes of address space."""
    cpu: int
    """Seconds of the processor."""
    wall: float
    """Seconds by the clock, from the call until it is given up: more than `cpu`, so that on a machine with nothing else to do
    the file is at fault and not the clock."""
    answer: int
    """Bytes of the JSON that comes back."""


class Burst(Exception):
    """The child did not answer within its bounds. `bound` says which it met: memory, time (of the processor), clock (the
    machine was busy) or answer; else broken."""

    def __init__(self, bound: str) -> None:
        super().__init__(bound)
        self.bound = bound


def run(function: str, content: bytes, bounds: Bounds, **arguments: Any) -> Any:
    """What `function` ("package.module:name") makes of the content: anything JSON holds. Raises Burst, and OSError."""
    deadline = time.monotonic() + bounds.wall
    order = {"function": function, "memory": bounds.memory, "cpu": bounds.cpu, "arguments": arguments}
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-s", "-B", "-m", "itsci_site.lib.child", json.dumps(order)],
            stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
            env={name: os.environ[name] for name in KEPT if name in os.environ} | {"PYTHONUTF8": "1"},
        )  # fmt: skip
        with child:
            assert child.stdout  # noqa: S101 - a pipe was asked for
            try:
                answer = _answer(child.stdout, deadline, bounds.answer)
            except Burst:
                child.kill()
                raise
    if child.returncode:
        raise Burst({OUT_OF_MEMORY: "memory"}.get(child.returncode, "time" if child.returncode < 0 else "broken"))
    return json.loads(answer)


def _answer(pipe: IO[bytes], deadline: float, most: int) -> bytes:
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise Burst("clock")
            piece = os.read(pipe.fileno(), 1 << 16)
            if not piece:
                return answer
            answer += piece
            if len(answer) > most:
                raise Burst("answer")


def main() -> None:
    gc.disable()  # it ends in seconds: looking for circles would take a third of the time that a PDF of many objects has
    order = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu"], order["cpu"]))
    for bound in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(bound, (0, 0))
    try:
        module, _colon, name = order["function"].partition(":")
        answer = getattr(import_module(module), name)(sys.stdin.buffer.read(), **order["arguments"])
        sys.stdout.write(json.dumps(answer, ensure_ascii=False))
        sys.stdout.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
