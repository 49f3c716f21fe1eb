"""Scope, expiry and user of the client's own token, as the controller reports them (ADR 17)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aap_pipeline.controller import paging
from aap_pipeline.controller.answers import parse_moment
from aap_pipeline.controller.auth import TokenEnd
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import ControllerError
from aap_pipeline.controller.paging import Row

_CLOCKS_APART = timedelta(minutes=1)
"""Tolerated difference between the clocks of a controller's nodes."""


def token_end(client: ControllerClient) -> TokenEnd | None:
    """Return when the client's access token expires; None if the controller does not report it. Two requests."""
    return end_of(tokens_in_use(client), client.controller_now())


def account(client: ControllerClient, root: str = "") -> Row | None:
    """Return the token's user from `me/` below `root`, if it is there."""
    users = client.get(f"{root}me/").body.get("results")
    return users[0] if isinstance(users, list) and users and isinstance(users[0], dict) else None


def is_auditor(user: Row) -> bool:
    return bool(user.get("is_system_auditor") or user.get("is_platform_auditor"))


def sees_every_job(client: ControllerClient) -> bool | None:
    """Return whether the token's user is an administrator or auditor; None if the controller does not report it."""
    user = account(client)
    return None if user is None else bool(user.get("is_superuser")) or is_auditor(user)


def tokens_in_use(client: ControllerClient) -> list[Row]:
    """Return the user's tokens that were used within the last minute: the client's own, and rarely others.

    The API does not report which token sends a request, but it stores and filters by each token's last use. Empty if
    the controller does not list tokens, for example because it shows them to administrators only.
    """
    root = "/api/gateway/v1/" if client.product().behind_gateway else ""
    since = client.controller_now() - _CLOCKS_APART
    try:
        user = (account(client, root) or {}).get("id")
        if type(user) is not int:
            return []
        rows = paging.whole(client, f"{root}tokens/", {"user": user, "last_used__gte": since})
    except ControllerError:
        return []  # other requests find out whether the token is accepted
    return [row for row in rows if isinstance(row, dict) and row.get("user") == user]


def end_of(rows: Sequence[Row], now: datetime) -> TokenEnd | None:
    """Return the latest expiry in `rows`, one of which is the token. It is exact if all expiries are equal."""
    alive: dict[datetime, datetime | None] = {}
    for row in rows:
        end = parse_moment(row.get("expires"))
        if end is None:
            return None
        if end > now:
            alive[end] = parse_moment(row.get("created"))
    return TokenEnd(max(alive), len(alive) == 1, alive[max(alive)]) if alive else None
