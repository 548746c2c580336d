"""Advisory file locks (flock): the kernel drops them with the process that holds them, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from stores import private

_POLL_S = 0.02


class FileLock:
    """A lock on a file of its own; every instance is a holder of its own, also within one process.

    Closing is what releases: a forked child that inherited the lock keeps it until it ends or closes it too.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Raises ConfigurationError when it cannot be made; without `create`, FileNotFoundError when it is not there."""
        self._file: int | None = None
        try:
            if create:
                private.make(path.parent)
            self._file = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0) | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not create:
                raise
            raise private.unwritable(path, error) from None

    def acquire(self, *, shared: bool = False, wait_s: float = 0) -> bool:
        """Whether the lock was had within `wait_s`."""
        if self._file is None:
            raise ValueError("the lock is closed")
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._file, mode)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL_S)
            else:
                return True

    def write(self, text: str) -> None:
        """Say something to whoever finds the lock taken."""
        if self._file is None:
            raise ValueError("the lock is closed")
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def read(self) -> str:
        """What the present or the last holder said."""
        if self._file is None:
            raise ValueError("the lock is closed")
        return os.pread(self._file, 4096, 0).decode(errors="replace")

    def close(self) -> None:
        """Let go; safe to call again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
