"""Whose code an error came from: somebody's own strategy, source or gate is named by file and line."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

OURS = ("sluice", "ingest", "chunking", "indexing", "evaluation", "stores", "pipeline", "flows", "cli")

_HOME = Path(__file__).resolve().parents[1]
_NOT_THEIRS = (
    *(str(_HOME / name) + "/" for name in OURS),
    *(str(Path(sysconfig.get_path(name)).resolve()) + "/" for name in ("stdlib", "purelib", "platlib")),
)


def own_code(error: BaseException) -> str | None:
    """`file:line, in function` of the innermost frame that is neither Sluice's nor of an installed package; None without one."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = str(Path(frame.filename).resolve()) if Path(frame.filename).is_absolute() else frame.filename
        if Path(file).is_file() and not file.startswith(_NOT_THEIRS) and Path(file).suffix == ".py":
            return f"{file}:{frame.lineno}, in {frame.name}"
    return None
