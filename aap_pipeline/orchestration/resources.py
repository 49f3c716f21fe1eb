"""Dagster resources: thin, and nothing is opened before an asset or a sensor asks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString, Protocol

from dagster import ConfigurableResource

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.encryption import Cipher, cipher
from aap_pipeline.embedded.shared_server import kept_server
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame


class Warehouse(ConfigurableResource):  # type: ignore[type-arg]
    """The PostgreSQL that `AAP_PIPELINE_DATABASE_URL` names, or the embedded server, started where none runs."""

    def url(self) -> str:
        """libpq URL, with the password. Raises DatabaseUnreachable when no server is up and none can be started."""
        settings = Settings()
        if settings.database_url is not None:
            return settings.database_url.get_secret_value()
        return kept_server(settings.postgres_directory)

    def cipher(self) -> Cipher:
        """What decrypts the clusters' tokens."""
        return cipher(Settings())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection, committed at the end of the block, rolled back after an error."""
        with connect(self.url()) as connection:
            yield connection

    def frame(self, query: LiteralString, parameters: Mapping[str, object] | None = None) -> "DataFrame":
        """The rows of `query`, which may only read, with its columns as PostgreSQL names them; money stays Decimal.

        For assets of other code locations. `parameters` fill `%(name)s` in the query.
        """
        from pandas import DataFrame

        with self.connection() as connection:
            connection.read_only = True
            cursor = connection.execute(query, parameters)
            return DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


class ProgressListener(Protocol):
    """Who is told how a run comes along: the log of the run, or a person's terminal."""

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """`done` of `total` jobs of `cluster` have passed `stage` (raw, core or marts)."""


class SilentProgress:
    """The listener of runs that Dagster starts: their own log says how they come along."""

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Nothing."""
