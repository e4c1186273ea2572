"""A partner's server, real and on this machine, that is told of leads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Message = tuple[str, dict[str, str], bytes]  # path, headers by lower-case names, body


@dataclass
class Receiver:
    """Answers with `status`, after so many seconds of `silence`, and keeps what it was told."""

    port: int = 0
    status: int = 204
    silence: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    told: list[Message] = field(default_factory=list)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said = {name.lower(): value for name, value in self.headers.items()}
            receiver.told.append((self.path, said, body))
            time.sleep(receiver.silence)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_args: object) -> None:
            """Nothing: a test's output is its own."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()
