"""What a controller tells of the token that asks it: its scope, and when it ends (ADR 17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aap_pipeline.controller import paging
from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.auth import TokenEnd
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.controller.paging import Row

_CLOCKS_APART = timedelta(minutes=1)
"""By how much the clocks of a controller's nodes may differ."""


def token_end(client: ControllerClient) -> TokenEnd | None:
    """When the client's access token ends; None where the controller does not tell. Two requests."""
    return end_of(tokens_in_use(client), client.controller_now())


def account(client: ControllerClient, root: str = "") -> Row | None:
    """The token's user, as `me/` below `root` shows it; None where it does not."""
    users = client.get(f"{root}me/").body.get("results")
    return users[0] if isinstance(users, list) and users and isinstance(users[0], dict) else None


def is_auditor(user: Row) -> bool:
    """Whether a user has the role that sees every run and changes nothing, by either product's name."""
    return bool(user.get("is_system_auditor") or user.get("is_platform_auditor"))


def sees_every_job(client: ControllerClient) -> bool | None:
    """Whether the token's user is an administrator or an auditor; None where the controller does not tell."""
    user = account(client)
    return None if user is None else bool(user.get("is_superuser")) or is_auditor(user)


def tokens_in_use(client: ControllerClient) -> list[Row]:
    """The rows of the user's tokens that were used within the last minute: of the one that asks, mostly of no other.

    A list of tokens does not say which of them is asking, but each use is noted in its row, and can be filtered by.
    Empty where the controller does not tell: its API may be another, or show tokens to administrators only.
    """
    root = "/api/gateway/v1/" if client.product().behind_gateway else ""
    since = client.controller_now() - _CLOCKS_APART
    try:
        user = (account(client, root) or {}).get("id")
        if type(user) is not int:
            return []
        rows = paging.whole(client, f"{root}tokens/", {"user": user, "last_used__gte": since})
    except ControllerError:
        return []  # whether it takes the token at all is another question's answer
    return [row for row in rows if isinstance(row, dict) and row.get("user") == user]


def end_of(rows: Sequence[Row], now: datetime) -> TokenEnd | None:
    """When the token ends that is one of `rows`: by the latest of their ends, exactly then if there is no other end."""
    alive: dict[datetime, datetime | None] = {}
    for row in rows:
        end = parse_moment(row.get("expires"))
        if end is None:
            return None
        if end > now:
            alive[end] = parse_moment(row.get("created"))
    return TokenEnd(max(alive), len(alive) == 1, alive[max(alive)]) if alive else None
