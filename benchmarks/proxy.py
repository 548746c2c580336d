"""A TCP proxy before several servers, which does to a connection what networks do: at one piece of data, counted over all.

    python -m benchmarks.proxy NAME=PORT|SOCKET …     # prints {NAME: port}, then answers each line of its standard input

A line is an order, `{"at": N, "how": "cut"}`: at the N-th piece from now. The answer is what became of the order before it:
`{"passed": pieces, "done": whether it came to that, "to": which server}`. Lives until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

PIECE = 16_384
DELAY_S, STALL_S, AWAY_S = 0.5, 4.0, 2.0


@dataclass
class Proxy:
    """Counts what passes; `order` is what is to be done, once."""

    at: int = 0
    how: str = ""
    passed: int = 0
    done: str = ""
    away_until: float = 0.0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def ordered(self, at: int, how: str) -> dict[str, Any]:
        """Take an order; what became of the one before."""
        before = {"passed": self.passed, "done": bool(self.done), "to": self.done}
        self.at, self.how, self.passed, self.done = at, how, 0, ""
        return before

    async def serve(self, name: str, connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]) -> int:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if asyncio.get_running_loop().time() < self.away_until:
                return _reset(writer)
            try:
                upstream = await connect()
            except OSError:
                return _reset(writer)
            both = {writer, upstream[1]}
            self.open |= both
            ways = [self._pipe(reader, upstream[1], name), self._pipe(upstream[0], writer, name)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for end in both:
                end.close()
            self.open -= both
            await asyncio.gather(*tasks, return_exceptions=True)
            return None

        server = await asyncio.start_server(client, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        """Piece by piece, until one side ends or the order says so."""
        try:
            while piece := await reader.read(PIECE):
                self.passed += 1
                if self.passed == self.at:
                    self.done = name
                    if await self._strike(writer, piece):
                        return
                writer.write(piece)
                await writer.drain()
        except (OSError, RuntimeError):
            return

    async def _strike(self, writer: asyncio.StreamWriter, piece: bytes) -> bool:
        """Do what was ordered; whether this connection is over."""
        if self.how in ("delay", "stall"):
            await asyncio.sleep(DELAY_S if self.how == "delay" else STALL_S)
            return False
        if self.how == "cut":  # in the middle of a message, politely
            writer.write(piece[: len(piece) // 2])
            await writer.drain()
            return True
        if self.how == "away":
            self.away_until = asyncio.get_running_loop().time() + AWAY_S
        for end in {writer} if self.how == "reset" else set(self.open):  # "reset": this one; "all", "away": every one
            _reset(end)
        return True


HOWS = ("cut", "reset", "all", "away", "delay", "stall")
"""End one connection in a message; reset one; reset all; reset all and be away; hold one up; hold one up past every limit."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """With RST, as when a machine or a firewall forgets a connection."""
    if (found := writer.get_extra_info("socket")) is not None and found.family == socket.AF_INET:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def main() -> None:
    proxy, ports = Proxy(), {}
    for named in sys.argv[1:]:
        name, _, target = named.partition("=")

        async def connect(target: str = target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            if target.isdigit():
                return await asyncio.open_connection("127.0.0.1", int(target))
            return await asyncio.open_unix_connection(target)

        ports[name] = await proxy.serve(name, connect)
    print(json.dumps(ports), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(proxy.ordered(**json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
