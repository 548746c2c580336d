"""Files that only their owner can read, and files that are replaced whole: the one place for both.

Below a state directory lies every document's text. Everything there is 0700 or 0600 from its first byte: `protect` sets
the process's umask before anything is written, so that what libraries write (SQLite, Qdrant's engine) is covered too, and
closes the directory itself, so that what an earlier version left open inside cannot be reached.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sluice.errors import ConfigurationError, DiskFull

MARGIN_BYTES = 128 * 1024 * 1024
"""Free space below which nothing more is begun: a file mapped into memory that cannot grow kills the process."""

MARGIN_FILES = 400
"""The same of files that a disk can still hold (its inodes): a collection has some hundred, and a reader needs a few, too."""


SYNCS = 8
"""Files that are brought to the disk at once: a collection has some ninety, and the disk takes many as fast as one."""


def protect(folder: Path) -> None:
    """Make `folder` (a state directory) its owner's alone, and all that this process will write anywhere.

    A directory that is not there yet is not made. Raises ConfigurationError when it belongs to somebody else.
    """
    os.umask(os.umask(0o077) | 0o077)
    try:
        if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(
            f"the state directory {folder} can be read by others, and this user may not change that ({error.strerror})",
            hint="choose another state_dir, or give it to this user",
        ) from None


def make(folder: Path) -> bool:
    """Make a folder, and what is missing above it, for the owner alone; whether it is new."""
    try:
        if folder.is_dir():
            return False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the umask says what the parents get
    except OSError as error:
        raise unwritable(folder, error) from None
    return True


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; durable, with its name, when it returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", buffering=0) as file:
        left = memoryview(content)
        while left:  # a disk that becomes full takes a part first
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)


def copy(source: Path, target: Path, shared: Callable[[Path], bool] = lambda _file: False) -> None:
    """Copy a folder to a place where nothing is, holes as holes; `sync_tree` makes it durable. Files that are `shared`, which
    nobody may ever write again, are the same files where the file system has such links.

    Qdrant's engine makes files of 32 MB with next to nothing in them: five for a collection of three points.
    """

    def copied(source: str, target: str) -> None:
        if shared(Path(source)):
            with suppress(OSError):
                os.link(source, target)
                return
        _copy_file(source, target)

    shutil.copytree(source, target, copy_function=copied)


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as old, open(target, "xb", buffering=0) as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        start = 0
        while start < size:
            try:
                start = os.lseek(old.fileno(), start, os.SEEK_DATA)
            except OSError:
                return  # nothing but a hole from here on
            end = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            while start < end:
                start += os.pwrite(new.fileno(), os.pread(old.fileno(), min(end - start, 1 << 20), start), start)


def sync_tree(folder: Path) -> None:
    """Everything in a folder is on the disk when it returns."""
    paths = [Path(where, name) for where, _, names in os.walk(folder) for name in (*names, "")]
    with ThreadPoolExecutor(SYNCS, "sync") as threads:
        for _ in threads.map(sync, paths):  # raises what one of them raised
            pass


def sync(path: Path) -> None:
    """A file's content, or a folder's list of names, is on the disk when it returns."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def room_for(folder: Path, needed: int) -> None:
    """Raises DiskFull when the disk has no room for this many more bytes, or for the files that they come in."""
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN_BYTES:
        raise full(folder, f"{free / 1e6:.0f} MB free, {(needed + MARGIN_BYTES) / 1e6:.0f} MB needed")
    if (files := free_files(os.statvfs(folder))) is not None and files < MARGIN_FILES:
        raise full(folder, f"it takes {files} more files, {MARGIN_FILES} are needed: df -i")


def free_files(disk: os.statvfs_result) -> int | None:
    """How many more files a disk takes; None where nothing but its bytes limits them."""
    return disk.f_favail if disk.f_files else None


def full(folder: Path, seen: str) -> DiskFull:
    """The disk is full, said as such."""
    return DiskFull(
        f"the disk of {folder} is full ({seen})",
        hint="make room and run again (sluice gc removes releases that are no longer kept); nothing that was stored is lost",
    )


def unwritable(path: Path, error: OSError) -> ConfigurationError | DiskFull:
    """Why a file below the state directory could not be written."""
    said = error.strerror or str(error)[:300]  # of a folder that was copied: a list of what was said of each file
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(path, said)
    if isinstance(error, shutil.Error):
        for number in (errno.ENOSPC, errno.EDQUOT):
            if os.strerror(number) in str(error):
                return full(path, os.strerror(number))
    return ConfigurationError(
        f"the state directory cannot be written: {path}: {said}",
        hint="choose another state_dir, or give this user the right to write there",
    )
