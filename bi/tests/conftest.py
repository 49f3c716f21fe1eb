"""Fixtures of the suite."""

from aap_pipeline_tests.conftest import starts_server  # noqa: F401
