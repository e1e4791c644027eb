"""Django's Postgres backend, which first makes sure that the local server runs."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import base, client

from itsci_site.lib import localdb


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`, with the psql that came with the server."""

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        type(self).executable_name = localdb.bundled(self.connection.settings_dict["LOCAL_HOME"], "psql")
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        home = self.settings_dict["LOCAL_HOME"]
        localdb.hold(home)
        try:
            return super().get_new_connection(conn_params)
        except self.Database.OperationalError:  # not running, or starting; anything else comes up again below
            localdb.start(home)
            return super().get_new_connection(conn_params)
