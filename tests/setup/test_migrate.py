"""A migration that meets somebody at a table."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from itsci_site.lib import pulse
from itsci_site.management.commands import migrate

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_gives_up_before_readers_wait_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "PATIENCE", "200ms")
    with pulse.connected("default") as other, other.transaction():
        other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CommandError, match=r"waited for no longer than 200ms.*Run it again\.$"):
            call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
    call_command("migrate", verbosity=0)
