"""Quarantine documents that cannot become raw rows. The reasons are in `records.py` (`Refused`)."""

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def quarantine(connection: Connection, cluster_id: int, **record: object) -> None:
    """Quarantine a document that the raw table cannot hold (JSONB rejects the NUL character). The caller commits.

    `record` has kind, external_id, reason, message and document, and may have fingerprint and provisional.
    `core.rejected.replay` stores it if the fields that core reads are valid.
    """
    values = {"fingerprint": None, "provisional": False, "cluster_id": cluster_id, **record}
    connection.execute(statement("documents/quarantine"), values)
