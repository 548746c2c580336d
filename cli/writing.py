"""Files and folders that somebody named for a command to write: what stands in the way is said as wrong usage."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluice.errors import ConfigurationError
from sluice.replacing import replacing

_WRONG = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EROFS,
    errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip
HINT = "make the folder, or name another place"


@contextmanager
def writing(path: Path | None, *, makes_folders: bool = False) -> Iterator[None]:
    """For the time of a command that writes there: ConfigurationError where that cannot be, at once where the folder is missing.

    `makes_folders`: missing folders above it are made. A disk that is full is no wrong usage, and stays what it is.
    """
    if path is None:
        yield
        return
    if not makes_folders and not path.parent.is_dir():
        raise ConfigurationError(f"{path} cannot be written: there is no folder {path.parent}", hint=HINT)
    try:
        yield
    except OSError as error:
        if error.errno not in _WRONG or not _about(error, path.absolute()):
            raise
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}", hint=HINT) from None


def put(file: Path, text: str) -> None:
    """Write a file whole or not at all: whoever reads it meanwhile, or when the disk is full, has the one before."""
    if file.exists() and not file.is_file():  # /dev/stdout, a pipe: written to, never replaced
        file.write_text(text, encoding="utf-8")
        return
    with replacing(file.resolve(), 0o666) as made:
        made.write_text(text, encoding="utf-8")


def _about(error: OSError, path: Path) -> bool:
    """Whether it is this path that failed, something beside or in it, or a folder above it."""
    if not isinstance(error.filename, str):
        return False
    failed = Path(error.filename).absolute()
    return failed.is_relative_to(path.parent) or path.is_relative_to(failed)
