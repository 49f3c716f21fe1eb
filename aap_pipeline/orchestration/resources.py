"""Dagster resources. They open nothing until they are used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

from dagster import ConfigurableResource

from aap_pipeline.database.connection import Connection, clear_errors, connect
from aap_pipeline.database.encryption import Cipher, cipher
from aap_pipeline.database.migrate import state_of
from aap_pipeline.embedded.shared_server import kept_server
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame


class Warehouse(ConfigurableResource):  # type: ignore[type-arg]
    """The PostgreSQL in `AAP_PIPELINE_DATABASE_URL`, or the embedded server, which is started if none runs."""

    def url(self) -> str:
        """Return the libpq URL with the password. Raises DatabaseUnreachable if no server can be started."""
        settings = Settings()
        if settings.database_url is not None:
            return settings.database_url.get_secret_value()
        return kept_server(settings.postgres_directory)

    def cipher(self) -> Cipher:
        return cipher(Settings())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection that commits at the end of the block and rolls back after an error.

        Raises PipelineError unless the database has this release's schema; errors in the block as `clear_errors` does.
        """
        with clear_errors(), connect(url := self.url()) as connection:
            state_of(connection, url).require_newest()
            yield connection

    def frame(self, query: LiteralString, parameters: Mapping[str, object] | None = None) -> "DataFrame":
        """Return the rows of the read-only `query` with PostgreSQL's column names. Money stays Decimal.

        For assets of other code locations. `parameters` fill `%(name)s` in the query.
        """
        from pandas import DataFrame

        with connect(self.url()) as connection:
            connection.read_only = True
            cursor = connection.execute(query, parameters)
            return DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


Progress = Callable[[str, str, int, int], None]
"""Notes that of a cluster so many jobs, of so many, have passed a stage (raw, core or marts)."""


def no_progress(*_: object) -> None:
    """Ignore the progress of runs that Dagster starts, whose own log shows it."""
