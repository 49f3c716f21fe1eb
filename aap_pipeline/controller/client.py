"""The client of one controller: authentication, retries, clock and statistics around each request."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Self

from aap_pipeline.controller import errors
from aap_pipeline.controller.answers import Answer, Decode, check_next_link, interpret, redirect_target
from aap_pipeline.controller.auth import Authenticator, Tokens, TokenStore
from aap_pipeline.controller.config import ClientSettings, Endpoint
from aap_pipeline.controller.manners import UNLIMITED, Limiter, Manners
from aap_pipeline.controller.oauth import exchange_tokens
from aap_pipeline.controller.paging import Instead, PageSize
from aap_pipeline.controller.probe import Product, probe
from aap_pipeline.controller.query import Params, with_query
from aap_pipeline.controller.redaction import sanitise_url
from aap_pipeline.controller.retry import Pacer, parse_http_date
from aap_pipeline.controller.statistics import Statistics
from aap_pipeline.controller.transport import Transport, decode

_LOGGER = logging.getLogger(__name__)
_PROBE_RETRIES = 3


class ControllerClient:
    """A client of one controller, for up to `settings.workers` threads.

    `hint` is the product label stored last time, `known` the product found then, which is probed only when the
    controller does not answer like it. Nothing is sent before the first call that needs it, and nothing beyond
    `manners`. All calls raise ControllerError subclasses.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: TokenStore,
        settings: ClientSettings | None = None,
        hint: str | None = None,
        *,
        known: Product | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.settings = settings or ClientSettings()
        self.statistics = Statistics()
        self.base_url = endpoint.base_url
        self.page_sizes: defaultdict[str, PageSize] = defaultdict(PageSize)
        self._hint = hint
        self._transport = Transport(endpoint, self.settings)
        self._auth = Authenticator(store, self._exchange, endpoint)
        self._pacer = Pacer(self.settings, self.statistics, self.base_url)
        self._plain_headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": self.settings.user_agent,
        }
        self.limiter = Limiter(manners or UNLIMITED, self.settings, self.statistics)
        self._product = known
        self._probed = False
        self._product_lock = threading.Lock()
        self._last_date: tuple[str | None, datetime] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def product(self, *, anew: bool = False) -> Product:
        """Return the product; probed once, and again after a failure. `anew`: probe even if it is known."""
        with self._product_lock:
            if self._product is None or (anew and not self._probed):
                self._product = probe(self._ping, self.endpoint, self._hint)
                self._probed = True
            return self._product

    def get(
        self, path: str, params: Params | None = None, decode: Decode = decode, instead: Instead | None = None
    ) -> Answer:
        """Return the JSON object at `path`: below the API prefix ("jobs/"), or the base URL if it begins with a slash.

        `decode` decodes it. `instead` is called after a failed attempt and returns the params for the next one.
        """
        try:
            return self._get(path, params, decode, instead)
        except (errors.NotFound, errors.HtmlAnswer):
            if self._probed or path.startswith("/"):
                raise
        self.product(anew=True)  # an upgrade may have moved the API
        return self._get(path, params, decode, instead)

    def _get(self, path: str, params: Params | None, decode: Decode, instead: Instead | None) -> Answer:
        below = self._below(path)
        changed = None if instead is None else lambda error: with_query(below, instead(error))
        return self._request(
            with_query(below, params),
            authenticated=True,
            retries=self.settings.retries,
            decode=decode,
            changed=changed,
        )

    def url_of(self, path: str) -> str:
        return self.base_url + self._below(path)

    def _below(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.product().api_prefix}/{path}"

    def controller_now(self) -> datetime:
        """Return the controller's clock at its last response, aware UTC, rounded down to seconds.

        Without Date headers, return this machine's clock.
        """
        seen = self._last_date
        date = parse_http_date(seen[0]) if seen is not None else None
        return date if date is not None else self.settings.clock()

    def clock_skew(self) -> float | None:
        """Return by how many seconds (±1) the controller's clock is ahead; None before a response with a Date."""
        seen = self._last_date
        date = parse_http_date(seen[0]) if seen is not None else None
        return None if seen is None or date is None else (date - seen[1]).total_seconds()

    def secrets(self) -> frozenset[str]:
        return self._auth.secrets()

    def renew_token(self) -> None:
        """Exchange the tokens for new ones, although the access token still works. Raises AuthenticationError."""
        self._auth.renew(self._auth.access())

    def _ping(self, path: str) -> Answer:
        return self._request(path, authenticated=False, retries=min(self.settings.retries, _PROBE_RETRIES))

    def _request(
        self,
        target: str,
        *,
        authenticated: bool,
        retries: int,
        decode: Decode = decode,
        changed: Callable[[errors.ControllerError], str] | None = None,
    ) -> Answer:
        attempt = 0
        fresh: str | None = None
        while True:
            attempt += 1
            self._pacer.before_attempt()
            token = self._auth.access() if authenticated else ""
            try:
                answer = self._send(target, token, decode)
            except errors.Unauthorized as error:
                if token == fresh:
                    raise errors.AuthenticationError(
                        f"{self.base_url} rejects even the renewed token. Check that the token's user is active and "
                        "may use the API."
                    ) from error
                fresh = self._auth.renew(token)
                attempt -= 1
            except errors.ControllerError as error:
                if not error.transient or (not authenticated and _is_elsewhere(error)):
                    raise
                self._pacer.failed()
                if attempt > retries:
                    raise
                self._retry(attempt, error, target)
                target = changed(error) if changed else target
            else:
                return answer

    def _retry(self, attempt: int, error: errors.ControllerError, target: str) -> None:
        self.statistics.retried(error.cause)
        _LOGGER.info(
            "Attempt %d of %s failed (%s). Retrying.", attempt, sanitise_url(self.base_url + target), error.cause
        )
        self._pacer.wait(attempt, error.retry_after, error)

    def _send(self, target: str, token: str, decode: Decode) -> Answer:
        """Send one attempt. Follows only a redirect that adds a missing slash."""
        settings = self.settings
        for follow in (True, False):
            with self.limiter.turn():
                start = settings.monotonic()
                try:
                    raw = self._transport.send("GET", target, self._headers(token))
                except errors.ControllerError:
                    self.statistics.add(requests=1)
                    raise
                seconds = settings.monotonic() - start
            self.statistics.answered(len(raw.body), seconds)
            if raw.status in (429, 503):
                self.limiter.refused()
            elif raw.status == 200:
                self.limiter.answered(_kind_of(target), len(raw.body), seconds)
            if raw.status not in (301, 302, 303, 307, 308):
                break
            moved = redirect_target(raw, self.endpoint, target, token)
            if not follow:
                raise errors.Maintenance(
                    f"{self.base_url} redirects in a circle. {errors.CHECK_PATH}", cause="maintenance"
                )
            target = moved
        now = settings.clock()
        try:
            answer = interpret(raw, self.base_url + target, now, decode, token)
        except errors.ControllerError as error:
            if not error.transient:
                self._pacer.succeeded()
            raise
        self._pacer.succeeded()
        self._last_date = (answer.headers.get("Date"), now)
        check_next_link(answer.body, self.base_url, target, token)
        return answer

    def _headers(self, token: str) -> Mapping[str, str]:
        return {**self._plain_headers, "Authorization": f"Bearer {token}"} if token else self._plain_headers

    def _exchange(self, tokens: Tokens) -> Tokens:
        renewed = exchange_tokens(self._transport, self.product().token_path, tokens, self.settings, self.endpoint)
        self.statistics.add(token_refreshes=1)
        return renewed


def _kind_of(target: str) -> str:
    """Return the kind of a request: "job_host_summaries" of "/api/v2/jobs/7/job_host_summaries/?order_by=id"."""
    return target.partition("?")[0].rstrip("/").rpartition("/")[2]


def _is_elsewhere(error: errors.ControllerError) -> bool:
    """Return whether a ping returned a web page. The API is then at another path, and a retry does not help."""
    return isinstance(error, errors.HtmlAnswer) and not isinstance(error, errors.Maintenance)
