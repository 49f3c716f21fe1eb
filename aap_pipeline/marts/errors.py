"""What a person can get wrong in rates, minutes and currencies."""

from __future__ import annotations

from aap_pipeline.errors import PipelineError


class CostError(PipelineError):
    """A rate, minutes, a currency or what they are for cannot be as asked."""


class BadValue(CostError):
    """What was given is not a rate, minutes or a currency at all."""

    exit_status = 2
