"""Errors of the connection to PostgreSQL, its schema and the embedded server."""

from aap_pipeline.errors import PipelineError


class WarehouseError(PipelineError):
    """The database, its schema or its data directory cannot be used."""


class DatabaseUnreachable(WarehouseError):
    """No connection to PostgreSQL: the server, the address, the password or the certificate."""


class DatabaseRefused(WarehouseError):
    """PostgreSQL rejects a statement permanently: the role lacks a privilege, or the server is a standby."""


class WrongEncoding(WarehouseError):
    """The database's encoding is not UTF8."""


class EmbeddedServerError(WarehouseError):
    """The embedded PostgreSQL cannot start or cannot write its data."""


class DataDirectoryInUse(EmbeddedServerError):
    """Another running process uses the embedded server's data directory."""
