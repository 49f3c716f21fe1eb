"""The exchange of a refresh token for a new pair of tokens (RFC 6749 section 6); the controller rotates both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aap_pipeline.controller.auth import Tokens, unsendable
from aap_pipeline.controller.config import ClientSettings, Endpoint
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
from aap_pipeline.controller.transport import RawAnswer, Transport, basic_credentials, decode

_ATTEMPTS = 3


def exchange_tokens(
    transport: Transport, token_path: str, tokens: Tokens, settings: ClientSettings, endpoint: Endpoint
) -> Tokens:
    """The new pair, with the client credentials of the old.

    A request that never left is tried up to 3 times. When an answer is lost, the controller may have replaced the pair:
    the refresh token is then sent once more and not again. That is safe, for a used one is only declined.
    Raises AuthenticationError, RefreshOutcomeUnknown, Maintenance, Unreachable, TlsError.
    """
    where, remedy = endpoint.base_url, _remedy(endpoint)
    if not tokens.refresh:
        raise AuthenticationError(
            f"{where} does not accept the access token, which is expired, revoked or mistyped, and no refresh token "
            f"is stored. {remedy}"
        )
    if not tokens.client_id:
        raise AuthenticationError(
            f"{where} does not accept the access token, and it cannot be refreshed without client_id. Store that "
            f"of the OAuth application with {endpoint.update('--client-id ID --client-secret-file FILE')}. Otherwise: "
            f"{remedy}"
        )
    if any(tokens.faults()):
        raise unsendable(tokens, endpoint)
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
                return _renewed(answer, tokens, endpoint, lost=lost > 0)
            failure = f"HTTP {answer.status}"
        lost += 1
        if lost > 1:
            break
    raise RefreshOutcomeUnknown(
        f"The tokens of {where} were sent for renewal twice, and no answer arrived ({failure}). It is unknown "
        "whether they were replaced. "
        f"Run again once the controller is well; if it then declines the refresh token: {remedy}"
    )


def _post(transport: Transport, token_path: str, tokens: Tokens) -> RawAnswer:
    headers = {
        "Accept": "application/json",
        "Authorization": basic_credentials(tokens.client_id, tokens.client_secret),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh}).encode("ascii")
    return transport.send("POST", token_path, headers, form)


def _renewed(answer: RawAnswer, tokens: Tokens, endpoint: Endpoint, *, lost: bool) -> Tokens:
    where, remedy = endpoint.base_url, _remedy(endpoint)
    body = _json_object(answer.body)
    if answer.status in (200, 201):
        access, refresh = body.get("access_token"), body.get("refresh_token", tokens.refresh)
        if isinstance(access, str) and access and isinstance(refresh, str):
            renewed = replace(tokens, access=access, refresh=refresh)
            if not any(renewed.faults()):
                return renewed
        raise RefreshOutcomeUnknown(f"{where} answered the token refresh without a usable access token. {remedy}")
    if 300 <= answer.status < 400:
        raise Maintenance(
            f"{where} redirects the token refresh to another page: the controller is being upgraded, or a log-in page "
            "stands in front of it. Try again when its web interface works.",
            cause="maintenance",
        )
    if answer.status == 400 and lost:
        raise AuthenticationError(
            f"The answer to a token refresh of {where} was lost on the way, and the tokens had already been "
            f"replaced. {remedy}"
        )
    raise AuthenticationError(f"{where} {_refusal(answer.status, body)} {remedy}")


def _remedy(endpoint: Endpoint) -> str:
    return (
        "Create a new token at the controller (user → Tokens, or the application's) and store it with "
        f"{endpoint.update('--token-file FILE')}."
    )


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
