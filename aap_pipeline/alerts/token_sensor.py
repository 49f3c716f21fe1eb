"""The sensor that raises alerts for tokens that are rejected or expire soon (ADR 17)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dagster import DefaultSensorStatus, SkipReason, sensor

from aap_pipeline.alerts.incidents import open_subjects, raise_incident, resolve_incident, set_incidents
from aap_pipeline.clusters import token_ends
from aap_pipeline.clusters.controllers import ONE_QUESTION, open_controller
from aap_pipeline.clusters.registry import Cluster, clusters
from aap_pipeline.clusters.token_ends import TokenState
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.auth import TokenEnd
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.errors import AuthenticationError, ControllerError, PermissionDenied
from aap_pipeline.controller.own_token import sees_every_job, token_end
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.raw.session import shows_no_job
from aap_pipeline.reports.output import counted

_BETWEEN_QUESTIONS = timedelta(days=1)
_SLOW = timedelta(seconds=15)
"""After a first request this slow, no other is sent: Dagster ends a tick after a minute."""


@dataclass(frozen=True)
class _Answer:
    """The result of a cluster's requests. `refusal`: why the token is rejected; "": it is valid; None: no response."""

    refusal: str | None
    asked: bool = False
    end: TokenEnd | None = None
    declined: str | None = None


@sensor(
    minimum_interval_seconds=900,
    default_status=DefaultSensorStatus.RUNNING,
    description="Alerts: sends one request per enabled cluster with its token. Raises an incident as soon as a "
    "controller rejects its token or the token's user loses a role, rather than when the cluster becomes stale. If the "
    "controller reports the token's expiry (two more requests, at most once per day), raises an incident "
    "token_warning_days before it. A token with a refresh token is renewed then, and raises an incident only if the "
    "renewal is rejected.",
)
def tokens_sensor(warehouse: Warehouse) -> SkipReason:
    """Check all tokens. If a controller does not respond, the incident of its token stays as it is."""
    now = datetime.now(UTC)
    try:
        with warehouse.connection() as connection:
            limit = token_ends.notice(connection)
            enabled = {cluster.id: cluster for cluster in clusters(connection, only_enabled=True)}
            states = [state for state in token_ends.token_states(connection) if state.cluster in enabled]
            connection.commit()
            with ThreadPoolExecutor(64, thread_name_prefix="tokens") as pool:
                answers = list(pool.map(lambda each: _ask(warehouse, enabled[each.cluster], each, now, limit), states))
            for state, answer in zip(states, answers, strict=True):
                _note(connection, state, answer, now)
            ending = token_ends.token_warnings(connection, now)
            not_asked = {state.name for state in token_ends.token_states(connection) if state.asked_at is None}
            open_still = dict.fromkeys(open_subjects(connection, "token_expiring") & not_asked, "")  # expiry unknown
            set_incidents(connection, "token_expiring", {**open_still, **ending})
    except PipelineError as error:
        return SkipReason(str(error))
    refused = [state.name for state, answer in zip(states, answers, strict=True) if answer.refusal]
    return SkipReason(
        f"{counted(len(states), 'cluster')} checked; tokens rejected by: {', '.join(refused) or 'none'}; "
        f"expiring soon: {', '.join(ending) or 'none'}."
    )


def _ask(warehouse: Warehouse, cluster: Cluster, state: TokenState, now: datetime, limit: timedelta) -> _Answer:
    try:
        with open_controller(warehouse.url(), warehouse.cipher(), cluster, ONE_QUESTION) as client:
            nothing_shown = not ControllerApi(client).has_finished_jobs() and state.watermark is not None
            if nothing_shown and not sees_every_job(client):
                return _Answer(shows_no_job(cluster))
            asked = state.asked_at is not None and now - state.asked_at < _BETWEEN_QUESTIONS
            if asked or datetime.now(UTC) - now > _SLOW:
                return _Answer("")
            end = token_ends.tighter(state.end, token_end(client))
            declined = _renew(client) if token_ends.is_to_be_renewed(state, end, now, limit) else state.declined
            return _Answer("", True, end, declined)
    except (AuthenticationError, PermissionDenied) as error:
        return _Answer(None if error.transient else str(error))
    except PipelineError:
        return _Answer(None)  # the cluster's sync fails with the same error and reports it


def _renew(client: ControllerClient) -> str | None:
    try:
        client.renew_token()
    except ControllerError as error:
        return str(error) if isinstance(error, AuthenticationError) and not error.transient else None
    return None


def _note(connection: Connection, state: TokenState, answer: _Answer, now: datetime) -> None:
    if answer.refusal == "":
        resolve_incident(connection, "token_refused", state.name)
    elif answer.refusal is not None:
        raise_incident(connection, "token_refused", state.name, answer.refusal)
    if answer.asked:
        token_ends.note_token_end(connection, state, answer.end, now, answer.declined)
