"""Quarantine documents that cannot become raw rows. The reasons are in `records.py` (`Refused`)."""

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def quarantine(
    connection: Connection,
    cluster_id: int,
    *,
    kind: str,
    external_id: int | None,
    reason: str,
    message: str,
    document: str,
    fingerprint: bytes | None = None,
    provisional: bool = False,
) -> None:
    """Quarantine a document that the raw table cannot hold (JSONB rejects the NUL character). The caller commits.

    `core.rejected.replay` stores it if the fields that core reads are valid.
    """
    values = {
        "cluster_id": cluster_id,
        "kind": kind,
        "external_id": external_id,
        "reason": reason,
        "message": message,
        "document": document,
        "fingerprint": fingerprint,
        "provisional": provisional,
    }
    connection.execute(statement("documents/quarantine"), values)
