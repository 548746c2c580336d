"""HTTP for sources, against a real server."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.sources.addresses import Guard, authority, is_public
from ingest.sources.http import Http, HttpOptions, shown
from sluice.errors import DocumentError, SourceUnavailable
from tests.web import Asked, Reply, Web, web


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        yield made


def client(site: Web, naps: list[float] | None = None, secret: dict[str, str] | None = None, **options: Any) -> Http:
    naps = naps if naps is not None else []
    clock = lambda: datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)  # noqa: E731
    return Http("s", HttpOptions(**options), (site.address,), secret or {}, naps.append, clock)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    """Loopback, private, link-local, shared and multicast ones, also wrapped in IPv6."""
    assert not is_public(address)
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1::1")


def test_a_host_is_trusted_where_it_is_named_and_nowhere_else(site: Web) -> None:
    """A name that resolves to a private address is refused; `host:port` in the configuration allows that port only."""
    site.pages["/"] = b"hello"
    port = site.address.partition(":")[2]
    with pytest.raises(DocumentError) as refused:
        client(site).get(f"http://localhost:{port}/")
    assert refused.value.reason == "refused_address"
    assert f'allow_hosts: ["localhost:{port}"]' in refused.value.hint
    assert not site.asked
    assert client(site, allow_hosts=[f"localhost:{port}"]).get(f"http://localhost:{port}/").content == b"hello"
    assert not Guard(["localhost:80"]).names("localhost", 443)


def test_a_redirect_does_not_lead_to_a_private_address(site: Web) -> None:
    """The address is checked on every hop: nothing is even connected to."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        site.pages["/"] = Reply(status=302, headers={"Location": f"http://127.0.0.1:{inside.getsockname()[1]}/admin"})
        with pytest.raises(DocumentError) as refused:
            client(site).get(site.url())
        inside.settimeout(0.05)
        with pytest.raises(TimeoutError):
            inside.accept()
    assert refused.value.reason == "refused_address"


def test_secrets_go_to_the_named_host_only(site: Web) -> None:
    """After a redirect to another host neither its requests nor the messages hold the secret."""
    site.pages["/mine"] = lambda asked: Reply(asked.headers.get("X-Api-Key", "none").encode())
    assert client(site, secret={"X-Api-Key": "s3cret"}).get(site.url("mine")).content == b"s3cret"
    with web() as other:
        other.pages["/"] = Reply(b"moved here")
        site.pages["/moved"] = Reply(status=301, headers={"Location": other.url()})
        http = client(site, secret={"X-Api-Key": "s3cret"}, allow_hosts=[other.address])
        assert http.get(site.url("moved")).content == b"moved here"
        assert "X-Api-Key" not in other.asked[0].headers
    with pytest.raises(DocumentError) as gone:
        http.get(site.url("none?token=s3cret").replace("//", "//me:s3cret@"))
    assert "s3cret" not in gone.value.message + gone.value.hint + repr(http)
    assert shown("https://me:pass@host:8443/a?b=c") == "https://host:8443/a?…"


def test_a_loop_of_redirects_ends(site: Web) -> None:
    """After five it is an error of this document."""
    site.pages["/"] = Reply(status=302, headers={"Location": "/"})
    with pytest.raises(DocumentError) as error:
        client(site).get(site.url())
    assert error.value.reason == "redirects"
    assert len(site.asked) == 6


def test_conditional_requests_cost_no_body(site: Web) -> None:
    """What has not changed answers 304; what has, comes whole."""
    site.pages["/"] = b"one"
    first = client(site).get(site.url())
    assert client(site).get(site.url(), validator=first.validator).not_modified
    assert site.bodies["/"] == 1
    site.pages["/"] = b"two"
    assert client(site).get(site.url(), validator=first.validator).content == b"two"


def test_retry_after_is_honoured(site: Web) -> None:
    """429 and 503 are tried again after what the server asks for, in seconds or as a date."""
    replies = iter(
        [
            Reply(status=429, headers={"Retry-After": "7"}),
            Reply(status=503, headers={"Retry-After": "Sat, 21 Nov 2026 12:00:20 GMT"}),
            Reply(b"at last"),
        ]
    )
    site.pages["/"] = lambda asked: next(replies)
    naps: list[float] = []
    assert client(site, naps).get(site.url()).content == b"at last"
    assert naps == [7, 20]


