"""The exchange of a refresh token for a new pair of tokens (RFC 6749 section 6); the controller rotates both."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aap_pipeline.controller.auth import Tokens
from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.controller.errors import (
    AuthenticationError,
    BodyTooLarge,
    CorruptBody,
    Maintenance,
    NotSent,
    RefreshOutcomeUnknown,
    Unreachable,
)
from aap_pipeline.controller.retry import backoff
from aap_pipeline.controller.transport import RawAnswer, Transport, decode

_ATTEMPTS = 3
_REMEDY = (
    "Create a new token at the controller (user → Tokens, or the application's) and store it: `aap-pipeline "
    "clusters add` with the same --name, or `clusters import`."
)


def exchange_tokens(
    transport: Transport, token_path: str, tokens: Tokens, settings: ClientSettings, where: str
) -> Tokens:
    """The new pair, with the client credentials of the old.

    A request that never left is tried up to 3 times. When an answer is lost, the controller may have replaced the pair:
    the refresh token is then sent once more and not again. That is safe, for a used one is only declined.
    Raises AuthenticationError, RefreshOutcomeUnknown, Maintenance, Unreachable, TlsError.
    """
    if not tokens.refresh:
        raise AuthenticationError(
            f"{where} does not accept the access token, which is expired, revoked or mistyped, and no refresh token "
            f"is stored. {_REMEDY}"
        )
    if not tokens.client_id:
        raise AuthenticationError(
            f"{where} does not accept the access token, and it cannot be refreshed without client_id. Add client_id "
            f"and client_secret of the OAuth application, or: {_REMEDY}"
        )
    lost = 0
    for attempt in range(1, _ATTEMPTS + 1):
        if attempt > 1:
            settings.sleep(backoff(attempt - 1, settings.backoff_base, settings.backoff_cap, settings.uniform))
        try:
            answer = _post(transport, token_path, tokens)
        except NotSent:
            if attempt == _ATTEMPTS:
                raise
            continue
        except (Unreachable, CorruptBody, BodyTooLarge) as error:
            failure = error.cause
        else:
            if answer.status not in (408, 429) and answer.status < 500:
                return _renewed(answer, tokens, where, lost=lost > 0)
            failure = f"HTTP {answer.status}"
        lost += 1
        if lost > 1:
            break
    raise RefreshOutcomeUnknown(
        f"The tokens of {where} were sent for renewal twice, and no answer arrived ({failure}). It is unknown "
        "whether they were replaced. "
        f"Run again once the controller is well; if it then declines the refresh token: {_REMEDY}"
    )


def _post(transport: Transport, token_path: str, tokens: Tokens) -> RawAnswer:
    client = base64.b64encode(f"{tokens.client_id}:{tokens.client_secret}".encode()).decode("ascii")
    headers = {
        "Accept": "application/json",
        "Authorization": f"Basic {client}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh}).encode("ascii")
    return transport.send("POST", token_path, headers, form)


def _renewed(answer: RawAnswer, tokens: Tokens, where: str, *, lost: bool) -> Tokens:
    body = _json_object(answer.body)
    if answer.status in (200, 201):
        access, refresh = body.get("access_token"), body.get("refresh_token", tokens.refresh)
        if isinstance(access, str) and access and isinstance(refresh, str):
            return replace(tokens, access=access, refresh=refresh)
        raise RefreshOutcomeUnknown(f"{where} answered the token refresh without a usable access token. {_REMEDY}")
    if 300 <= answer.status < 400:
        raise Maintenance(
            f"{where} redirects the token refresh to another page: the controller is being upgraded, or a log-in page "
            "stands in front of it. Try again when its web interface works.",
            cause="maintenance",
        )
    if answer.status == 400 and lost:
        raise AuthenticationError(
            f"The answer to a token refresh of {where} was lost on the way, and the tokens had already been "
            f"replaced. {_REMEDY}"
        )
    raise AuthenticationError(f"{where} {_refusal(answer.status, body)} {_REMEDY}")


def _refusal(status: int, body: dict[str, Any]) -> str:
    error = body.get("error")
    if status == 401 or error == "invalid_client":
        return (
            f"does not know the OAuth application (HTTP {status}): correct client_id and client_secret, or take a "
            "token of your own."
        )
    if status == 403:
        return "forbids the token refresh (HTTP 403): the refresh token has expired."
    if error == "invalid_grant":
        return (
            "declines the refresh token (HTTP 400 invalid_grant): it was used before, revoked, or belongs to "
            "another application."
        )
    if status == 404:
        return "offers no token refresh at this path (HTTP 404)."
    return f"declines the token refresh (HTTP {status})."


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = decode(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
