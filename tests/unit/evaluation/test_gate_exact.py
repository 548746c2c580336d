"""A compression goes live only where the readers of every set of tags still find the true neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.gates import build_all
from evaluation.gates.exact import ExactGate, ExactOptions, readers
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.records import Verdict
from sluice.settings import load
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

HR, IT, BOTH = AccessTags({"hr"}), AccessTags({"it"}), AccessTags({"hr", "it"})
DOCS = [*(Doc(f"{n}.md", f"Note {n}.", tags=IT) for n in range(9)), Doc("pay.md", "The pay.", tags=HR)]
LINES = [{"id": str(n), "query": f"note {n}", "relevant": [{"uri": f"{n}.md"}]} for n in range(4)]


def judged(
    tmp_path: Path, found: Mapping[AccessTags, Sequence[float]], release: Release | None = None, **options: Any
) -> Verdict:
    gate = ExactGate(ExactOptions(golden=write_lines(tmp_path / "golden.jsonl", *LINES), **options))
    gate.load()
    return gate.judge(context(release or Release(DOCS), recalls=lambda readers, queries, k: found))


def test_the_set_of_tags_that_loses_most_decides_whatever_the_others_find(tmp_path: Path) -> None:
    """A mean of 0.99 hides that the one department with a tenth of the chunks finds half: it is named, with its share."""
    found = {IT: [1.0] * 4, HR: [1.0, 0.5, 0.25, 0.25], BOTH: [1.0] * 4}
    verdict = judged(tmp_path, found)
    assert not verdict.passed
    assert "readers of hr (10.0% of the chunks) find 0.500; min_recall is 0.95, and 1 of 3 sets of tags" in verdict.reason
    assert verdict.evidence["readers"][0] == {"tags": ["hr"], "share": 0.1, "recall": 0.5, "least": 0.25}
    assert verdict.advice
    assert judged(tmp_path, found, min_recall=0.5).passed


def test_no_evidence_is_not_a_pass(tmp_path: Path) -> None:
    """Nobody who may read anything, no answer to anybody, nothing that can search exactly: refused, each with its reason."""
    assert judged(tmp_path, {}).evidence["refused"]
    assert "no reader" in judged(tmp_path, {}, Release([Doc("a.md", "A.", tags=AccessTags())])).reason
    gate = ExactGate(ExactOptions(golden=write_lines(tmp_path / "golden.jsonl", *LINES)))
    assert "exactly" in gate.judge(context(Release(DOCS), recalls=None)).reason


def test_of_many_sets_of_tags_those_that_may_read_least_and_most_are_among_those_looked_at() -> None:
    """Spread over how much they may read, never only the large ones."""
    many = Release([Doc(f"{n}-{i}.md", "Text.", tags=AccessTags({f"t{n}"})) for n in range(30) for i in range(n + 1)])
    found = readers(many, 5)
    assert len(found) == 5
    assert next(iter(found)) == AccessTags({"t0"})
    assert list(found.values())[-1] == 1.0
    assert sorted(found.values()) == list(found.values())


def test_compressed_vectors_without_this_gate_are_a_wrong_configuration(tmp_path: Path) -> None:
    """Said before anything is built; with the gate, or on the embedded store, which compresses nothing, it is none."""
    golden = write_lines(tmp_path / "golden.jsonl", *LINES)

    def built(url: str, *gates: dict[str, Any]) -> list[str]:
        given = {
            "index": "i",
            "sources": [{"name": "s", "type": "files", "root": str(tmp_path)}],
            "access": {"rules": [{"match": "**", "tags": ["all"]}]},
            "stores": {"qdrant": {"url": url, "quantization": "int8"}},
            "gates": list(gates),
        }
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
        return [gate.name for gate in build_all(load(tmp_path / "c.yaml"))]

    with pytest.raises(ConfigurationError, match="kept as int8 lose neighbours"):
        built("http://localhost:6333")
    exact = {"type": "exact", "golden": str(golden)}
    assert built("http://localhost:6333", exact) == ["reconciliation", "exact"]
    assert built("embedded") == ["reconciliation"]
