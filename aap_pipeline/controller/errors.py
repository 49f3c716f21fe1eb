"""What can go wrong between this program and a controller; each type says whether trying again later can help."""

from __future__ import annotations

from typing import ClassVar

from aap_pipeline.errors import PipelineError


class ControllerError(PipelineError):
    """A request to a controller failed. The message names what, where and what to do; it never holds a token."""

    transient: ClassVar[bool] = False
    """True when the same request may work later without anybody's help."""

    label: ClassVar[str] = "error"

    def __init__(self, message: str, *, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.cause = cause or self.label  # a short name for statistics: "HTTP 503", "timeout"
        self.retry_after = retry_after  # seconds the controller asked to wait


class BadEndpoint(ControllerError):
    """The address, port, protocol or CA bundle of a controller is not usable as configured."""


class Unreachable(ControllerError):
    """No connection, or no answer within the time limit."""

    transient = True
    label = "connection"


class NotSent(Unreachable):
    """No connection was made, so the controller cannot have seen the request."""


class TlsError(ControllerError):
    """The connection could not be secured: unknown CA, wrong name, expired certificate, no TLS at all."""


class AuthenticationError(ControllerError):
    """The controller does not accept the token, and it could not be refreshed."""


class Unauthorized(AuthenticationError):
    """HTTP 401 as received, before anything was done about it."""


class RefreshOutcomeUnknown(AuthenticationError):
    """The answer to a token refresh was lost: the controller may or may not have replaced the tokens."""

    transient = True


class PermissionDenied(ControllerError):
    """HTTP 403: the token's user may not read this."""


class NotFound(ControllerError):
    """HTTP 404: no such resource, or it was deleted."""


class BadRequest(ControllerError):
    """Any other HTTP 4xx: the controller understood and declined."""


class ServerError(ControllerError):
    """HTTP 5xx, 408 or 429, still so after the retries."""

    transient = True


class HtmlAnswer(ControllerError):
    """A web page where JSON was expected."""

    transient = True


class Maintenance(HtmlAnswer):
    """Every request is redirected to a web page: the controller is being upgraded, or a log-in page is in front."""


class NotAController(ControllerError):
    """Something answers there, but it is no AAP or AWX controller."""


class RedirectedElsewhere(ControllerError):
    """The answer redirects to another host, port or protocol; it is not followed, since the token would go along."""


class ForeignLink(ControllerError):
    """A link in a body leads to another host; it is not followed."""


class BodyTooLarge(ControllerError):
    """An answer is larger than the configured bound."""


class CorruptBody(ControllerError):
    """An answer was cut off, is no JSON, or lacks what every such answer has."""

    transient = True


class IncompleteAnswer(ControllerError):
    """Fewer rows arrived than the controller counted."""

    transient = True


class RetryBudgetExhausted(ControllerError):
    """The time set aside for retries is used up."""

    transient = True


class CircuitOpen(ControllerError):
    """Nothing but failures lately: the controller is left alone for a while."""

    transient = True
