"""The client of one controller: authentication, retries, clock and statistics around each request."""

import logging
import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import Answer, check_next_link, interpret, redirect_error
from aap_pipeline.controller.auth import Authenticator, Tokens, TokenStore
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.host_summaries import decode_host_summaries
from aap_pipeline.controller.manners import UNLIMITED, Limiter, Manners
from aap_pipeline.controller.oauth import exchange_tokens
from aap_pipeline.controller.paging import Failed, PageSize
from aap_pipeline.controller.probe import Product, probe
from aap_pipeline.controller.query import Params, with_query
from aap_pipeline.controller.redaction import sanitise_url
from aap_pipeline.controller.retry import parse_http_date, seconds_before_retry
from aap_pipeline.controller.statistics import Statistics
from aap_pipeline.controller.transport import Transport, decode

_LOGGER = logging.getLogger(__name__)
_PROBE_RETRIES = 3
_DECODERS = {"job_host_summaries": decode_host_summaries}
"""Decoders of bodies by the last word of a path; all others are decoded as JSON."""


class ControllerClient:
    """A client of one controller, for up to `settings.workers` threads.

    `known` is the product found last time, which is probed only when the controller does not answer like it. Nothing is
    sent before the first call that needs it, and nothing beyond `manners`. All calls raise ControllerError subclasses.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: TokenStore,
        settings: ClientSettings | None = None,
        *,
        known: Product | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.endpoint = endpoint
        chosen = settings or ClientSettings()
        self._stopped = threading.Event()
        self._wait = self._stopped.wait if chosen.sleep is time.sleep else chosen.sleep
        self.settings = replace(chosen, sleep=self._sleep)
        self.statistics = Statistics()
        self.base_url = endpoint.base_url
        self.page_sizes: defaultdict[str, PageSize] = defaultdict(PageSize)
        self._transport = Transport(endpoint, self.settings)
        self._auth = Authenticator(store, self._exchange, endpoint)
        self._plain_headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": self.settings.user_agent,
        }
        self.limiter = Limiter(manners or UNLIMITED, self.settings, self.statistics)
        self.refusal: errors.ControllerError | None = None
        """The error with a Retry-After that was not awaited. No other request is sent after it."""
        self._product = known
        self._probed = False
        self._product_lock = threading.Lock()
        self._last_date: tuple[datetime, datetime] | None = None  # the controller's, and this machine's

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def product(self, *, anew: bool = False) -> Product:
        """Return the product; probed once, and again after a failure. `anew`: probe even if it is known."""
        with self._product_lock:
            if self._product is None or (anew and not self._probed):
                self._product = probe(partial(self._request, authenticated=False), self.endpoint)
                self._probed = True
            return self._product

    def get(self, path: str, params: Params | None = None, failed: Failed | None = None) -> Answer:
        """Return the JSON object at `path`: below the API prefix ("jobs/"), or the base URL if it begins with a slash.

        `failed` is called after a failed attempt, and may change `params` for the next one.
        """
        try:
            return self._request(self._below(path), params, failed=failed)
        except (errors.NotFound, errors.HtmlAnswer):
            if self._probed or path.startswith("/"):
                raise
        self.product(anew=True)  # an upgrade may have moved the API
        return self.get(path, params, failed)

    def url_of(self, path: str) -> str:
        return self.base_url + self._below(path)

    def _below(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.product().api_prefix}/{path}"

    def controller_now(self) -> datetime:
        """Return the controller's clock at its last response, aware UTC, rounded down to seconds.

        Without Date headers, return this machine's clock.
        """
        return seen[0] if (seen := self._last_date) else self.settings.clock()

    def clock_skew(self) -> float | None:
        """Return by how many seconds (±1) the controller's clock is ahead; None before a response with a Date."""
        return (seen[0] - seen[1]).total_seconds() if (seen := self._last_date) else None

    def stop_waiting(self) -> None:
        """Let requests of other threads fail that wait for their turn or before a retry."""
        self._stopped.set()

    def _sleep(self, seconds: float) -> None:
        if not self._stopped.is_set():
            self._wait(seconds)
        if self._stopped.is_set():
            another = errors.Unreachable(f"Another request to {self.base_url} failed before this one was sent.")
            raise self.refusal or another

    def secrets(self) -> frozenset[str]:
        return self._auth.secrets()

    def renew_token(self) -> None:
        """Exchange the tokens for new ones, although the access token still works. Raises AuthenticationError."""
        self._auth.renew(self._auth.access())

    def _request(
        self, path: str, params: Params | None = None, *, authenticated: bool = True, failed: Failed | None = None
    ) -> Answer:
        retries = self.settings.retries if authenticated else min(self.settings.retries, _PROBE_RETRIES)
        attempt = 0
        fresh: str | None = None
        while True:
            attempt += 1
            target = with_query(path, params)
            token = self._auth.access() if authenticated else ""
            try:
                answer = self._send(target, token)
            except errors.Unauthorized as error:
                if token == fresh:
                    raise errors.AuthenticationError(
                        f"{self.base_url} rejects even the renewed token. Check that the token's user is active and "
                        "may use the API."
                    ) from error
                fresh = self._auth.renew(token)
                attempt -= 1
            except errors.ControllerError as error:
                elsewhere = not authenticated and type(error) is errors.HtmlAnswer  # the API is at another path
                seconds = None if elsewhere else seconds_before_retry(error, attempt, retries, self.settings)
                if seconds is None and error.retry_after:
                    self.refusal = error
                    self.stop_waiting()
                if error.retry_after or error.cause in ("HTTP 429", "HTTP 503"):
                    self.limiter.refused(error.retry_after or 0.0)
                if seconds is None:
                    raise
                where = sanitise_url(self.base_url + target)
                _LOGGER.info("Attempt %d of %s failed (%s). Retrying.", attempt, where, error.cause)
                self.statistics.retried(error.cause)
                self.settings.sleep(seconds)
                if failed is not None:
                    failed(error)
            else:
                return answer

    def _send(self, target: str, token: str) -> Answer:
        """Send one attempt. Redirects are errors: our paths end with a slash, so none leads to the same resource."""
        settings, kind = self.settings, _kind_of(target)
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        with self.limiter.turn():
            self.statistics.add(requests=1)
            start = settings.monotonic()
            raw = self._transport.send("GET", target, self._plain_headers | authorization)
            seconds = settings.monotonic() - start
        self.statistics.add(bytes=len(raw.body), seconds_answering=seconds)
        if raw.status == 200:
            self.limiter.answered(kind, len(raw.body), seconds)
        elif raw.status in (301, 302, 303, 307, 308):
            raise redirect_error(raw, self.endpoint, target, token)
        now = settings.clock()
        answer = interpret(raw, self.base_url + target, now, _DECODERS.get(kind, decode), token)
        date = parse_http_date(answer.headers.get("Date"))
        self._last_date = (date, now) if date else None
        check_next_link(answer.body, self.base_url + target)
        return answer

    def _exchange(self, tokens: Tokens) -> Tokens:
        return exchange_tokens(self._transport, self.product().token_path, tokens, self.settings, self.endpoint)


def _kind_of(target: str) -> str:
    """Return the kind of a request: "job_host_summaries" of "/api/v2/jobs/7/job_host_summaries/?order_by=id"."""
    return target.partition("?")[0].rstrip("/").rpartition("/")[2]
