"""Errors of requests to a controller. Each type states whether a retry can help."""

from typing import ClassVar

from aap_pipeline.errors import PipelineError

CHECK_PATH = "Check the controller and the proxies in between."


class ControllerError(PipelineError):
    """A request to a controller failed. The message states what, where and, in its last sentence, what to do."""

    transient: ClassVar[bool] = False
    """Whether the same request may succeed later without a change."""

    label: ClassVar[str] = "error"

    def __init__(self, message: str, *, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.cause = cause or self.label  # a short name for statistics: "HTTP 503", "timeout"
        self.retry_after = retry_after  # seconds to wait, as the controller requested


class BadEndpoint(ControllerError):
    """The address, port, protocol or CA bundle of a controller is not valid."""


class Unreachable(ControllerError):
    """No connection, or no response within the time limit."""

    transient = True
    label = "connection"


class NotSent(Unreachable):
    """No connection was made, so the controller cannot have received the request."""


class TlsError(ControllerError):
    """The connection could not be secured: unknown CA, wrong name, expired certificate, no TLS at all."""


class AuthenticationError(ControllerError):
    """The controller rejects the token, and it could not be refreshed."""


class Unauthorized(AuthenticationError):
    """HTTP 401 as received, before a token refresh."""


class RefreshOutcomeUnknown(AuthenticationError):
    """The response to a token refresh was lost: the controller may have replaced the tokens."""

    transient = True


class PermissionDenied(ControllerError):
    """HTTP 403: the token's user may not read this."""


class NotFound(ControllerError):
    """HTTP 404: no such resource, or it was deleted."""


class BadRequest(ControllerError):
    """Any other HTTP 4xx: the controller rejects the request."""


class ServerError(ControllerError):
    """HTTP 5xx, 408 or 429, even after the retries."""

    transient = True


class HtmlAnswer(ControllerError):
    """A web page where JSON was expected."""

    transient = True


class Maintenance(HtmlAnswer):
    """Every request is redirected to a web page: an upgrade is running, or a login page intercepts requests."""


class NotAController(ControllerError):
    """The server at the address is not an AAP or AWX controller."""


class RedirectedElsewhere(ControllerError):
    """A redirect to another host, port or protocol. It is not followed, because it would expose the token."""


class BodyTooLarge(ControllerError):
    """A response is larger than the configured limit."""


class CorruptBody(ControllerError):
    """A response was cut off, is not JSON, or lacks a required part."""

    transient = True


class IncompleteAnswer(ControllerError):
    """Fewer rows arrived than the controller counted."""

    transient = True
