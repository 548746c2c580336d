"""An embeddings endpoint on loopback that can be told to misbehave: real HTTP, vectors of hashed words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from indexing.models.files import locate
from indexing.models.hashing import HashingEncoder, HashingTokenizer

DIMENSION = 32


@dataclass
class Endpoint:
    """`behave(n, answer)` is asked before the n-th request (from 0) is answered: (status, headers, body), or None for well."""

    behave: Callable[[int, dict[str, Any]], tuple[int, dict[str, str], bytes] | None] = lambda _n, _answer: None
    window: int = 10_000
    max_inputs: int = 10_000
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    charged: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: dict[str, Any], key: str | None) -> tuple[int, dict[str, str], bytes]:
        """What the server says; it cuts texts at its window in silence, as TEI does."""
        texts = asked["input"]
        words = HashingTokenizer(self.window)
        counts = [min(n, self.window) for n in words.counts(texts)]
        cut = [text[: int(words.spans(text)[n - 1][1])] if n else text for text, n in zip(texts, counts, strict=True)]
        vectors = HashingEncoder(locate(f"hashing:{DIMENSION}", Path())).encode(cut)
        rows = [{"index": n, "object": "embedding", "embedding": v.tolist()} for n, v in enumerate(vectors)]
        good = {"data": rows[::-1], "model": asked["model"], "usage": {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}}
        with self.lock:
            number = len(self.requests)
            self.requests.append(asked)
            self.keys.append(key)
            if len(texts) > self.max_inputs:
                return 422, {}, b'{"error": "batch size exceeds the maximum"}'
            told = self.behave(number, good)
            if told is None:
                self.charged += sum(counts)
                return 200, {}, json.dumps(good).encode()
            return told


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[Endpoint]:
    """The endpoint, answering at `endpoint.url` on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, headers, body = endpoint.answer(asked, self.headers.get("authorization"))
            if status == 0:  # the connection is cut
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
