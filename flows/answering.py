"""The Prefect server that is configured (`PREFECT_API_URL`): does it answer, and what is said where it does not.

Prefect itself is not imported: whoever only asks is not to wait for it.
"""

from __future__ import annotations

from pipeline import prefect_environment
from sluice.display import address, line
from sluice.errors import StoreUnavailable, chain

TIMEOUT_S = 5.0


def reach(timeout_s: float = TIMEOUT_S) -> str | None:
    """The address of the configured server, which answers; None without one. Raises StoreUnavailable when it does not answer, or
    refuses the key."""
    if (configured := prefect_environment.server()) is None:
        return None
    import httpx

    url, headers = configured
    try:
        # Not its health, which it tells to anybody: whether it would take what we tell it.
        answer = httpx.post(f"{url.rstrip('/')}/flows/filter", json={"limit": 1}, headers=headers, timeout=timeout_s)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unanswered(error) from error
    return address(url)


def is_silent(error: BaseException) -> bool:
    """Whether this, or what it came of, is a server's failure to answer, as Prefect's client raises it."""
    import httpx

    return any(isinstance(each, httpx.HTTPError) or "Failed to reach API" in str(each) for each in chain(error))


def why(error: BaseException) -> str:
    """What the network said first, on one line."""
    import httpx

    first = error
    for each in chain(error):
        if isinstance(each, httpx.HTTPError | OSError):
            first = each
    return line(f"{type(first).__name__}: {first}".removesuffix(": "), 200)


def unanswered(error: BaseException) -> StoreUnavailable:
    """What is said of a server that does not answer, or refuses."""
    configured = prefect_environment.server()
    where = f" at {address(configured[0])}" if configured is not None else ""
    if (status := _status(error)) is not None and status < 500:
        said, hint = f"refuses what is asked of it ({status})", "is PREFECT_API_URL right (it ends in /api), and PREFECT_API_KEY?"
    else:
        said = f"does not answer ({why(error)})"
        hint = "start it, or unset PREFECT_API_URL (in a profile: prefect config unset PREFECT_API_URL): then no server is needed"
    return StoreUnavailable(f"the Prefect server{where} {said}", hint=hint)


def _status(error: BaseException) -> int | None:
    import httpx

    return next((each.response.status_code for each in chain(error) if isinstance(each, httpx.HTTPStatusError)), None)
