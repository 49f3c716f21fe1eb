"""Receivers on loopback: a web server and a mail server that keep what they are sent."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class WebReceiver:
    """Keeps the JSON documents that it was sent; answers `status`."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.url = ""


@contextmanager
def web_receiver() -> Iterator[WebReceiver]:
    """A web server for the block; its address holds a secret, as those of webhooks do."""
    kept = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.status == 200:
                kept.documents.append(json.loads(body))
                kept.headers.append(dict(self.headers))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        kept.url = f"http://127.0.0.1:{port}/hooks/s3cr3t-path"
        yield kept


@contextmanager
def mail_receiver(
    tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None, refuses: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """A mail server for the block: its port, and the mails it took.

    With `tls` it takes mail only after STARTTLS, with `login` (user, password) only after that, which it takes only
    over TLS. It takes none for the address `refuses`.
    """
    mails: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        secured = tls is None
        known = login is None

        def handle(self) -> None:
            self.say("220 local")
            while line := self.rfile.readline():
                command, _, rest = line.decode().strip().partition(" ")
                if command.upper() == "EHLO":
                    self.say("250-local", "250 AUTH PLAIN" if self.secured else "250 STARTTLS")
                elif command.upper() == "STARTTLS" and tls is not None:
                    self.say("220 go on")
                    if not self.secure(tls):
                        return
                elif command.upper() == "AUTH" and self.secured and login is not None:
                    self.known = b64decode(rest.removeprefix("PLAIN ")).decode().split("\0")[1:] == list(login)
                    self.say("235 welcome" if self.known else "535 no")
                elif command.upper() == "RCPT" and refuses and refuses in rest:
                    self.say("550 nobody of that name")
                elif command.upper() == "DATA":
                    self.say("354 go on")
                    text = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        text += part
                    mails.append(text.decode())
                    self.say("250 ok")
                elif command.upper() == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok" if self.secured and self.known else "530 first STARTTLS and AUTH")

        def say(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

        def secure(self, context: ssl.SSLContext) -> bool:
            try:
                self.connection = context.wrap_socket(self.connection, server_side=True)
            except ssl.SSLError:  # the client does not trust the certificate
                return False
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.secured = True
            return True

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # the server closes the socket that it knows, which TLS has taken over

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, mails


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()
