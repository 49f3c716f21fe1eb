"""Errors in rates, minutes, currencies and access."""

from aap_pipeline.errors import PipelineError


class CostError(PipelineError):
    """A rate, minutes, currency or access cannot be set as requested."""


class BadValue(CostError):
    """A value is not a valid rate, number of minutes or currency."""

    exit_status = 2
