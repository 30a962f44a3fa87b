"""A real HTTP server that gets webhooks and answers as it is told."""

from __future__ import annotations

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self


class Received(NamedTuple):
    path: str
    head: dict[str, str]
    body: bytes


class Receiver:
    """Answers each request with the next of ``answers``, and 204 when there are none left."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[int] = deque()
        self.location = ""
        """Where a redirection points."""
        self.endless = False
        """Whether the answer's body never ends."""
        self.over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                head = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, head, body))
                self.send_response(receiver.answers.popleft() if receiver.answers else 204)
                if receiver.location:
                    self.send_header("location", receiver.location)
                self.send_header("connection", "close")
                self.end_headers()
                while receiver.endless and not receiver.over.wait(0.05):
                    try:
                        self.wfile.write(b"and ")
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
