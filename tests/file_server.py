"""A web server on this machine that hands out one file, well or badly."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from plic.core.fetching import Download


@dataclass
class Server:
    """How the file is handed out; tests change it while the server runs.

    Attributes:
        data: of the file.
        ranges: whether a part of it can be asked for.
        cuts: after how many bytes of each coming answer the connection is closed.
        refusals: status codes of the coming answers.
        redirect: where requests are sent to.
        asked: value of the header Range of each request so far, empty where it had none.
    """

    data: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    redirect: str = ""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def url(self) -> str:
        return f"{self.address}/w.safetensors"

    @property
    def download(self) -> Download:
        return Download(self.url, hashlib.sha256(self.data).hexdigest(), len(self.data))


@contextmanager
def serving(data: bytes) -> Iterator[Server]:
    """A server of ``data`` on a free port, until the block ends."""
    state = Server(data)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append(wanted)
            if state.refusals:
                self.send_error(state.refusals.pop(0))
            elif state.redirect and self.path != "/moved.safetensors":
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.end_headers()
            else:
                self._hand_out(int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0)

        def _hand_out(self, start: int) -> None:
            size = len(state.data)
            if start >= size:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Content-Length", str(size - start))
            self.end_headers()
            cut = state.cuts.pop(0) if state.cuts else size
            with suppress(ConnectionError):  # whoever asked went away
                self.wfile.write(state.data[start : start + cut])

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
