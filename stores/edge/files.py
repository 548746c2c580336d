"""What a collection of the embedded vector store is on disk.

    NAME/state.json      what holds now, replaced whole: which folder of points, which overlay, of what shape
    NAME/overlay-7.json  tags changed since those points were written: document key -> tags; never changed itself
    NAME/3/              the points: a shard of Qdrant Edge
    NAME/files-3.json    its files and their sizes when it was sealed: a truncated one opens, and holds fewer points
    NAME/notes-3-held    what somebody read from these points and keeps beside them, by name; nobody misses it
    NAME/write.lock      held for as long as a process writes into the points

A folder of points is written by one process and never again once `writing` is false: Qdrant Edge rewrites headers of its
files when a shard is closed, also one that was only read, so that a reader would undo what a writer did meanwhile (seen
with 0.9.0); and a process killed between two flushes leaves payloads and payload indexes that disagree.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sluice.access import AccessTags
from sluice.errors import IntegrityError
from stores import private
from stores.edge.queries import Overlay

LOCK = "write.lock"
GONE = ".gone-"
NEW = ".new-"


@dataclass(frozen=True, slots=True)
class State:
    """What holds of a collection. Every change raises `generation`; `shard` and `overlay` (0: none) name its files.

    `dead`: points that were replaced or removed in place, whose bytes are still in the files. `points`: how many there are, in
    what was sealed by a version that noted it. `segment`: how many points are appended before they become a segment that is not
    written any more; 0 in what was made by a version that knew only one segment.
    """

    dimension: int
    sparse: bool
    generation: int = 1
    shard: int = 1
    overlay: int = 0
    writing: bool = True
    dead: int = 0
    points: int | None = None
    segment: int = 0


_STATE = tuple(field.name for field in fields(State))


def read_state(folder: Path) -> tuple[bytes, State]:
    """The state and its very bytes; FileNotFoundError where there is no collection, IntegrityError when it is damaged."""
    content = (folder / "state.json").read_bytes()
    try:
        said = json.loads(content)
        return content, State(**{name: said[name] for name in _STATE if name in said})  # a later version may say more
    except (ValueError, TypeError):
        raise damaged(folder, f"its state.json is not readable ({len(content)} bytes)") from None


def write_state(folder: Path, state: State) -> None:
    """Let this hold from now on, in every process."""
    private.replace(folder / "state.json", json.dumps(asdict(state)).encode())
    sweep(folder, state)


def read_overlay(folder: Path, state: State) -> dict[str, AccessTags]:
    """The tags that hold in the place of those of the points; FileNotFoundError when a newer state has taken over."""
    if not state.overlay:
        return {}
    content = (folder / f"overlay-{state.overlay}.json").read_bytes()
    try:
        return {str(key): AccessTags(tags) for key, tags in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError):
        raise damaged(folder, f"its overlay-{state.overlay}.json is not readable ({len(content)} bytes)") from None


def write_overlay(folder: Path, generation: int, overlay: Overlay) -> None:
    """Beside the one that holds; it holds when a state says so."""
    tags = {key: sorted(now) for key, now in sorted(overlay.items())}
    private.replace(folder / f"overlay-{generation}.json", json.dumps(tags).encode())


def sealed_points(folder: Path) -> int | None:
    """How many points a sealed collection holds, its files being as large as they were then; None where that was not noted."""
    state = read_state(folder)[1]
    if state.writing or state.points is None or not (folder / f"files-{state.shard}.json").exists():
        return None
    whole(folder, state.shard)
    return state.points


def write_notes(folder: Path, name: str, notes: bytes) -> None:
    """Beside points that are sealed; beside others nothing is kept."""
    state = read_state(folder)[1]
    if not state.writing:
        private.replace(folder / f"{_notes(state)}{name}", notes)


def read_notes(folder: Path, name: str) -> bytes | None:
    """What is kept beside the points that hold now."""
    state = read_state(folder)[1]
    try:
        return (folder / f"{_notes(state)}{name}").read_bytes() if not state.writing else None
    except FileNotFoundError:
        return None


def _notes(state: State) -> str:
    """How the names of what is kept beside these points begin."""
    return f"notes-{state.shard}-"


def whole(folder: Path, number: int) -> None:
    """IntegrityError where a file of these points is not as large as it was when they were sealed."""
    noted = folder / f"files-{number}.json"
    if not noted.exists():
        return  # not sealed yet
    try:
        expected: dict[str, int] = json.loads(noted.read_bytes())
        seen = sizes(folder / str(number))
        wrong = sorted(name for name, bytes in expected.items() if seen.get(name) != bytes)
    except (ValueError, AttributeError):
        raise damaged(folder, f"{noted.name} is not readable") from None
    if wrong:
        raise damaged(
            folder,
            f"{len(wrong)} of its {len(expected)} files are missing or truncated, as {number}/{wrong[0]} "
            f"({seen.get(wrong[0], 'no')} bytes, not {expected[wrong[0]]})",
        )


def sizes(path: Path) -> dict[str, int]:
    """Every file below a folder, and its bytes."""
    return {
        str(Path(where, name).relative_to(path)): os.stat(Path(where, name)).st_size
        for where, _, names in os.walk(path)
        for name in names
    }


def size(path: Path, without: Callable[[Path], bool] = lambda _file: False) -> int:
    """Bytes on the disk below a folder, without those of some files."""
    files = (Path(where, name) for where, _, names in os.walk(path) for name in names)
    return sum(os.stat(file).st_blocks * 512 for file in files if not without(file))


def discard(path: Path) -> None:
    """Remove what a killed process had begun; no error where there is nothing."""
    shutil.rmtree(path, ignore_errors=True)


def remove(folder: Path) -> None:
    """Take a folder away at once for everybody who looks, then remove what is in it."""
    gone = folder.with_name(f"{GONE}{folder.name}-{os.urandom(4).hex()}")
    folder.rename(gone)
    private.sync(gone.parent)
    shutil.rmtree(gone)


def clear(collections: Path) -> None:
    """Remove what a process was killed in making or in taking away: words of documents, too, under names that nobody asks for.
    For who changes the store alone: whoever makes a collection does so under the same lock.
    """
    for left in (*collections.glob(f"{GONE}*"), *collections.glob(f"{NEW}*")):
        shutil.rmtree(left, ignore_errors=True)


def damaged(folder: Path, why: str) -> IntegrityError:
    """A collection that cannot be read, and the way back."""
    return IntegrityError(
        f"collection {folder.name} of the embedded vector store is damaged: {why}",
        hint=f"restore {folder} from a backup; or remove that folder and run again: it is built from MongoDB and cached vectors",
    )


def sweep(folder: Path, state: State) -> None:
    """Remove what this state does not name; who has it open keeps it until they look again."""
    kept = {str(state.shard), f"files-{state.shard}.json", f"overlay-{state.overlay}.json", "state.json", LOCK}
    for entry in folder.iterdir():
        if entry.name not in kept and not entry.name.startswith(_notes(state)):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
