"""A Prefect server that does not answer: told in words, and what the operation came to is answered all the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from flows import answering
from flows.reporting import came_to
from flows.telling import Rejection
from pipeline.outcomes import Report
from sluice.errors import MassDeletion, StoreUnavailable


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens, for as long as the test holds its port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def server(status: int) -> Iterator[str]:
    """A server that answers with this status, whatever it is asked; gives its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/api"
        finally:
            listening.shutdown()
            thread.join()


def refused() -> RuntimeError:
    """As Prefect says it, of a connection that was refused."""
    error = RuntimeError("Failed to reach API at http://127.0.0.1:9/api/")
    error.__cause__ = httpx.ConnectError("All connection attempts failed")
    error.__cause__.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return error


def test_who_has_no_server_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address nothing is reached for."""
    monkeypatch.setenv("PREFECT_PROFILES_PATH", "/nowhere/profiles.toml")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert answering.reach() is None


def test_a_server_that_answers_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address may hold a user and a password."""
    with server(200) as url:
        monkeypatch.setenv("PREFECT_API_URL", url.replace("://", "://user:hunter2@"))
        assert answering.reach() == url


def test_nobody_there_is_said_with_the_address_and_the_way_out(monkeypatch: pytest.MonkeyPatch, nowhere: str) -> None:
    """What is to be done: start it, or do without."""
    monkeypatch.setenv("PREFECT_API_URL", f"http://user:hunter2@{nowhere}/api")
    with pytest.raises(
        StoreUnavailable, match=rf"the Prefect server at http://{nowhere}/api does not answer \(.+refused"
    ) as error:
        answering.reach()
    assert "unset PREFECT_API_URL" in error.value.hint
    assert "hunter2" not in error.value.message


@pytest.mark.parametrize(("status", "said"), [(401, r"refuses what is asked of it \(401\)"), (502, "does not answer")])
def test_a_refusal_is_no_outage(monkeypatch: pytest.MonkeyPatch, status: int, said: str) -> None:
    """A wrong key, or an address that is no API, is not to be waited for."""
    with server(status) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        with pytest.raises(StoreUnavailable, match=said) as error:
            answering.reach()
        assert ("PREFECT_API_KEY" in error.value.hint) == (status == 401)


def test_only_the_servers_silence_is_taken_for_it() -> None:
    """Any other error is what it is."""
    assert answering.is_silent(refused())
    assert answering.why(refused()) == "ConnectionRefusedError: [Errno 111] Connection refused"
    assert not answering.is_silent(ValueError("too odd"))


def test_what_is_live_is_answered_though_the_server_went_away() -> None:
    """A run that promoted ends as one that promoted, with a warning; it ended as a failure, with exit code 1."""
    done = Report(outcome="promoted", release="r1", warnings=("already told",))
    found = came_to([done], refused())
    assert (found.outcome, found.release, len(found.warnings)) == ("promoted", "r1", 2)
    assert "was not told how this ended: ConnectionRefusedError" in found.warnings[1]
    assert came_to([Rejection(Report(outcome="rejected", release="r2"))], refused()).outcome == "rejected"


def test_what_failed_fails_of_what_it_failed_of() -> None:
    """Not of the server that could not be told; where nothing had begun, the server is what there is to say."""
    with pytest.raises(MassDeletion, match="too many"):
        came_to([MassDeletion("too many")], refused())
    with pytest.raises(StoreUnavailable, match="the Prefect server"):
        came_to([], refused())
