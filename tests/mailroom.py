"""Messages and a real IMAP server (pymap) for tests of the mail source."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

USER, PASSWORD = "demouser", "demopass"


def message(
    ident: str,
    text: str = "Hello\n",
    attached: dict[str, bytes] | None = None,
    *,
    answers: tuple[str, ...] = (),
    **headers: str,
) -> bytes:
    """A message as it would be received; `answers` are its References, the first of the thread first."""
    made = EmailMessage()
    made["Message-ID"] = f"<{ident}>"
    made["From"] = "ann@example.org"
    made["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    made["Subject"] = "About something"
    if answers:
        made["References"] = " ".join(f"<{a}>" for a in answers)
        made["In-Reply-To"] = f"<{answers[-1]}>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    for name, content in (attached or {}).items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def mbox(path: Path, *messages: bytes) -> Path:
    """An mbox file of these messages."""
    path.write_bytes(b"".join(b"From ann@example.org Mon Nov  2 10:00:00 2026\n" + m.rstrip(b"\n") + b"\n\n" for m in messages))
    return path


@contextmanager
def imap_server() -> Iterator[int]:
    """An IMAP server in memory, with one user (and demonstration folders); gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    server = subprocess.Popen([*command, "dict", "--demo-data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                client(port).logout()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.kill()
        server.wait()


def client(port: int) -> imaplib.IMAP4:
    """A user's own mail program."""
    connected = imaplib.IMAP4("127.0.0.1", port, timeout=10)
    connected.login(USER, PASSWORD)
    return connected


def deliver(server: imaplib.IMAP4, folder: str, content: bytes) -> None:
    assert server.append(folder, "", "", content)[0] == "OK"


def remove(server: imaplib.IMAP4, folder: str, ident: str) -> None:
    """Delete every message of a folder with this Message-ID."""
    server.select(folder)
    numbers = server.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
    for part in numbers:
        if isinstance(part, tuple) and f"<{ident}>".encode() in part[1]:
            server.uid("STORE", part[0].split(b"UID ")[1].split()[0].decode(), "+FLAGS", "(\\Deleted)")
    server.expunge()
