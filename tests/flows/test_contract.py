"""The JSON of every command has the fields that it had: other programs read them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow

RECORDED = Path(__file__).with_name("contract.json")

OF_THE_DATA = (
    "seconds",
    "configuration",
    "fingerprints",
    "evidence",
    "points",
    "slices",
    "measures",
    "options",
    "coverage",
    "margins",
    "gates",
)
OF_THE_SETTINGS = ("chunking", "embedding", "search", "recipe", "parsing")
"""Maps whose keys are not the contract's but the corpus's, a plug-in's, or those of a section of the configuration."""


def shape(value: Any, name: str = "") -> Any:
    """The keys of a JSON value, all the way down; a list has those of all its entries; what gates show is the gates'."""
    if name == "shown":
        return "[]"
    if isinstance(value, dict):
        return (
            "{}" if name in (*OF_THE_DATA, *OF_THE_SETTINGS) else {key: shape(entry, key) for key, entry in sorted(value.items())}
        )
    if isinstance(value, list):
        merged: Any = "·"
        for entry in value:
            found = shape(entry)
            merged = merged | found if isinstance(merged, dict) and isinstance(found, dict) else found
        return [merged]
    return "·"


def answers(index: Index) -> dict[str, Any]:
    """What every command answers, in a story that uses each."""
    found: dict[str, Any] = {}

    def ask(*arguments: str, code: int = 0, name: str = "") -> dict[str, Any]:
        answer = index(*arguments)
        assert answer.code == code, (arguments, answer)
        found[name or " ".join(a for a in arguments[:2] if a.islower() and " " not in a)] = shape(answer.out)
        return answer.out

    ask("search", "anything", "--as", "people", code=1, name="error")
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    ask("ingest")
    first = ask("index")["release"]
    ask("promote", first, name="promote")
    ask("run")
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave to twenty weeks.\n")
    second = ask("run", name="run that promotes")["release"]
    ask("quarantine")
    ask("quarantine", "retry")
    ask("releases")
    ask("releases", "show", second)
    ask("releases", "diff", first, second)
    ask("releases", "pin", first)
    ask("releases", "unpin", first)
    ask("rollback")
    ask("run", name="run that holds")
    ask("promote", second, "--force", name="promote --force")
    ask("backfill", "--match", "security/**", "--from", "parse", "--dry-run", name="backfill --dry-run")
    ask("backfill", "--match", "security/**", "--from", "parse", name="backfill")
    ask("search", TOPICS["people"][1], "--as", "people", name="search")
    ask("why", TOPICS["people"][1], "people/2.md", "--as", "people", "-k", "1", name="why")
    ask("evaluate", "--gate", name="evaluate --gate")
    ask("evaluate")
    ask("access", "sync")
    ask("access", "audit")
    ask("golden", "check", code=3)
    ask("golden", "add", "--query", "who?", "--uri", "people/1.md", "--slice", "people")
    ask("documents", "people/*", name="documents")
    last = ask("runs")["runs"][0]["run"]
    ask("runs", "show", last)
    ask("duplicates")
    ask("status")
    ask("trace", "people/1.md", name="trace")
    ask("freshness")
    ask("gc", "--dry-run", name="gc --dry-run")
    ask("gc")
    ask("doctor")
    ask("forget", "security/3.md", name="forget")
    ask("forget", "security/3.md", "--undo", name="forget --undo")
    experiment = index.folder / "experiment.yaml"
    variants = [{"name": str(n), "chunking": {"strategy": "fixed", "max_tokens": n, "overlap_tokens": 0}} for n in (8, 100)]
    experiment.write_text(yaml.safe_dump({"name": "e", "base": "sluice.yaml", "golden": "golden.jsonl", "variants": variants}))
    ask("compare", str(experiment), "--adopt", "100", name="compare --adopt")
    ask("compare", str(experiment), name="compare")
    ask("cuts", str(experiment), name="cuts")
    return found


def lost(recorded: Any, now: Any, path: str = "") -> Iterator[str]:
    """The paths of what was recorded and is not there any more; a field that came is no loss."""
    match recorded, now:
        case dict(), dict():
            for key, value in recorded.items():
                yield from lost(value, now[key], f"{path}.{key}") if key in now else [f"{path}.{key}"]
        case list(), list():
            yield from lost(recorded[0], now[0], f"{path}[]")
        case _ if isinstance(recorded, dict | list):
            yield path


def test_every_command_answers_with_the_recorded_fields(index: Index) -> None:
    """No field is lost or renamed. Meant to change? `SLUICE_RECORD=1 pytest tests/flows/test_contract.py` writes it anew."""
    now = answers(index)
    if os.environ.get("SLUICE_RECORD"):
        RECORDED.write_text(json.dumps(now, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert recorded.keys() == now.keys()
    assert {command: found for command, fields in recorded.items() if (found := list(lost(fields, now[command])))} == {}
