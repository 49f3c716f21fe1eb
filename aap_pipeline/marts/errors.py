"""What a person can get wrong in rates, minutes and currencies."""

from __future__ import annotations

from aap_pipeline.errors import PipelineError


class CostError(PipelineError):
    """A rate, minutes, a currency or what they are for cannot be as asked."""
