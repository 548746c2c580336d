"""The house keeps its rules of size and names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sluice", "ingest", "chunking", "indexing", "evaluation", "stores", "pipeline", "flows", "cli", "tools", "benchmarks")
MOST = 300


def test_a_module_of_more_than_300_lines_says_why_at_its_top() -> None:
    """Small modules; where one is not, its docstring has the reason, and a reason goes when the module is small again."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            says = f"Over {MOST} lines:" in (ast.get_docstring(ast.parse(text)) or "")
            assert says or text.count("\n") <= MOST, f"{file.relative_to(ROOT)}: {text.count(chr(10))} lines and no reason"
            assert not says or text.count("\n") > MOST - 30, f"{file.relative_to(ROOT)}: a reason for a size that it has no more"


def test_encoders_are_imported_with_what_runs_them_and_nothing_else() -> None:
    """They are carried to a machine with a GPU, and into other libraries' environments: no pydantic, no globs, no database."""
    code = "import sys, indexing.models.encoder; print(sorted({'pydantic', 'wcmatch', 'pymongo', 'yaml'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
