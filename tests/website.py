"""A real web site on loopback for tests: pages with ETags, redirects, robots.txt, slow and endless ones."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROSE = "Deploy the gateway on Tuesdays, after the on-call engineer has read the change and agreed to it in writing. " * 3


def article(title: str, text: str = PROSE, links: tuple[str, ...] = (), head: str = "") -> str:
    """A page as sites have them: navigation around an article."""
    menu = "".join(f'<li><a href="{link}">Menu entry {n}</a></li>' for n, link in enumerate(links))
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body><nav><ul>{menu}</ul></nav>"
        f"<main><article><h1>{title}</h1><p>{text}</p><p>{text}</p></article></main>"
        f"<footer>Imprint and cookies</footer></body></html>"
    )


@dataclass
class Page:
    """What a path answers: a status, a body, and headers; `wait_s` before it; `etag=False` for a page without validator."""

    body: bytes | str = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0
    etag: bool = True


@dataclass
class Site:
    """Paths to pages; change them while it runs. `requests` are (path, status) in order."""

    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, int]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self) -> list[str]:
        """Paths whose bodies were sent since the last call, robots.txt left out."""
        found = sorted(path for path, status in self.requests if status == 200 and path != "/robots.txt")
        self.requests.clear()
        return found


@contextmanager
def website(**pages: Page) -> Iterator[Site]:
    """A running site."""
    site = Site(dict(pages))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = site.pages.get(self.path) or Page(b"not here", 404)
            body = page.body.encode() if isinstance(page.body, str) else page.body
            time.sleep(page.wait_s)
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            same = page.status == 200 and page.etag and self.headers.get("If-None-Match") == etag
            status = 304 if same else page.status
            site.requests.append((self.path, status))
            self.send_response(status)
            if page.etag and page.status == 200:
                self.send_header("ETag", etag)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if not same:
                self.send_header("Content-Type", page.kind)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not same:
                try:
                    self.wfile.write(body)
                except OSError:  # the client has seen enough
                    self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def moved(target: str) -> Page:
    return Page(b"", 302, headers={"Location": target})


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode())
