from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from evaluation.gates.base import GateContext
from evaluation.gates.retrieval import RetrievalGate
from evaluation.gates.retrieval_options import RetrievalOptions
from evaluation.reports import report, verdict_json
from sluice.records import Verdict
from sluice.releases import Release as Manifest
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

DOCS = [Doc("laptops.md", "Laptops are replaced after three years."), Doc("phones.md", "Phones are replaced after two years.")]
LINES = [
    {"id": "a", "query": "laptops | <b>when</b>", "relevant": [{"uri": "laptops.md"}], "slice": ["it"]},
    {"id": "b", "query": "phones", "relevant": [{"uri": "phones.md"}], "slice": ["it"]},
]


def manifest(*verdicts: Verdict) -> Manifest:
    return Manifest(
        id="20251121-1",
        index="handbook",
        collection="handbook__20251121-1",
        state="rejected",
        fingerprint="f" * 64,
        access_root="a" * 64,
        created=datetime(2025, 11, 21, tzinfo=UTC),
        documents=2,
        chunks=2,
        seconds={"embed": 1.25},
        verdicts=tuple(verdict_json(verdict) for verdict in verdicts),
    )


def judged(tmp_path: Path, given: GateContext) -> Verdict:
    golden = write_lines(tmp_path / "golden.jsonl", *LINES)
    return RetrievalGate(RetrievalOptions(golden=golden, k=2, min_recall=0.9)).judge(given)


def test_the_report_shows_verdicts_measures_slices_and_worst_queries(tmp_path: Path) -> None:
    """A person sees why a release was rejected, what was lost, and what to type next, without opening anything else."""
    worse = Release([DOCS[0], Doc("phones.md", "Nothing.", raw=DOCS[1].text)])
    text = report(
        manifest(judged(tmp_path, context(worse, live=Release(DOCS).view("live"))), Verdict("leaks", True, "0 forbidden hits"))
    )
    assert "# Release 20251121-1 of handbook" in text
    assert "| retrieval | rejected | Recall@2 0.500 is below the floor 0.900" in text
    assert "lost: b 'phones': Recall@2 0.00 (live 1.00), looked for phones.md, first is nothing" in text
    assert "sluice search phones --as TAGS --release r1" in text
    assert "sluice promote 20251121-1 --force" in text
    assert "| leaks | passed | 0 forbidden hits |" in text
    assert "| Recall@2 | 0.500 | 1.000 | -0.500 |" in text
    assert "| lost over 0.5 | 1 |" in text
    assert "| as before | 1 |" in text
    assert "| it | 2 | 0.500 | 1.000 |" in text
    assert "### b: phones" in text
    assert "- candidate: nothing" in text
    assert "- live: phones.md (1.000) ✓" in text


def test_without_a_live_release_the_columns_say_so(tmp_path: Path) -> None:
    """A dash is not a zero."""
    assert "| Recall@2 | 1.000 | – | – | – |" in report(manifest(judged(tmp_path, context(Release(DOCS)))))


def test_other_peoples_text_stays_in_its_cell(tmp_path: Path) -> None:
    """A query with pipes and tags breaks no table and smuggles in no markup."""
    nothing = Release([Doc("laptops.md", "Nothing.", raw=DOCS[0].text), DOCS[1]])
    text = report(manifest(judged(tmp_path, context(nothing))))
    assert "### a: laptops \\| &lt;b>when&lt;/b>" in text


def test_a_release_that_nobody_judged_has_a_report() -> None:
    """A manifest without verdicts is shown as such, with its warnings left out."""
    text = report(manifest())
    assert "None has judged this release yet" in text
    assert "Warnings" not in text
