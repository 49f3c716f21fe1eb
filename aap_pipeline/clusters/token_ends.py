"""The expiry of each cluster's access token, and the warning before it (ADR 17)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aap_pipeline.controller.auth import TokenEnd
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


@dataclass(frozen=True)
class TokenState:
    """The access token of an enabled cluster.

    `asked_at`: when the expiry was last queried. `declined`: why the controller rejected the last renewal. `watermark`:
    finish time of the newest job synced.
    """

    cluster: int
    name: str
    access_token: bytes = field(repr=False)  # encrypted, as stored: identifies the token
    end: TokenEnd | None
    asked_at: datetime | None
    renewable: bool
    declined: str | None = None
    watermark: datetime | None = None


def token_states(connection: Connection) -> list[TokenState]:
    """Return the tokens of all enabled clusters, by name."""
    return [
        TokenState(cluster, name, token, TokenEnd(ends_at, exact) if ends_at else None, *rest)
        for cluster, name, token, ends_at, exact, *rest in connection.execute(statement("clusters/token_states"))
    ]


def token_warnings(connection: Connection, now: datetime) -> dict[str, str]:
    """Return {name: warning} of the enabled clusters whose token expires soon and cannot be renewed."""
    limit = notice(connection)
    found = {state.name: warning(state, now, limit) for state in token_states(connection)}
    return {name: text for name, text in found.items() if text is not None}


def notice(connection: Connection) -> timedelta:
    """Return the setting token_warning_days."""
    return timedelta(days=application_settings.read(connection).token_warning_days)


def tighter(known: TokenEnd | None, found: TokenEnd | None) -> TokenEnd | None:
    """Return the exact one of two expiries; of two exact or two approximate ones, the earlier."""
    answers = [each for each in (found, known) if each is not None]
    return min(answers, key=lambda each: (not each.exact, each.at), default=None)


def is_to_be_renewed(state: TokenState, end: TokenEnd | None, now: datetime, within: timedelta) -> bool:
    """Return whether to renew a token that still works, so that a rejected renewal is reported in time.

    False in the first half of the token's life, so that one that lives for hours is renewed only when rejected.
    """
    if not state.renewable or end is None or end.at - now > within:
        return False
    return end.created is None or now - end.created >= end.at - now


def warning(state: TokenState, now: datetime, within: timedelta) -> str | None:
    """Return the warning of a token that expires `within` and cannot be renewed; None for any other."""
    end = state.end
    if end is None or end.at - now > within or (state.renewable and state.declined is None):
        return None
    by = "on" if end.exact else "by"
    what = f"The access token expires {by} {end.at:%Y-%m-%d %H:%M} UTC. Syncs will fail from then on."
    if state.declined:
        return f"{what} It cannot be renewed: {state.declined}"
    return (
        f"{what} Create a new token at the controller and store it with `aap-pipeline clusters update {state.name} "
        "--token-file FILE`."
    )


def note_token_end(
    connection: Connection, state: TokenState, end: TokenEnd | None, asked_at: datetime, declined: str | None
) -> None:
    """Store the expiry, unless the cluster has another token by now. The caller commits."""
    values = {
        "cluster": state.cluster,
        "access_token": state.access_token,
        "ends_at": end.at if end else None,
        "exact": end is not None and end.exact,
        "asked_at": asked_at,
        "declined": declined,
    }
    connection.execute(statement("clusters/note_token_end"), values)
