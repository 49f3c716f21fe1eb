"""Check whether a controller can be read, and report what to fix."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from aap_pipeline.controller import errors
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.own_token import account, end_of, is_auditor, tokens_in_use
from aap_pipeline.controller.paging import PAGE_SIZE, Row, id_of, ids_of, last_id, may_be_too_much

Outcome = Literal["ok", "warning", "failed"]
_SKEW_WARNING = 60.0  # seconds; the overlap of 10 minutes covers more, but the lifetime of tokens does not


@dataclass(frozen=True)
class Finding:
    """One line of `clusters check`."""

    name: str
    outcome: Outcome
    sentence: str
    remedy: str = ""


def check(client: ControllerClient) -> list[Finding]:
    """Run all checks in order, and stop at the first failure that prevents the rest.

    Use a client with few retries, because a dead controller takes all of them.
    """
    return list(_findings(client))


def _findings(client: ControllerClient) -> Iterator[Finding]:
    try:
        product = client.product()
    except errors.ControllerError as error:
        certificate = isinstance(error, errors.TlsError | errors.BadEndpoint)
        yield Finding("tls" if certificate else "reachable", "failed", *_parted(error))
        return
    yield Finding("reachable", "ok", f"{client.base_url} is reachable.")
    yield _tls(client)
    yield Finding("version", "ok", f"It is {product.label} (reported version {product.version}).")
    yield _skew(client)
    try:
        all_seeing, who = _token(client)
    except errors.ControllerError as error:
        yield Finding("token", "failed", *_parted(error))
        return
    yield who
    yield from _own_token(client)
    yield from _visible(client, all_seeing)


def _tls(client: ControllerClient) -> Finding:
    endpoint = client.endpoint
    if endpoint.exposes_token:
        return Finding(
            "tls",
            "warning",
            "The connection is not encrypted, so the token crosses the network in clear text.",
            f"Use https with {endpoint.update(f'--url {endpoint.encrypted_url}')}.",
        )
    if endpoint.protocol == "http":
        return Finding("tls", "ok", "The connection is not encrypted, but does not leave this machine.")
    if not endpoint.verify_ssl:
        return Finding(
            "tls",
            "warning",
            "The certificate is not verified, so an attacker on the network can read the token.",
            f"Trust the CA that signed it with {endpoint.update('--verify-ssl --ca-bundle FILE')}.",
        )
    return Finding("tls", "ok", "The certificate is trusted.")


def _skew(client: ControllerClient) -> Finding:
    skew = client.clock_skew()
    if skew is None:
        return Finding(
            "clock",
            "warning",
            "The responses have no Date header, so this machine's clock is used instead of the controller's.",
            "Configure the proxies in between to keep the Date header.",
        )
    text = f"The controller's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's."
    if abs(skew) > _SKEW_WARNING:
        return Finding(
            "clock",
            "warning",
            text,
            "Synchronize both clocks by NTP. No job is lost meanwhile, because windows follow the controller's clock.",
        )
    return Finding("clock", "ok", text if abs(skew) >= 2 else "The controller's clock agrees with this machine's.")


def _token(client: ControllerClient) -> tuple[bool, Finding]:
    """Return whether the token's user can read every job, and the finding. Raises if the token is rejected."""
    user = account(client) or {}
    name = user.get("username")
    if user.get("is_superuser"):
        return True, Finding(
            "token",
            "warning",
            f"The token belongs to {name}, a system administrator, and allows more than reading.",
            f"Use the token of a {_auditor(client)}.",
        )
    if is_auditor(user):
        return True, Finding("token", "ok", f"The token belongs to {name}, an auditor, and can read every job.")
    return False, Finding(
        "token",
        "warning",
        f"The token belongs to {name}, an ordinary user. Jobs without a role for {name} are missing from the savings.",
        f"Make {name} a {_auditor(client)}.",
    )


