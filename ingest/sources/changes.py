"""Another source, told by a queue what changed: how an upstream system triggers a re-index between two nights.

A message is JSON: `{"uri": "…"}` or `{"uris": […]}`, with `"action": "changed"` (the default) or `"deleted"`. With
messages waiting, only what they name is fetched or deleted; with none, the source is scanned in full as if there were no
queue. A message is acknowledged after its change is stored: what interrupts a run brings it back.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo

from ingest.protocols import Source
from sluice.errors import ConfigurationError, SourceUnavailable
from sluice.globs import selected
from sluice.jsons import doubled, loads
from sluice.records import ItemRef, RawItem
from sluice.settings import Section
from sluice.spelling import comparable


def _inner(value: Any, info: ValidationInfo) -> Any:
    """The class and the checked options of the source that `of` describes."""
    from ingest.sources import kind_of  # the table names this module

    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str) or value["type"] == "changes":
        raise ValueError("describe the source itself: of: {type: files, root: …}")
    try:
        kind = kind_of(value["type"])
    except ConfigurationError as error:
        raise ValueError(error.message) from None
    model: type[BaseModel] = kind.Options
    return kind, model.model_validate({k: v for k, v in value.items() if k != "type"}, context=info.context)


class ChangesOptions(Section):
    of: Annotated[Any, BeforeValidator(_inner)] = Field(repr=False)
    """The source itself: its `type` and its own keys."""
    url: str = Field(repr=False)
    """The broker, as kombu names it: `amqp://…`, `redis://…`, `sqs://`, `filesystem://`."""
    queue: str
    transport: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    """kombu's transport options."""
    full_scan: Literal["when_idle", "always"] = "when_idle"
    max_messages: int = Field(default=10_000, ge=1)
    """Per run; the rest waits for the next."""
    timeout_s: float = Field(default=10, gt=0)


class ChangesSource:
    """The documents of the source that `of` describes, under this source's name."""

    Options = ChangesOptions

    def __init__(self, name: str, options: ChangesOptions) -> None:
        self.name = name
        self.options = options
        kind, inner = options.of
        self._inner: Source = kind(name, inner)
        self._patterns = (tuple(getattr(inner, "include", ("**",))), tuple(getattr(inner, "exclude", ())))
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._connections: list[Any] = []
        weakref.finalize(self, _closed, self._connections, self._waiting)

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """What is known, less what was deleted, with what changed marked for fetching; or a full scan.

        Raises SourceUnavailable when the broker does not answer, and what the source itself raises.
        """
        with self._lock:
            events = _as_known(self._received(), known)
        if not events or not known or self.options.full_scan == "always":
            forced = {uri for uri, action in events.items() if action == "changed"}
            for ref in self._inner.scan({uri: "" if uri in forced else v for uri, v in known.items()}):
                yield _changed(ref.uri) if ref.uri in forced else ref
            return
        for uri, validator in known.items():
            if uri not in events and self.asks_for(uri):
                yield ItemRef(uri, validator)
        for uri, action in events.items():
            if action == "changed" and self._takes(uri):
                yield _changed(uri)

    def asks_for(self, uri: str) -> bool:
        """As the source itself says, where it can tell."""
        tells = getattr(self._inner, "asks_for", None)
        return tells is None or bool(tells(uri))

    def _takes(self, uri: str) -> bool:
        """Whether a message about a uri is heeded: a source that says what it asks for may name its documents otherwise than its
        patterns do (a record by its key, and the patterns are of files)."""
        return self.asks_for(uri) if hasattr(self._inner, "asks_for") else selected(uri, *self._patterns)

    def fetch(self, ref: ItemRef) -> RawItem:
        """As the source itself does."""
        return self._inner.fetch(ref)

    def stored(self) -> None:
        """Acknowledge what the last scan received: its changes are stored by now."""
        with self._lock:
            try:
                while self._waiting:
                    self._waiting[-1].ack()
                    self._waiting.pop()
            except Exception:  # the broker is gone: it gives them again, and they change nothing then
                self._waiting.clear()
            _closed(self._connections, self._waiting)

    def _received(self) -> dict[str, str]:
        """uri → action of every message that waits, the last one of a uri counting; they stay unacknowledged."""
        kombu: Any = importlib.import_module("kombu")  # untyped
        _closed(self._connections, self._waiting)  # what an interrupted run had received goes back to the queue
        events: dict[str, str] = {}
        try:
            connection = kombu.Connection(
                self.options.url,
                heartbeat=0,
                connect_timeout=self.options.timeout_s,
                transport_options=dict(self.options.transport),
            )
            self._connections.append(connection)
            connection.ensure_connection(max_retries=1, timeout=self.options.timeout_s)
            queue = kombu.Queue(self.options.queue, durable=True)(connection.channel())
            queue.declare()
            while len(self._waiting) < self.options.max_messages and (message := queue.get(no_ack=False)) is not None:
                named = _named(message.body)
                if named is None:
                    message.reject(requeue=False)  # to the dead letters, where the broker has them
                    continue
                self._waiting.append(message)
                for uri, action in named.items():
                    events.pop(uri, None)
                    events[uri] = action
        except Exception as error:  # each transport has its own tree of errors
            parts = urlsplit(self.options.url)
            said = " ".join(str(error).split())[:200].replace(self.options.url, "the url")
            if parts.password:
                said = said.replace(parts.password, "***")
            raise SourceUnavailable(
                f"source '{self.name}': the queue '{self.options.queue}' at {parts.scheme}://{parts.hostname or ''}: {said}",
                hint=f"is the broker up? are user and password in sources.{self.name}.url right, and may they read the queue?",
            ) from error
        return events


def _named(body: Any) -> dict[str, str] | None:
    """The uris of a message and what happened to them; None for what is no such message."""
    try:
        event = loads(body)
        if doubled(event):
            return None  # a name given twice: which counts?
        uris = event["uris"] if "uris" in event else [event["uri"]]
        action = event.get("action", "changed")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if action not in ("changed", "deleted") or not isinstance(uris, list) or not all(isinstance(u, str) and u for u in uris):
        return None
    return dict.fromkeys(uris, action)


def _as_known(events: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The events under the uris that are known: who wrote a message may spell a name in another way (`sluice.spelling`)."""
    if all(uri in known for uri in events):
        return dict(events)
    spelled = {comparable(uri): uri for uri in known}
    return {uri if uri in known else spelled.get(comparable(uri), uri): action for uri, action in events.items()}


def _changed(uri: str) -> ItemRef:
    return ItemRef(uri, f"event:{os.urandom(8).hex()}")


def _closed(connections: list[Any], waiting: list[Any]) -> None:
    """Give back what was not acknowledged, the last first so that the order stays, and hang up."""
    while waiting:
        with contextlib.suppress(Exception):  # a broker that is gone gives them again by itself
            waiting.pop().requeue()
    while connections:
        with contextlib.suppress(Exception):
            connections.pop().release()
