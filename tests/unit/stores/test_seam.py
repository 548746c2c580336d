"""No call of the MongoDB driver is made outside the seam that turns its errors into Sluice's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import stores

CALLS = {
    "aggregate",
    "bulk_write",
    "command",
    "count_documents",
    "create_index",
    "delete_many",
    "delete_one",
    "find",
    "find_one",
    "find_one_and_update",
    "insert_many",
    "insert_one",
    "open_download_stream_by_name",
    "update_many",
    "update_one",
    "upload_from_stream",
}
WITHIN_A_CALLER_S = {
    ("blobs.py", "_large"),
    ("embedded.py", "_answers"),
    ("connection.py", "insert_new"),
    ("connection.py", "replace_rows"),
    ("documents.py", "_add"),
}
"""Functions whose every caller is within the seam, or that expect the driver's errors."""


def outside(file: Path) -> Iterator[tuple[str, str, int]]:
    """File, function and line of every call that no `with translated(…)` encloses."""

    def walk(node: ast.AST, function: str, within: bool) -> Iterator[tuple[str, str, int]]:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        if isinstance(node, ast.With):
            within = within or any("translated" in ast.dump(item.context_expr) for item in node.items)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS and not within:
            yield file.name, function, node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function, within)

    yield from walk(ast.parse(file.read_text(encoding="utf-8")), "", False)


def test_every_call_of_the_driver_is_within_the_seam() -> None:
    """A server that goes away is StoreUnavailable wherever it is asked: by a lease that was lost, too."""
    here = Path(stores.__file__).parent
    files = [file for file in [*here.glob("*.py"), *(here / "mongo").glob("*.py")] if file.name != "operations.py"]
    assert len(files) > 20
    calls = {(name, function) for file in files for name, function, _ in outside(file)}
    assert calls - WITHIN_A_CALLER_S == set()