def _auditor(client: ControllerClient) -> str:
    """Return this product's name of the role that can read every job and change nothing."""
    return "Platform Auditor" if client.product().behind_gateway else "System Auditor"


def _own_token(client: ControllerClient) -> Iterator[Finding]:
    """Yield findings on scope and expiry of the token, if the controller reports them."""
    rows = tokens_in_use(client)
    yield _scope(client, {str(row.get("scope")) for row in rows})
    if end := end_of(rows, client.controller_now()):
        by = "on" if end.exact else "by"
        yield Finding("token expiry", "ok", f"The token expires {by} {end.at:%Y-%m-%d %H:%M} UTC.")


def _scope(client: ControllerClient, scopes: Collection[str]) -> Finding:
    if not scopes:
        return Finding("scope", "ok", "The token can read. The controller does not report whether it can write.")
    if scopes == {"read"}:
        return Finding("scope", "ok", "The token's scope is read.")
    return Finding(
        "scope",
        "warning",
        "The token, or another one that its user used within the last minute, has scope write, which is not needed.",
        f"Create a token with scope read and store it with {client.endpoint.update('--token-file FILE')}.",
    )


def _visible(client: ControllerClient, all_seeing: bool) -> Iterator[Finding]:
    api = ControllerApi(client)
    try:
        jobs = api.jobs_count()
    except errors.ControllerError as error:
        yield Finding("jobs", "failed", *_parted(error))
        return
    if jobs == 0 and all_seeing:
        yield Finding("jobs", "ok", "The controller has no finished job yet.")
    elif jobs == 0:
        remedy = f"Make the user a {_auditor(client)}, unless no job has run yet."
        yield Finding("jobs", "warning", "No finished job is visible to the token's user.", remedy)
    else:
        yield Finding("jobs", "ok", f"{jobs:,} finished jobs are visible.")
        yield _guarded("lists", lambda: _lists(api))
        listed: list[Row] = []
        yield _guarded("page", lambda: _page(api, listed))
        yield _guarded("host summaries", lambda: _summaries(api, listed))


def _lists(api: ControllerApi) -> Finding:
    templates, organizations = api.job_templates(), api.organizations()
    sentence = f"{len(organizations):,} organizations and {len(templates):,} job templates can be read."
    return Finding("lists", "ok", sentence)


def _page(api: ControllerApi, listed: list[Row]) -> Finding:
    """Check that the controller returns a page as a first sync reads it; add its rows to `listed`."""
    try:
        listed += api.oldest_jobs(PAGE_SIZE)
        if numbers := ids_of(listed):
            api.unreported_job_ids(min(numbers) - 1, max(numbers))
    except errors.ControllerError as error:
        if not may_be_too_much(error):
            raise
        listed += api.oldest_jobs(1)
        return Finding(
            "page",
            "warning",
            f"{_parted(error)[0]} A page of one job works, so syncs will read pages of fewer than {PAGE_SIZE} jobs, "
            "which takes longer.",
            "Raise the time limit of the proxies in front of the controller.",
        )
    return Finding("page", "ok", f"The controller returned a page of {len(listed)} jobs.")


def _summaries(api: ControllerApi, listed: list[Row]) -> Finding:
    """Read the host summaries of the last job of `listed`, or else of the newest job."""
    number = last_id(listed) or id_of(api.first_job("-finished"))
    if number is None:
        return Finding("host summaries", "warning", "The visible jobs were deleted during the check.", "Check again.")
    api.host_summaries(number)
    return Finding("host summaries", "ok", "Host summaries can be read.")


def _guarded(name: str, find: Callable[[], Finding]) -> Finding:
    try:
        return find()
    except errors.ControllerError as error:
        return Finding(name, "failed", *_parted(error))


def _parted(error: errors.ControllerError) -> tuple[str, str]:
    sentence, separator, remedy = str(error).rpartition(". ")
    return (f"{sentence}.", remedy) if separator else (remedy, "")
