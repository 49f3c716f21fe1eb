"""Exchange a refresh token for a new pair of tokens (RFC 6749 section 6). The controller rotates both."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import redirect_error
from aap_pipeline.controller.auth import Tokens, unsendable
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.retry import backoff
from aap_pipeline.controller.transport import RawAnswer, Transport, basic_credentials, decoded_object


def exchange_tokens(
    transport: Transport, token_path: str, tokens: Tokens, settings: ClientSettings, endpoint: Endpoint
) -> Tokens:
    """Return the new pair, with the client credentials of the old.

    The request is tried twice. If a response is lost, the controller may have replaced the pair. Sending the refresh
    token once more is safe, because a used one is only rejected.
    Raises AuthenticationError, RefreshOutcomeUnknown, the errors of a redirect, Unreachable, TlsError.
    """
    where, remedy = endpoint.base_url, _remedy(endpoint)
    if not tokens.refresh:
        raise errors.AuthenticationError(
            f"{where} rejects the access token, which is expired, revoked or mistyped, and no refresh token is stored. "
            f"{remedy}"
        )
    if not tokens.client_id:
        raise errors.AuthenticationError(
            f"{where} rejects the access token, and it cannot be refreshed without the client_id of the OAuth "
            f"application. Store that with {endpoint.update('--client-id ID --client-secret-file FILE')}. Or: {remedy}"
        )
    if any(tokens.faults()):
        raise unsendable(tokens, endpoint)
    headers = {
        "Accept": "application/json",
        "Authorization": basic_credentials(tokens.client_id, tokens.client_secret),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens.refresh}).encode("ascii")
    lost = False
    for attempt in (1, 2):
        try:
            answer = transport.send("POST", token_path, headers, form)
        except errors.NotSent:
            if attempt == 2 and not lost:
                raise
        except (errors.Unreachable, errors.CorruptBody, errors.BodyTooLarge) as error:
            lost, failure = True, error.cause
        else:
            if answer.status not in (408, 429) and answer.status < 500:
                return _renewed(answer, token_path, tokens, endpoint)
            lost, failure = True, f"HTTP {answer.status}"
        if attempt == 1:
            settings.sleep(backoff(1, settings.backoff_base, settings.backoff_cap, settings.uniform))
    raise errors.RefreshOutcomeUnknown(
        f"Two requests to renew the tokens of {where} got no response ({failure}), so it is unknown whether they were "
        f"replaced. Try again when the controller works. If it then rejects the refresh token: {remedy}"
    )


def _renewed(answer: RawAnswer, token_path: str, tokens: Tokens, endpoint: Endpoint) -> Tokens:
    where, remedy = endpoint.base_url, _remedy(endpoint)
    body = decoded_object(answer.body) or {}
    if answer.status in (200, 201):
        access, refresh = body.get("access_token"), body.get("refresh_token", tokens.refresh)
        if isinstance(access, str) and access and isinstance(refresh, str):
            renewed = replace(tokens, access=access, refresh=refresh)
            if not any(renewed.faults()):
                return renewed
        raise errors.RefreshOutcomeUnknown(f"{where} returned no usable access token for the refresh token. {remedy}")
    if 300 <= answer.status < 400:
        raise redirect_error(answer, endpoint, token_path, tokens.refresh)
    raise errors.AuthenticationError(f"{where} {_refusal(answer.status, body)} {remedy}")


def _remedy(endpoint: Endpoint) -> str:
    return (
        "Create a new token at the controller (your user → Tokens) and store it with "
        f"{endpoint.update('--token-file FILE')}."
    )


def _refusal(status: int, body: dict[str, Any]) -> str:
    error = body.get("error")
    if status == 401 or error == "invalid_client":
        return (
            f"rejects the OAuth application (HTTP {status}). Correct client_id and client_secret, or use a personal "
            "token."
        )
    if status == 403:
        return "forbids the token refresh (HTTP 403): the refresh token has expired."
    if error == "invalid_grant":
        return (
            "rejects the refresh token (HTTP 400 invalid_grant): it was revoked, belongs to another application, or "
            "was used before, perhaps in a request whose response was lost."
        )
    return f"rejects the token refresh (HTTP {status})."
