"""The way into quarantine: documents that cannot be stored as they are, whole, with the reason."""

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
    """Keep a document that cannot even become a raw row (JSONB takes no NUL character); the caller commits.

    `core.rejected.replay` stores it if stage core does not need what the raw table could not hold.
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
