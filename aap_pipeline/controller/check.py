"""Check whether a controller can be read, and report what to fix."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aap_pipeline.controller import errors
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.own_token import account, end_of, is_auditor, tokens_in_use
from aap_pipeline.controller.paging import PAGE_SIZE, Row, id_of, ids_of, last_id, may_be_too_much
from aap_pipeline.controller.probe import TESTED

Outcome = Literal["ok", "warning", "failed"]
_SKEW_WARNING = 60.0  # seconds; the overlap of 10 minutes covers more, but the lifetime of tokens does not


@dataclass(frozen=True)
class Finding:
    """One line of `clusters check`."""

    name: str
    outcome: Outcome
    sentence: str
    remedy: str = ""


def check(client: ControllerClient) -> Iterator[Finding]:
    """Run all checks in order, and stop at the first failure that prevents the rest.

    Use a client with few retries, because a dead controller takes all of them.
    """
    name = "reachable"
    try:
        product = client.product()
        yield _found(name, f"{client.base_url} is reachable.")
        yield _tls(client)
        yield _found("version", f"It is {product.label} (reported version {product.version}).")
        if not product.label.startswith(TESTED):
            sentence = f"{product.label} is not a tested release ({', '.join(TESTED)}), but its API looks the same."
            yield _found("version", sentence, "Watch the first sync, and report problems as an issue.")
        path = client.endpoint.path
        paths = f"The API is at {path}{product.api_prefix}; tokens are renewed at {path}{product.token_path}."
        yield _found("prefix", paths)
        yield _skew(client)
        name = "token"
        user = account(client) or {}
        yield _token(client, user)
        yield from _own_token(client)
        name = "jobs"
        api = ControllerApi(client)
        jobs = api.jobs_count()
        yield _visible(client, jobs, all_seeing=bool(user.get("is_superuser")) or is_auditor(user))
    except errors.ControllerError as error:
        certificate = isinstance(error, errors.TlsError | errors.BadEndpoint)
        yield _failed("tls" if certificate else name, error)
        return
    if not jobs:
        return
    listed: list[Row] = []
    for name, find in (("lists", _lists), ("page", _page), ("host summaries", _summaries)):
        try:
            yield find(api, listed)
        except errors.ControllerError as error:
            yield _failed(name, error)


def _tls(client: ControllerClient) -> Finding:
    endpoint = client.endpoint
    if endpoint.exposes_token:
        return _found(
            "tls",
            "The connection is not encrypted, so the token crosses the network in clear text.",
            f"Use https with {endpoint.update(f'--url {endpoint.encrypted_url}')}.",
        )
    if endpoint.protocol == "http":
        return _found("tls", "The connection is not encrypted, but does not leave this machine.")
    if not endpoint.verify_ssl:
        return _found(
            "tls",
            "The certificate is not verified, so an attacker on the network can read the token.",
            f"Trust the CA that signed it with {endpoint.update('--verify-ssl --ca-bundle FILE')}.",
        )
    return _found("tls", "The certificate is trusted.")


def _skew(client: ControllerClient) -> Finding:
    skew = client.clock_skew()
    if skew is None:
        return _found(
            "clock",
            "The responses have no Date header, so this machine's clock is used instead of the controller's.",
            "Configure the proxies in between to keep the Date header.",
        )
    text = f"The controller's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's."
    if abs(skew) > _SKEW_WARNING:
        return _found(
            "clock",
            text,
            "Synchronize both clocks by NTP. No job is lost meanwhile, because windows follow the controller's clock.",
        )
    return _found("clock", text if abs(skew) >= 2 else "The controller's clock agrees with this machine's.")


def _token(client: ControllerClient, user: Row) -> Finding:
    name = user.get("username")
    if user.get("is_superuser"):
        return _found(
            "token",
            f"The token belongs to {name}, a system administrator, and allows more than reading.",
            f"Use the token of a {_auditor(client)}.",
        )
    if is_auditor(user):
        return _found("token", f"The token belongs to {name}, an auditor, and can read every job.")
    return _found(
        "token",
        f"The token belongs to {name}, an ordinary user. Jobs without a role for {name} are missing from the savings.",
        f"Make {name} a {_auditor(client)}.",
    )


def _auditor(client: ControllerClient) -> str:
    """Return this product's name of the role that can read every job and change nothing."""
    return "Platform Auditor" if client.product().behind_gateway else "System Auditor"


def _own_token(client: ControllerClient) -> Iterator[Finding]:
    """Yield findings on scope and expiry of the token, if the controller reports them."""
    rows = tokens_in_use(client)
    scopes = {str(row.get("scope")) for row in rows}
    if not scopes:
        yield _found("scope", "The token can read. The controller does not report whether it can write.")
    elif scopes == {"read"}:
        yield _found("scope", "The token's scope is read.")
    else:
        yield _found(
            "scope",
            "The token, or another one that its user used within the last minute, has scope write, which is not "
            "needed.",
            f"Create a token with scope read and store it with {client.endpoint.update('--token-file FILE')}.",
        )
    if end := end_of(rows, client.controller_now()):
        by = "on" if end.exact else "by"
        yield _found("token expiry", f"The token expires {by} {end.at:%Y-%m-%d %H:%M} UTC.")


def _visible(client: ControllerClient, jobs: int, *, all_seeing: bool) -> Finding:
    if jobs:
        return _found("jobs", f"{jobs:,} finished jobs are visible.")
    if all_seeing:
        return _found("jobs", "The controller has no finished job yet.")
    remedy = f"Make the user a {_auditor(client)}, unless no job has run yet."
    return _found("jobs", "No finished job is visible to the token's user.", remedy)


def _lists(api: ControllerApi, _: list[Row]) -> Finding:
    templates, organizations = api.job_templates(), api.organizations()
    sentence = f"Readable: organizations ({len(organizations):,}), job templates ({len(templates):,})."
    return _found("lists", sentence)


def _page(api: ControllerApi, listed: list[Row]) -> Finding:
    """Check that the controller returns a page as a first sync reads it; add its rows to `listed`."""
    try:
        listed += api.jobs_page(None, None)[0]
        if numbers := ids_of(listed):
            api.unreported_job_ids(min(numbers) - 1, max(numbers))
    except errors.ControllerError as error:
        if not may_be_too_much(error):
            raise
        listed += api.jobs_page(None, None, limit=1)[0]
        return _found(
            "page",
            f"{_parted(error)[0]} A page of one job works, so syncs will read pages of fewer than {PAGE_SIZE} jobs, "
            "which takes longer.",
            "Raise the time limit of the proxies in front of the controller.",
        )
    return _found("page", f"The controller returned a page (jobs: {len(listed)}).")


def _summaries(api: ControllerApi, listed: list[Row]) -> Finding:
    """Read the host summaries of the last job of `listed`, or else of the newest job."""
    number = last_id(listed) or id_of(api.first_job("-finished"))
    if number is None:
        return _found("host summaries", "The visible jobs were deleted during the check.", "Check again.")
    api.host_summaries(number)
    return _found("host summaries", "Host summaries can be read.")


def _found(name: str, sentence: str, remedy: str = "") -> Finding:
    """Return a warning if there is a remedy, else that all is well."""
    return Finding(name, "warning" if remedy else "ok", sentence, remedy)


def _failed(name: str, error: errors.ControllerError) -> Finding:
    return Finding(name, "failed", *_parted(error))


def _parted(error: errors.ControllerError) -> tuple[str, str]:
    sentence, separator, remedy = str(error).rpartition(". ")
    return (f"{sentence}.", remedy) if separator else (remedy, "")
