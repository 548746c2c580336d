"""Which addresses a source may connect to: public ones, and those of hosts that the configuration names.

Checked where the connection is made, on the address it is made to, so that neither a redirect nor a DNS answer (nor one
that changes between check and use) leads to this machine or to its private neighbours.
"""

from __future__ import annotations

import contextvars
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from sluice.errors import DocumentError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=float("inf"))
"""When (`time.monotonic`) the present request must be done, headers and body: a server that drips bytes is cut off."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also when IPv6 wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if wrapped is None and ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


def authority(url: str) -> str:
    """`host:port` of a URL, as `Guard` wants hosts named; raises ValueError where there is none."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if not parts.hostname or port is None:
        raise ValueError("is no http or https URL")
    return f"{parts.hostname.lower()}:{port}"


class Guard:
    """Says yes or no to an address. `named` hosts are trusted: as `host` on any port, as `host:port` on that one."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._named = frozenset(name.lower() for name in named)

    def names(self, host: str, port: int) -> bool:
        return not self._named.isdisjoint({host.lower(), f"{host.lower()}:{port}"})

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host to connect to, in the resolver's order.

        Raises DocumentError `refused_address` when any of them is private and the host is not named; OSError when the
        name cannot be resolved.
        """
        found = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        if not self.names(host, port) and (private := [address for address in found if not is_public(address)]):
            raise DocumentError(
                "refused_address",
                f"{host}:{port} leads to {private[0]}, which is no public address",
                hint=f'if this is meant, name it in the source\'s allow_hosts: ["{host}:{port}"]',
            )
        return found


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses that the guard lets pass, and keeps every read and write within the deadline."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._guard.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved: {error}") from error
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                connected = self._backend.connect_tcp(address, port, _left(timeout), local_address, socket_options)
                return _TimedStream(connected)
            except httpcore.ConnectError:
                if last == 0:
                    raise
        raise httpcore.ConnectError(f"the name {host} has no address")


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float:
    left = deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("out of time")
    return left if timeout is None else min(left, timeout)