def test_a_server_that_asks_for_too_much_patience_ends_the_run(site: Web) -> None:
    """More than max_wait_s is not slept, and the message says both figures."""
    site.pages["/"] = Reply(status=429, headers={"Retry-After": "3600"})
    naps: list[float] = []
    with pytest.raises(SourceUnavailable, match="asks to wait 3600 s, max_wait_s is 60"):
        client(site, naps).get(site.url())
    assert naps == []


def test_attempts_are_limited(site: Web) -> None:
    """A server that only fails is asked `attempts` times."""
    site.pages["/"] = Reply(status=500)
    with pytest.raises(SourceUnavailable, match=r"HTTP 500 \(tried 3 times\)"):
        client(site, attempts=3).get(site.url())
    assert len(site.asked) == 3


@pytest.mark.parametrize(("status", "reason"), [(404, "gone"), (410, "gone"), (403, "forbidden"), (418, "http_error")])
def test_refusals_are_the_documents_own(site: Web, status: int, reason: str) -> None:
    """They are not tried again; in a listing they mean that it is not whole."""
    site.pages["/"] = Reply(status=status)
    with pytest.raises(DocumentError) as error:
        client(site).get(site.url())
    assert error.value.reason == reason
    assert len(site.asked) == 1
    with pytest.raises(SourceUnavailable):
        client(site).listing(site.url())


def test_size_is_limited_after_decompression(site: Web) -> None:
    """A bomb of a few kilobytes counts for what it unpacks to."""
    bomb = gzip.compress(b"\0" * 5_000_000)
    site.pages["/"] = Reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(DocumentError) as error:
        client(site, max_bytes=1_000_000).get(site.url())
    assert error.value.reason == "too_large"


def test_a_body_that_is_cut_off_within_its_compression_is_no_answer(site: Web) -> None:
    """Nor is one in a coding that was not asked for, nor a 304 to a request that named nothing; of a gzip every member counts."""
    whole = gzip.compress(b"Deploy the gateway on Tuesdays. ")
    site.pages |= {
        "/half": Reply(whole[:-12], headers={"Content-Encoding": "gzip"}),
        "/br": Reply(b"x", headers={"Content-Encoding": "br"}),
        "/304": Reply(status=304),
        "/two": Reply(whole + whole, headers={"Content-Encoding": "gzip"}),
    }
    for path, why in (("/half", "cut off"), ("/br", "not asked for"), ("/304", "HTTP 304")):
        with pytest.raises(SourceUnavailable, match=why):
            client(site).get(site.url(path))
    assert client(site).get(site.url("/two")).content == b"Deploy the gateway on Tuesdays. " * 2


def test_media_types_can_be_insisted_on(site: Web) -> None:
    """Any other is refused before its body is read."""
    site.pages["/"] = Reply(b"\x89PNG", headers={"Content-Type": "image/png"})
    with pytest.raises(DocumentError) as error:
        client(site).get(site.url(), types=["text/html"])
    assert error.value.reason == "wrong_type"


def test_a_server_that_drips_is_cut_off() -> None:
    """timeout_s is for the request as a whole: bytes that keep coming, even of headers, do not extend it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                    for _ in range(200):
                        connection.sendall(b"x")
                        time.sleep(0.02)
            except OSError:
                pass  # the client has hung up, as it should

        thread = threading.Thread(target=drip)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(SourceUnavailable):
            Http("s", HttpOptions(timeout_s=0.3, attempts=1), (address,)).get(f"http://{address}/")
        assert time.monotonic() - started < 2
        thread.join()


def test_no_cookie_is_carried_over(site: Web) -> None:
    """Each request stands alone."""
    site.pages["/"] = lambda asked: Reply(asked.headers.get("Cookie", "none").encode(), headers={"Set-Cookie": "a=b"})
    http = client(site)
    assert [http.get(site.url()).content for _ in range(2)] == [b"none", b"none"]


def test_parameters_are_added_to_those_of_the_url(site: Web) -> None:
    """A configured query string stays."""
    asked: list[Asked] = site.asked
    site.pages["/"] = b"x"
    client(site).get(site.url("?a=1"), params={"b": 2})
    assert asked[0].query == {"a": "1", "b": "2"}
    assert authority("HTTPS://Example.com/x") == "example.com:443"
