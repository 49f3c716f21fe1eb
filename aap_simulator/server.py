"""A simulator behind a real socket: in a thread of this process, or the process's only work."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aap_pipeline.errors import PipelineError
from aap_simulator.app import App
from aap_simulator.faults import FaultPlan
from aap_simulator.log import RequestLog
from aap_simulator.replay import Recording, ReplayWorld, recording
from aap_simulator.tokens import AUDITOR, Account, TokenPair, TokenStore
from aap_simulator.world import World

CLIENT_ID = "simulator-client"
CLIENT_SECRET = "simulator-secret"  # noqa: S105 - opens nothing but a simulator
STARTUP_SECONDS = 30.0


class _Protocol(HttpToolsProtocol):
    """Lets the application see its connection, so that it can reset it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class SimulatorServer:
    """One simulated controller on a TCP port, as a context manager.

    `url` is its address; `token` a pair in force for a system auditor; `world`, `faults`, `tokens` and `log` may be
    used from any thread
    while it runs. Port 0 takes a free one. `certfile`/`keyfile` make it HTTPS.
    """

    def __init__(
        self,
        world: World,
        *,
        faults: FaultPlan | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        certfile: Path | str | None = None,
        keyfile: Path | str | None = None,
        verbatim: Recording | None = None,
        account: Account = AUDITOR,
        token: TokenPair | None = None,
        mint: Callable[[str], str] | None = None,
    ) -> None:
        self.world = world
        self.faults = faults or FaultPlan()
        self.log = RequestLog()
        self.tokens = TokenStore(world.clock, mint)
        self.tokens.clients = {CLIENT_ID: CLIENT_SECRET}
        self.token = self.tokens.adopt(token, account) if token else self.tokens.issue(account)
        self.host, self.port = host, port
        self.client_id, self.client_secret = CLIENT_ID, CLIENT_SECRET
        self._tls = (certfile, keyfile)
        self._verbatim = verbatim
        self._app: App | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """The address a client is given, without a trailing slash."""
        scheme = "https" if self._tls[0] else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def use(self, world: World, *, faults: FaultPlan | None = None) -> None:
        """Serve another world from now on, with a new log and other faults (none unless given): saves tests a restart.

        Tokens stay in force; recorded answers are no longer replayed.
        """
        self.world, self._verbatim = world, None
        self.faults, self.log = faults or FaultPlan(), RequestLog()
        self.tokens.use_clock(world.clock)
        self._app = self._application(self._app.stopping if self._app else asyncio.Event())

    def _application(self, stopping: asyncio.Event) -> App:
        return App(self.world, self.tokens, self.faults, self.log, self._verbatim, stopping)

    def start(self) -> Self:
        """Start serving; returns once the port is open. Raises PipelineError if it cannot be opened."""
        listener = self._listen()
        ready = threading.Event()
        name = f"simulator-{self.world.product.name}-{self.port}"
        self._thread = threading.Thread(target=self._serve, args=(listener, ready), name=name, daemon=True)
        self._thread.start()
        if not ready.wait(STARTUP_SECONDS):
            raise PipelineError(f"The simulator on {self.url} did not start within {STARTUP_SECONDS:.0f} s.")
        return self

    def _listen(self) -> socket.socket:
        try:
            listener = socket.create_server((self.host, self.port), backlog=1024)
        except OSError as error:
            raise PipelineError(
                f"The simulator cannot listen on {self.host}:{self.port}: {error.strerror}. "
                "Choose another --port, or 0 for a free one."
            ) from error
        self.port = listener.getsockname()[1]
        return listener

    def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        certfile, keyfile = self._tls
        config = uvicorn.Config(
            self._entry,
            http=_Protocol,
            interface="asgi3",
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
            ssl_certfile=certfile,
            ssl_keyfile=str(keyfile) if keyfile else None,
        )
        server = self._server = uvicorn.Server(config)

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._app = self._application(asyncio.Event())
            ready.set()
            await server.serve(sockets=[listener])

        factory = config.get_loop_factory()
        with contextlib.closing(listener), asyncio.Runner(loop_factory=factory) as runner:
            runner.run(run())

    async def _entry(self, scope: dict[str, object], receive: object, send: object) -> None:
        assert self._app is not None  # noqa: S101 - set before the first connection
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop answering, close every connection, and wait until the thread is gone."""
        if self._thread is None or self._loop is None or self._server is None or self._app is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
            self._loop.call_soon_threadsafe(self._app.stopping.set)
        self._server.should_exit = True
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def replay(product: str, **options: Any) -> SimulatorServer:
    """A server (not started) that replays a product's recorded answers: "aap24", "aap25" or "awx".

    Options as of `SimulatorServer`. AAP's tokens are numbered as recorded: the first refresh answers the recorded pair.
    """
    if product != "awx":
        options.setdefault("mint", _numbered(product.removeprefix("aap")))
    return SimulatorServer(ReplayWorld(product), verbatim=recording(product), **options)


def _numbered(suffix: str) -> Callable[[str], str]:
    numbers = {"access": count(1), "refresh": count(1)}
    return lambda kind: f"{kind}-token-{suffix}-{next(numbers[kind])}"
