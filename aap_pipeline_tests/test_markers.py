"""The marker `server` is true: it follows the fixtures, and no test without it starts a server or a process."""

from __future__ import annotations

import socket
import subprocess

import pytest


def test_a_test_without_the_marker_can_start_nothing() -> None:
    """Guards against `pytest -m "not server"` that needs a database, or takes minutes."""
    with pytest.raises(AssertionError, match="use the fixture starts_server"):
        subprocess.run(["true"], check=True)
    with socket.socket() as listener, pytest.raises(AssertionError, match="use the fixture starts_server"):
        listener.bind(("127.0.0.1", 0))


@pytest.fixture
def below(starts_server: None) -> None:
    """A fixture that starts something."""


def test_the_marker_follows_the_fixtures(request: pytest.FixtureRequest, below: None) -> None:
    """Guards against a marker that each new test has to remember."""
    assert request.node.get_closest_marker("server") is not None
    subprocess.run(["true"], check=True)
