"""A process that uses the local server, as a script: each line it reads is a token it records; it answers with a line of JSON.

Arguments: the server's folder. The answer: `backend` (the process number of its session), `tokens` (all recorded), or `error`.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from django.conf import settings

from itsci_site.lib import localdb

settings.configure(DATABASES={"default": localdb.database(Path(sys.argv[1]))})

import django  # noqa: E402 - after its settings

django.setup()

from django.db import OperationalError, connection  # noqa: E402


def record(token: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        cursor.execute("CREATE TABLE IF NOT EXISTS told (token text PRIMARY KEY)")
        cursor.execute("SELECT pg_advisory_unlock(1)")
        cursor.execute("INSERT INTO told VALUES (%s) ON CONFLICT DO NOTHING", [token])
        cursor.execute("SELECT pg_backend_pid(), array_agg(token ORDER BY token) FROM told")
        backend, tokens = cursor.fetchone()
    return {"backend": backend, "tokens": tokens}


def answer(token: str) -> dict[str, Any]:
    """Like a site under way: a session that its server lost fails once, and the next request connects anew."""
    error = ""
    for _try in range(6):
        try:
            return record(token)
        except OperationalError as caught:
            error = str(caught)
            connection.close()
    return {"error": error}


for line in sys.stdin:
    print(json.dumps(answer(line.strip())), flush=True)
