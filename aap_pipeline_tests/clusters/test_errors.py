"""Whatever fails while a cluster is read is that cluster's error, without a secret."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from aap_pipeline.clusters.controllers import UnexpectedFailure, cluster_errors
from aap_pipeline.clusters.registry import Cluster
from aap_pipeline.controller.config import Endpoint
from aap_pipeline.controller.errors import CorruptBody
from aap_pipeline.controller.redaction import redact
from aap_pipeline.database.errors import DatabaseUnreachable

CLUSTER = Cluster(1, "prod", Endpoint("https", "aap.example.com", 443), "", None, True, None)


def compare_a_time_without_zone() -> object:
    return datetime(2026, 11, 29) < datetime(2026, 11, 29, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("fails", "named"),
    [
        (lambda: "Bearer s3cr3t\u200b".encode("latin-1"), "UnicodeEncodeError"),
        (lambda: dict[str, str]()["s3cr3t"], "KeyError"),
        (lambda: int("s3cr3t"), "ValueError"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (compare_a_time_without_zone, "TypeError"),
    ],
)
def test_an_error_that_nobody_expects_names_the_cluster_and_quotes_nothing(fails: object, named: str) -> None:
    """Guards against one cluster that stops all, and against a token in an error's text."""
    with pytest.raises(UnexpectedFailure) as raised, cluster_errors(CLUSTER):
        fails()  # type: ignore[operator]
    said = str(raised.value)
    assert said.startswith("Cluster prod at https://aap.example.com could not be read: ")
    assert named in said
    assert "s3cr3t" not in said
    assert raised.value.__suppress_context__


def test_the_place_in_this_package_is_named() -> None:
    """Guards against a report of a bug that nobody can find."""
    with pytest.raises(UnexpectedFailure, match=r"Error at controller/redaction\.py:\d+"), cluster_errors(CLUSTER):
        redact(3)  # type: ignore[arg-type]


def test_errors_in_words_pass_and_a_lost_database_is_named() -> None:
    """Guards against a sentence that is replaced by "unexpected"."""
    with pytest.raises(CorruptBody, match="cut off"), cluster_errors(CLUSTER):
        raise CorruptBody("It was cut off.")
    for lost in (psycopg.OperationalError("terminated"), psycopg.InterfaceError("terminated")):
        with pytest.raises(DatabaseUnreachable, match=r"PostgreSQL .*terminated"), cluster_errors(CLUSTER):
            raise lost


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_ends_it(signal: type[BaseException]) -> None:
    """Guards against a command that Ctrl-C does not stop."""
    with pytest.raises(signal), cluster_errors(CLUSTER):
        raise signal
