"""What became of it: python -m tests.faults.checked FOLDER prints, as JSON, what the journals promise and what is there."""

import json
import os
import sys
import time
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - after the apps are ready

from meetings import files  # noqa: E402
from tests.faults.acts import ACTS, halves, there  # noqa: E402


def told(folder: Path) -> dict[str, object]:
    promised, lost = {}, {}
    for name in ACTS:
        journal = folder / f"journal-{name}"
        numbers = {int(line) for line in journal.read_text().split()} if journal.exists() else set()
        promised[name], lost[name] = len(numbers), sorted(numbers - there(name))
    for path in Path(os.environ["MEDIA_ROOT"]).rglob("*.pdf"):
        os.utime(path, (time.time() - 7200,) * 2)  # as if an hour had gone by since
    swept = len(files.sweep())
    call_command("verify_trail", stdout=sys.stderr)
    return {"promised": promised, "lost": lost, "halves": halves(), "swept": swept}


if __name__ == "__main__":
    sys.stdout, out = sys.stderr, sys.stdout
    json.dump(told(Path(sys.argv[1])), out)
