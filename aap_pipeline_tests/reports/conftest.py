"""Fixtures of the command line."""

from aap_pipeline_tests.cli.conftest import cli, run  # noqa: F401
