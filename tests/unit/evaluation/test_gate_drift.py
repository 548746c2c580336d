"""Drift, latency and replay against a live release."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.gates.drift import DriftGate, DriftOptions
from evaluation.gates.latency import LatencyGate, LatencyOptions
from evaluation.gates.replay import ReplayGate, ReplayOptions
from sluice.access import AccessTags, Principal
from sluice.points import StoredPoint
from sluice.records import Hit, Verdict
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

HR = AccessTags({"hr"})
DOCS = [
    *(Doc(f"wiki/{i}.md", f"wiki page number {i} explains it") for i in range(60)),
    *(Doc(f"people/pay/{i}.md", f"pay of person {i}", tags=HR) for i in range(12)),
]


def against(live: Release, candidate: Release, **options: Any) -> Verdict:
    gate = DriftGate(DriftOptions(**options))
    return gate.judge(context(candidate, live=live.view("live"), live_points=live))


def with_points(release: Release, change: Any) -> Release:
    return Release(release.docs, points=[change(point) for point in release.points])


def test_nothing_moved_passes_and_without_a_live_release_it_does_not_apply() -> None:
    """Figures of both are in the evidence; no live release is recorded as that; one that cannot be read refuses."""
    verdict = against(Release(DOCS), Release(DOCS))
    assert verdict.passed
    assert verdict.evidence["candidate"] == verdict.evidence["live"]
    assert verdict.evidence["similarity"] == {"texts": 72, "mean": 1.0, "min": 1.0}
    alone = DriftGate(DriftOptions()).judge(context(Release(DOCS)))
    assert (alone.passed, alone.evidence["comparison"]) == (True, "not_applicable")
    assert not DriftGate(DriftOptions()).judge(context(Release(DOCS), live_unmeasured="it is gone")).passed


def _moved(p: StoredPoint) -> StoredPoint:
    assert p.dense is not None
    return replace(p, dense=p.dense[::-1])


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (Release(DOCS[20:]), "20 of 72 documents are gone, max_documents_lost is 20%"),
        (Release(DOCS[:60]), "12 of 12 documents of folder people are gone, max_group_lost is 50%"),
        (Release([*DOCS, *(Doc(f"new/{i}.md", "x y") for i in range(80))]), "80 documents are new beside 72"),
        (Release([replace(d, text=f"{d.text}\n\nand\n\nmore\n\nso") for d in DOCS]), "288 chunks against 72 live"),
        (Release([replace(d, tags=HR) for d in DOCS]), "the mix of tag sets moved by 83%"),
        (with_points(Release(DOCS), lambda p: replace(p, payload={**p.payload, "language": "xx"})), "the mix of languages moved"),
        (with_points(Release(DOCS), _moved), "72 texts that stayed have other vectors"),
    ],
)
def test_each_limit_rejects_what_is_beyond_it(candidate: Release, said: str) -> None:
    """The reason names the figures and the option."""
    verdict = against(Release(DOCS), candidate)
    assert not verdict.passed
    assert said in verdict.reason


def test_a_department_whose_deletion_has_reached_live_already_is_missed_all_the_same() -> None:
    """Its documents carry no tags in live any more: they are known by their folder, and move no mix of tags."""
    emptied = Release([*DOCS[:60], *(replace(doc, tags=AccessTags()) for doc in DOCS[60:])])
    verdict = against(emptied, Release(DOCS[:60]))
    assert verdict.reason == "12 of 12 documents of folder people are gone, max_group_lost is 50%"
    assert verdict.evidence["tag_sets_moved"] == 0


def test_nine_documents_may_go_whatever_their_share_of_a_folder() -> None:
    """As with a source's own limit, small numbers are nobody's alarm."""
    assert against(Release(DOCS), Release(DOCS[9:])).passed


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "g.jsonl", {"id": "a", "query": "wiki page", "relevant": [{"uri": "wiki/1.md"}]})


class Slow(Release):
    """A search takes `cost` ticks of the clock that it is handed."""

    clock: list[float]
    cost: float

    def search(self, query: str, principal: Principal, k: int) -> list[Hit]:
        self.clock[0] += self.cost
        return super().search(query, principal, k)


def slow(cost: float, clock: list[float]) -> Slow:
    made = Slow(DOCS)
    made.clock, made.cost = clock, cost
    return made


def test_latency_is_a_ratio_measured_in_turn(golden: Path) -> None:
    """Twice as slow is beyond 1.5; on the embedded store that is a warning; who goes first alternates."""
    clock = [0.0]
    gate = LatencyGate(LatencyOptions(golden=golden, repeats=2), clock=lambda: clock[0])
    candidate, live = slow(0.02, clock), slow(0.01, clock)
    verdict = gate.judge(context(candidate, live=live.view("live")))
    assert (verdict.passed, verdict.evidence["ratio"], verdict.evidence["searches"]) == (False, 2.0, 2)
    assert "max_ratio is 1.5" in verdict.reason
    embedded = gate.judge(context(candidate, live=live.view("live"), embedded_store=True))
    assert embedded.passed
    assert "only a warning on the embedded store" in embedded.warnings[0]
    assert gate.judge(context(live, live=candidate.view("live"))).passed
    assert gate.judge(context(live)).evidence["comparison"] == "not_applicable"


def line(query: str, *tags: str) -> str:
    return json.dumps({"query": query, "tags": list(tags), "hits": [], "scores": []})


def test_replay_shows_what_moved_and_rejects_only_when_asked_to(tmp_path: Path) -> None:
    """One of two questions lost its document: overlap 0.5 or less, both lists beside each other."""
    log = write_lines(
        tmp_path / "log.jsonl", "not json", *itertools.repeat(line("number 7", "public"), 3), line("person 3", "hr")
    )
    live, candidate = Release(DOCS), Release([doc for doc in DOCS if doc.uri != "people/pay/3.md"])
    verdict = ReplayGate(ReplayOptions(log=log, k=1)).judge(context(candidate, live=live.view("live")))
    assert verdict.passed
    assert (verdict.evidence["searches"], verdict.evidence["overlap"]) == (2, 0.5)
    [mover] = verdict.evidence["movers"]
    assert (mover["query"], mover["tags"]) == ("person 3", ["hr"])
    assert [hit["uri"] for hit in mover["live"]] == ["people/pay/3.md"]
    assert [hit["uri"] for hit in mover["candidate"]] == ["people/pay/0.md"]
    assert verdict.warnings == (f"1 line of {log} could not be read",)
    strict = ReplayGate(ReplayOptions(log=log, k=1, min_overlap=0.9))
    assert not strict.judge(context(candidate, live=live.view("live"))).passed


def test_an_empty_log_is_no_evidence_where_evidence_is_asked_for(tmp_path: Path) -> None:
    """Nobody searched yet: it does not apply, unless a floor wants it."""
    given = context(Release(DOCS), live=Release(DOCS).view("live"))
    assert ReplayGate(ReplayOptions(log=tmp_path / "none.jsonl")).judge(given).passed
    assert not ReplayGate(ReplayOptions(log=tmp_path / "none.jsonl", min_overlap=0.1)).judge(given).passed


def test_the_newest_questions_are_replayed_as_those_who_asked(tmp_path: Path) -> None:
    """Two of three, and each with its own tags: a log gives nobody more than they had."""
    log = write_lines(tmp_path / "log.jsonl", line("oldest", "public"), line("pay of", "hr"), line("wiki", "public"))
    live = Release(DOCS)
    ReplayGate(ReplayOptions(log=log, queries=2)).judge(context(Release(DOCS), live=live.view("live")))
    asked: Sequence[tuple[str, list[str]]] = [(query, sorted(principal.tags)) for query, principal, _ in live.searches]
    assert asked == [("pay of", ["hr"]), ("wiki", ["public"])]
