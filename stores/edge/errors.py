"""The one seam where the errors of Qdrant Edge become Sluice's."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluice.errors import IntegrityError, Permanent, ReleaseError
from stores import private
from stores.edge import memory

_DAMAGE = ("IO error", "IO Error", "is not readable", "out of bounds", "failed to load")


@contextmanager
def translated(folder: Path, doing: str, collection: str = "") -> Iterator[None]:
    """Whatever the engine or the disk raises within, as an error of Sluice's.

    A collection that went away meanwhile: ReleaseError. A full disk: StoreUnavailable, said as such; want of memory: MemoryError.
    Files that cannot be written: ConfigurationError. Bytes that cannot be read: IntegrityError. Anything else that the engine
    refused: Permanent. It knows `Exception` alone, and PanicException, which is none.
    """
    what = f"{doing} {collection}".strip()
    try:
        yield
    except FileNotFoundError as error:
        raise ReleaseError(
            f"there is no collection {collection} any more ({what})", hint="sluice releases lists what can be searched"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError(f"{what}: {error.strerror}") from error
        raise private.unwritable(folder, error) from error
    except BaseException as error:
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        said = f"{str(error)[:300]}"
        if memory.lacks(said):
            raise MemoryError(f"{what}: {said}") from error
        if "No space left" in said:
            raise private.full(folder, what) from error
        if type(error) is not Exception or any(sign in said for sign in _DAMAGE):
            raise IntegrityError(
                f"collection {collection} of the embedded vector store {folder} is damaged (seen while {what}): {said}",
                hint=f"restore its folder in {folder / 'collections'} from a backup; or remove it and run again: it is built "
                "from MongoDB and cached vectors",
            ) from error
        raise Permanent(
            f"the embedded vector store {folder} refused an operation while {what}: {said}", hint="run 'sluice doctor'"
        ) from error
