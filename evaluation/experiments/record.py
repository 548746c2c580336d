"""What an experiment leaves behind: results that answer the same question again, and a folder for each experiment.

    <state_dir>/experiments/results/<fingerprint>.json      one variant on one corpus and golden set
    <state_dir>/experiments/parsed/<fingerprint>/           documents as a variant parses them (by pipeline/experiments/parsed.py)
    <state_dir>/experiments/<name>-<time>/                  experiment.json  summary.json  queries.parquet  hits.parquet
                                                            passages.json  report.html  cuts.html

Files are written beside their place and moved into it: what is there is whole. Folders are their owner's alone, for they
hold words of documents that not everyone may read. Only `passages.json`, the pages
and what lies in `parsed` hold words of documents; `erase` takes a document's words, and its places, out of everything.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from glob import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evaluation.experiments.outcome import Outcome
from evaluation.experiments.report import render
from evaluation.experiments.running import VERSION, VariantResult
from sluice.replacing import replacing

CUTS = "cuts.html"
"""How the strategies cut the documents whose quotes they break; beside the report, and gone with the words of any of them."""
PACKAGES = ("sluice", "sentence-transformers", "openvino", "torch", "tokenizers", "unstructured", "ir-measures", "numpy")


class Results:
    """Variants' results by fingerprint, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, fingerprint: str) -> VariantResult | None:
        """The result recorded under this fingerprint; None without one, or when it was written by another version."""
        try:
            value = json.loads((self._folder / f"{fingerprint}.json").read_text(encoding="utf-8"))
            return VariantResult.from_json(value) if value["version"] == VERSION else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # measured again, and written anew

    def put(self, result: VariantResult) -> None:
        """Keep a result; whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._folder / f"{result.fingerprint}.json") as file:
            file.write_text(json.dumps(result.as_json(), ensure_ascii=False), encoding="utf-8")


def write(folder: Path, outcome: Outcome, *, experiment: Mapping[str, Any], summary: Mapping[str, Any], passages: Any) -> None:
    """A new experiment's folder, whole or not at all; OSError when there is one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        for name, value in (("experiment", experiment), ("summary", summary), ("passages", passages)):
            (made / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
        (made / "report.html").write_text(render(summary, passages), encoding="utf-8")
        _tables(made, outcome)
        os.rename(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def recorded_as(experiments: Path, name: str, record: Mapping[str, Any]) -> Path | None:
    """The newest folder of this experiment whose record says the same, whoever made it, when, and on which machine."""
    asked = _what(json.loads(json.dumps(record)))
    for folder in sorted(experiments.glob(f"{escape(name)}-*"), reverse=True):
        try:
            if _what(json.loads((folder / "experiment.json").read_text(encoding="utf-8"))) == asked:
                return folder
        except (OSError, ValueError, TypeError):
            continue
    return None


def _what(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("environment", "actor", "finished")}


def _tables(folder: Path, outcome: Outcome) -> None:
    """`queries.parquet`: a row for each variant and query; `hits.parquet`: one for each document and chunk found."""
    import pandas as pd  # 0.5 s that a command which only reads need not pay

    rows, hits = [], []
    for name, result in outcome.results.items():
        for query, record in zip(outcome.queries, result.queries, strict=True):
            about = {"variant": name, "query": record.id}
            rows.append({**about, "slices": list(query.slices), "kind": query.kind, "tokens": record.tokens, **record.measures})
            for kind, found in (("document", record.documents), ("chunk", record.chunks)):
                for rank, hit in enumerate(found, 1):
                    place = {"uri": hit.uri, "source": hit.source, "start": hit.start, "end": hit.end, "score": hit.score}
                    hits.append({**about, "kind": kind, "rank": rank, **place, "document_key": hit.document_key})
    columns = ["variant", "query", "kind", "rank", "uri", "source", "start", "end", "score", "document_key"]
    pd.DataFrame(rows).to_parquet(folder / "queries.parquet", index=False)
    pd.DataFrame(hits, columns=columns).to_parquet(folder / "hits.parquet", index=False)


def erase(experiments: Path, document_key: str) -> int:
    """Take a document out of every record: its words, its hits; how many files that changed. Idempotent.

    Figures that it contributed to stay; reports are made again without its passages.
    """
    import pandas as pd

    changed = 0
    for cuts in sorted({*experiments.glob(f"*/{CUTS}"), *experiments.glob(f"*-{CUTS}")}):
        if document_key in cuts.read_text(encoding="utf-8"):
            cuts.unlink()  # `sluice cuts` makes it again, of what there is
            changed += 1
    for passages in sorted(experiments.glob("*/passages.json")):
        queries = json.loads(passages.read_text(encoding="utf-8"))
        held = [entry for query in queries for entry in query["variants"]]
        if any(hit["document_key"] == document_key for entry in held for hit in entry["hits"]):
            for entry in held:
                entry["hits"] = [hit for hit in entry["hits"] if hit["document_key"] != document_key]
            summary = json.loads((passages.parent / "summary.json").read_text(encoding="utf-8"))
            with replacing(passages) as file, replacing(passages.parent / "report.html") as page:
                file.write_text(json.dumps(queries, ensure_ascii=False), encoding="utf-8")
                there = {"cuts": (passages.parent / CUTS).exists()}
                page.write_text(render({**summary, **there}, queries), encoding="utf-8")
            changed += 2
    for table in sorted(experiments.glob("*/hits.parquet")):
        hits = pd.read_parquet(table)
        if (hits["document_key"] == document_key).any():
            with replacing(table) as file:
                hits[hits["document_key"] != document_key].to_parquet(file, index=False)
            changed += 1
    for parsed in sorted(experiments.glob(f"parsed/*/{document_key}-*")):
        parsed.unlink()
        changed += 1
    for result in sorted(experiments.glob("results/*.json")):
        if document_key in result.read_text(encoding="utf-8"):
            result.unlink()  # measured again when it is asked for: the corpus is another one now
            changed += 1
    return changed


def environment() -> dict[str, Any]:
    """The machine and the packages that the figures were made with."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "executable": sys.executable,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def folder_for(experiments: Path, name: str, at: datetime) -> Path:
    """A folder that does not exist yet, named after the experiment and the time."""
    wanted = experiments / f"{name}-{at:%Y%m%dT%H%M%SZ}"
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:  # PackageNotFoundError is one: an optional package that is not installed
        return None
