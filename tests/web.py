"""A real HTTP server for tests: pages that are put into it, and an account of what was asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """A request as it came; header names Like-This."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


@dataclass
class Reply:
    """What to answer; with an ETag of its content, and 304 to whoever has it."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: bool = True


Page = bytes | Reply | Callable[[Asked], Reply]


@dataclass
class Web:
    """`pages` by path, `default` for any other; `asked` is every request; `bodies` counts the bodies sent, by path."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    bodies: Counter[str] = field(default_factory=Counter)
    default: Page = field(default_factory=lambda: Reply(b"not found", 404))

    def url(self, path: str = "") -> str:
        return f"http://{self.address}/{path.removeprefix('/')}"

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        page = self.pages.get(asked.path, self.default)
        reply = page(asked) if callable(page) else Reply(page) if isinstance(page, bytes) else page
        if reply.etag and reply.status == 200:
            reply = Reply(reply.content, 200, {"ETag": f'"{sha256(reply.content).hexdigest()[:16]}"', **reply.headers})
            if asked.headers.get("If-None-Match") == reply.headers["ETag"]:
                return Reply(b"", 304, reply.headers)
        self.bodies[asked.path] += 1
        return reply


@contextmanager
def web() -> Iterator[Web]:
    """A server on a free port of 127.0.0.1, while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            reply = site.reply(
                Asked(parts.path, dict(parse_qsl(parts.query)), {name.title(): value for name, value in self.headers.items()})
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content if reply.status != 304 else b"")

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Web(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
