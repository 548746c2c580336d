"""Events of releases to whoever asked for them: at least once, in order, and never in the way of the work.

An event is delivered when each of its targets has taken it. A target that does not is asked again by the next command
that holds the index; meanwhile it gets no later event, so that what it hears is in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pipeline import prefect_environment
from pipeline.resources import Resources
from sluice.ids import digest
from sluice.plain import plain
from sluice.releases import ReleaseEvent

Send = Callable[[ReleaseEvent], None]


def deliver(r: Resources) -> list[str]:
    """Bring what waits to every target that has not had it; what could not be delivered, as warnings."""
    waiting = [event for event in r.stores.outbox.open() if event.state == "confirmed"]
    if not waiting:
        return []
    import httpx  # only where there is something to tell

    known, warnings = targets(r), []
    for name, (shown, send) in known.items():
        took: list[int] = []
        try:
            for position, event in enumerate(waiting):
                if name not in event.taken:
                    send(event)
                    took.append(position)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"{error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
            release = waiting[position].release
            warnings.append(f"{shown} did not take the event of release {release} ({why}): tried again next time")
        finally:  # noted in one go: who is killed before it tells a target again what it has, never less
            for position in took:
                waiting[position] = replace(waiting[position], taken=(*waiting[position].taken, name))
            r.stores.outbox.put_all([waiting[position] for position in took])
    r.stores.outbox.put_all([replace(event, state="delivered") for event in waiting if known.keys() <= set(event.taken)])
    return warnings


def targets(r: Resources) -> dict[str, tuple[str, Send]]:
    """Who is to be told, by a name that holds no secret: what to call them, and how."""
    timeout_s = r.settings.events.timeout_s
    found: dict[str, tuple[str, Send]] = {}
    for url in r.settings.events.webhooks:
        found[digest("webhook", url)[:16]] = (f"the webhook at {urlsplit(url).hostname}", _webhook(url, timeout_s))
    server = prefect_environment.server()
    if server is not None:
        found["prefect"] = ("the Prefect server", _prefect(*server, timeout_s))
    return found


def payload(event: ReleaseEvent) -> dict[str, Any]:
    """What a webhook is sent; `id` is the same however often it is."""
    told: dict[str, Any] = plain(event)
    return {"type": _type(event), **{key: value for key, value in told.items() if key not in ("state", "taken")}}


def _type(event: ReleaseEvent) -> str:
    return f"sluice.release.{event.kind.replace(' ', '-')}"


def _webhook(url: str, timeout_s: float) -> Send:
    def send(event: ReleaseEvent) -> None:
        import httpx

        httpx.post(url, json=payload(event), headers={"Idempotency-Key": event.id}, timeout=timeout_s).raise_for_status()

    return send


def _prefect(api: str, headers: Mapping[str, str], timeout_s: float) -> Send:
    """Over the server's own API, which answers when it has the event; the client's emitter would not say."""

    def send(event: ReleaseEvent) -> None:
        import httpx

        resource = {"prefect.resource.id": f"sluice.index.{event.index}", "prefect.resource.name": event.index}
        told = payload(event)
        occurred = {"occurred": told["at"], "event": _type(event), "resource": resource, "id": str(UUID(event.id[:32]))}
        request = [{**occurred, "payload": told}]
        httpx.post(f"{api}/events", json=request, headers=dict(headers), timeout=timeout_s).raise_for_status()

    return send
