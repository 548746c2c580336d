"""What stands in for a Qdrant server where none can be had: its REST interface over qdrant-client's local mode, on loopback.

    python -m benchmarks.qdrant_served [--key KEY] [--grpc]     # prints its address; lives until its standard input ends

The real client talks to it as to any server: connections, requests, answers, status codes. What is behind is not Qdrant's
engine: it keeps everything in memory, has no snapshots (so a clone is made by hand), no optimiser and no replicas. With a key
it refuses whoever has none, and reads tokens as `service.jwt_rbac` does in the two things that `sluice token` relies on: one
collection, to be read, until a time (seen with Qdrant 1.18.3).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel, TypeAdapter
from qdrant_client.http import models
from qdrant_client.local.qdrant_local import QdrantLocal

VERSION = "1.20.0-standin"
Answer = Callable[[QdrantLocal, str, Any], Any]


def _create(q: QdrantLocal, name: str, body: Any) -> bool:
    made = models.CreateCollection.model_validate(body)
    return q.create_collection(name, made.vectors or {}, sparse_vectors_config=made.sparse_vectors)


def _move(q: QdrantLocal, _name: str, body: Any) -> bool:
    """Action by action, as a server does: those before one that fails stay."""
    for action in models.ChangeAliasesOperation.model_validate(body).actions:
        q.update_collection_aliases([action])
    return True


def _upsert(q: QdrantLocal, name: str, body: Any) -> models.UpdateResult:
    return q.upsert(name, models.PointsList.model_validate(body).points)


def _tags(q: QdrantLocal, name: str, body: Any) -> models.UpdateResult:
    asked = models.SetPayload.model_validate(body)
    return q.set_payload(name, asked.payload, asked.filter or asked.points or [])


def _batch(q: QdrantLocal, name: str, body: Any) -> list[models.UpdateResult]:
    """Tags for several groups of documents in one request; other operations are not asked of it."""
    return [_tags(q, name, operation["set_payload"]) for operation in body["operations"]]


def _delete(q: QdrantLocal, name: str, body: Any) -> models.UpdateResult:
    return q.delete(name, TypeAdapter[Any](models.PointsSelector).validate_python(body))


def _scroll(q: QdrantLocal, name: str, body: Any) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    points, offset = q.scroll(
        name,
        scroll_filter=asked.filter,
        limit=asked.limit or 10,
        offset=asked.offset,
        with_payload=True if asked.with_payload is None else asked.with_payload,
        with_vectors=asked.with_vector or False,
    )
    return {"points": points, "next_page_offset": offset}


def _query(q: QdrantLocal, name: str, body: Any) -> models.QueryResponse:
    return queried(q, name, models.QueryRequest.model_validate(body))


def queried(q: QdrantLocal, name: str, asked: models.QueryRequest) -> models.QueryResponse:
    """What local mode answers, by whichever interface it was asked."""
    query: Any = asked.query  # local mode takes a vector as it is, too, which its types do not say
    return q.query_points(
        name,
        query=query,
        using=asked.using,
        prefetch=asked.prefetch,
        query_filter=asked.filter,
        search_params=asked.params,
        limit=asked.limit or 10,
        with_payload=asked.with_payload or False,
        with_vectors=asked.with_vector or False,
    )


def _count(q: QdrantLocal, name: str, body: Any) -> models.CountResult:
    return q.count(name, models.CountRequest.model_validate(body).filter)


def _kept(_q: QdrantLocal, _name: str, _body: Any) -> Any:
    """A payload index: accepted; local mode has none and needs none."""
    return {"operation_id": 0, "status": "completed"}


ROUTES: Mapping[tuple[str, str], Answer] = {
    ("GET", "/collections"): lambda q, _n, _b: q.get_collections(),
    ("GET", "/collections/NAME"): lambda q, n, _b: q.get_collection(n),
    ("GET", "/collections/NAME/exists"): lambda q, n, _b: {"exists": q.collection_exists(n)},
    ("PUT", "/collections/NAME"): _create,
    ("PATCH", "/collections/NAME"): lambda _q, _n, _b: True,
    ("DELETE", "/collections/NAME"): lambda q, n, _b: q.delete_collection(n),
    ("PUT", "/collections/NAME/index"): _kept,
    ("GET", "/aliases"): lambda q, _n, _b: q.get_aliases(),
    ("POST", "/collections/aliases"): _move,
    ("PUT", "/collections/NAME/points"): _upsert,
    ("POST", "/collections/NAME/points/payload"): _tags,
    ("POST", "/collections/NAME/points/batch"): _batch,
    ("POST", "/collections/NAME/points/delete"): _delete,
    ("POST", "/collections/NAME/points/scroll"): _scroll,
    ("POST", "/collections/NAME/points/query"): _query,
    ("POST", "/collections/NAME/points/count"): _count,
}
READS = frozenset({"/collections/NAME", "/collections/NAME/exists"}) | {
    f"/collections/NAME/points/{what}" for what in ("scroll", "query", "count")
}


def _admitted(key: str, given: str, path: str, name: str) -> int:
    """200, or the status with which a server refuses: 401 for no or a false key, 403 for what a token does not cover."""
    if not key or hmac.compare_digest(given.encode(), key.encode()):
        return 200
    try:
        head, claims, signature = given.split(".")
        signed = hmac.new(key.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_decoded(signature), signed) or json.loads(_decoded(head))["alg"] != "HS256":
            return 401
        said = json.loads(_decoded(claims))
    except (ValueError, KeyError):
        return 401
    if said.get("exp", 0) < time.time():
        return 401
    covered = any(a["collection"] == name and a["access"] == "r" for a in said.get("access", []))
    return 200 if covered and path in READS else 403


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Handler(BaseHTTPRequestHandler):
    """One request; all share one store, one at a time."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store = QdrantLocal(":memory:")
    turn = threading.Lock()
    key = ""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0].rstrip("/")
        if not path:
            return self._say(200, {"title": "stand-in", "version": VERSION})
        found = re.fullmatch(r"/collections/([^/]+)(/.*)?", path)
        name = found[1] if found and path != "/collections/aliases" else ""
        route = f"/collections/NAME{found[2] or ''}" if found and name else path
        given = self.headers.get("api-key") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if (status := _admitted(self.key, given, route, name)) != 200:
            return self._say(status, {"status": {"error": "forbidden"}})
        answer = ROUTES.get((self.command, route))
        if answer is None:
            return self._say(501, {"status": {"error": f"this stand-in does not know {self.command} {route}"}})
        try:
            with self.turn:
                result = answer(self.store, name, json.loads(body) if body else None)
        except ValueError as error:
            missing = "not found" in str(error)
            return self._say(404 if missing else 400, {"status": {"error": str(error)}})
        return self._say(200, {"result": result, "status": "ok", "time": 0.0})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _say(self, status: int, value: Any) -> None:
        body = json.dumps(value, default=_plain).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]  # one write: no wait for an acknowledgement
        self.flush_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", default="")
    parser.add_argument("--grpc", action="store_true", help="by gRPC, too; its port follows the address")
    asked = parser.parse_args()
    Handler.key, also = asked.key, ""
    if asked.grpc:
        from benchmarks.qdrant_served_grpc import serve

        listening, port = serve(Handler.store, Handler.turn, asked.key, VERSION)
        also = f" {port}"
    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}{also}", flush=True)
    sys.stdin.read()
    if asked.grpc:
        listening.stop(None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
