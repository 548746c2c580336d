"""What every gate promises, Sluice's own and a user's; then what each of them is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.gates import GATES, Gate, GateContext, build, build_all, gates_fingerprint, run_gates
from evaluation.gates.base import SAMPLES
from sluice.access import AccessTags, Principal
from sluice.errors import ConfigurationError, ReleaseError, StoreUnavailable
from sluice.points import StoredPoint
from sluice.records import Hit, Verdict
from sluice.settings import Section, Settings, load
from tests.unit.evaluation.fakes import PUBLIC, Doc, Release, context, write_lines

HR = AccessTags({"hr"})
DOCS = [
    Doc("laptops.md", "Laptops are replaced after three years.\n\nAsk the service desk."),
    Doc("phones.md", "Phones are replaced after two years."),
    Doc("pay.md", "The salary of a level five engineer is in the band.", tags=HR),
]
GOLDEN = [
    {"id": "a", "query": "when are laptops replaced", "relevant": [{"uri": "laptops.md", "quote": "replaced after three years"}]},
    {"id": "b", "query": "when are phones replaced", "relevant": [{"uri": "phones.md"}], "slice": ["it"]},
    {"id": "c", "query": "salary of an engineer", "relevant": [{"uri": "pay.md"}], "slice": ["hr"]},
]
LEAK = {"id": "l", "query": "salary of a level five engineer", "principal": ["public"], "forbidden_uri": "pay.md"}


class OwnOptions(Section):
    limit: int = 1


class OwnGate:
    """A user's own gate, in the fewest lines."""

    Options = OwnOptions
    name = "own"

    def __init__(self, options: OwnOptions) -> None:
        self.options = options
        self.fingerprint = f"own:{options.limit}"

    def load(self) -> None:
        """Nothing to read."""

    def judge(self, context: GateContext) -> Verdict:
        return Verdict(self.name, True, "fine", {"limit": self.options.limit})


OWN = f"{__name__}:OwnGate"


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """A configuration with these gates, its golden set and leak cases beside it."""
    write_lines(tmp_path / "golden.jsonl", *GOLDEN)
    write_lines(tmp_path / "leaks.jsonl", LEAK)

    def made(*gates: dict[str, Any]) -> Settings:
        value = {"index": "t", "sources": [{"name": "s", "type": "files", "root": "."}], "gates": list(gates)}
        (tmp_path / "sluice.yaml").write_text(json.dumps(value), encoding="utf-8")
        return load(tmp_path / "sluice.yaml", {})

    return made


SECTIONS: dict[str, dict[str, Any]] = {
    "reconciliation": {"type": "reconciliation"},
    "retrieval": {"type": "retrieval", "golden": "golden.jsonl", "k": 2, "min_recall": 0.7},
    "leaks": {"type": "leaks", "cases": "leaks.jsonl"},
    "data_quality": {"type": "data_quality"},
    "drift": {"type": "drift"},
    "latency": {"type": "latency", "golden": "golden.jsonl"},
    "replay": {"type": "replay", "log": "searches.jsonl"},
    OWN: {"type": OWN},
}


def gate_of(settings: Callable[..., Settings], section: dict[str, Any]) -> Gate:
    whole = settings(section)
    gate = build(whole.gates[0], whole)
    gate.load()
    return gate


def plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(plain(inner) for inner in value)
    return value is None or type(value) in (str, int, float, bool)


@pytest.mark.parametrize("kind", SECTIONS)
class TestEveryGate:
    def test_a_good_release_passes_with_plain_evidence(self, kind: str, settings: Callable[..., Settings]) -> None:
        """The verdict names its gate, says why in one sentence, and its figures can be stored and printed as they are."""
        verdict = gate_of(settings, SECTIONS[kind]).judge(context(Release(DOCS)))
        assert verdict.passed, verdict
        assert verdict.gate == (kind if kind in GATES else "own")
        assert verdict.reason
        assert plain(dict(verdict.evidence)), verdict.evidence
        json.dumps(verdict.evidence, allow_nan=False)

    def test_the_verdict_is_the_same_twice(self, kind: str, settings: Callable[..., Settings]) -> None:
        """Nothing random, nothing remembered."""
        gate = gate_of(settings, SECTIONS[kind])
        assert gate.judge(context(Release(DOCS))) == gate.judge(context(Release(DOCS)))

    def test_the_fingerprint_is_the_same_for_the_same_configuration(self, kind: str, settings: Callable[..., Settings]) -> None:
        """A gate is run again only when it changed."""
        assert gate_of(settings, SECTIONS[kind]).fingerprint == gate_of(settings, SECTIONS[kind]).fingerprint

    def test_an_unknown_option_fails_with_its_path(self, kind: str, settings: Callable[..., Settings]) -> None:
        """A misspelt floor is not a missing floor."""
        whole = settings(SECTIONS[kind] | {"min_recal": 1})
        with pytest.raises(ConfigurationError, match=r"unknown key 'gates\.min_recal'"):
            build(whole.gates[0], whole)


def test_every_gate_of_the_table_is_tested_here() -> None:
    """A new gate joins this suite or fails it."""
    assert set(SECTIONS) == {*GATES, OWN}


def test_a_gate_that_is_neither_listed_nor_a_class_is_a_configuration_error(settings: Callable[..., Settings]) -> None:
    """The message says which gates there are, or why the class could not be had."""
    for name, said in (
        ("retreival", "there is no gate"),
        ("no.such:Thing", "cannot be imported"),
        ("json:loads", "is not a gate"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            build_all(settings({"type": name}))


def test_reconciliation_always_runs_and_runs_once(settings: Callable[..., Settings]) -> None:
    """Also with no gates at all, also when it is listed."""
    assert [gate.name for gate in build_all(settings())] == ["reconciliation"]
    assert [gate.name for gate in build_all(settings({"type": OWN}, {"type": "reconciliation"}))] == ["reconciliation", "own"]


def test_files_are_read_before_anything_is_built(settings: Callable[..., Settings], tmp_path: Path) -> None:
    """A malformed golden line or a missing file of cases fails with the configuration, not after an hour of work."""
    write_lines(tmp_path / "broken.jsonl", "{")
    with pytest.raises(ConfigurationError, match=r"broken\.jsonl:1"):
        build_all(settings({"type": "retrieval", "golden": "broken.jsonl", "min_recall": 0.5}))
    with pytest.raises(ConfigurationError, match="no such file"):
        build_all(settings({"type": "leaks", "cases": "none.jsonl"}))


def test_a_changed_option_or_golden_set_changes_the_fingerprint(settings: Callable[..., Settings], tmp_path: Path) -> None:
    """What would be judged otherwise is judged again; what would not is not."""
    first = gates_fingerprint(build_all(settings(SECTIONS["retrieval"])))
    write_lines(tmp_path / "golden.jsonl", *reversed(GOLDEN))
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"]))) == first
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"] | {"max_drop": 0.1}))) != first
    write_lines(tmp_path / "golden.jsonl", *GOLDEN[:2])
    assert gates_fingerprint(build_all(settings(SECTIONS["retrieval"]))) != first


class Raising(OwnGate):
    error: Exception = ValueError("boom")

    def judge(self, context: GateContext) -> Verdict:
        raise self.error


def test_every_gate_is_run_and_a_broken_one_has_not_passed() -> None:
    """A failure stops no other gate; an error inside a gate is a failed verdict that names it."""
    broken, fine = Raising(OwnOptions()), OwnGate(OwnOptions())
    first, second = run_gates([broken, fine], context(Release(DOCS)))
    assert (first.passed, second.passed) == (False, True)
    assert "ValueError: boom" in first.reason


def test_errors_that_are_not_about_the_release_are_raised() -> None:
    """A store that does not answer is tried again; it does not reject a release."""
    gate = Raising(OwnOptions())
    gate.error = StoreUnavailable("Qdrant did not answer")
    with pytest.raises(StoreUnavailable):
        run_gates([gate], context(Release(DOCS)))


class TestRetrieval:
    def judge(self, settings: Callable[..., Settings], release: Release, live: Release | None = None, **options: Any) -> Verdict:
        section = SECTIONS["retrieval"] | {key: value for key, value in options.items() if key != "live_unmeasured"}
        given: dict[str, Any] = {"live": live.view("live") if live else None}
        return gate_of(settings, section).judge(context(release, **given, live_unmeasured=options.get("live_unmeasured", "")))

    def test_without_a_live_release_floors_alone_decide(self, settings: Callable[..., Settings]) -> None:
        """The comparison is recorded as not applicable."""
        verdict = self.judge(settings, Release(DOCS))
        assert verdict.evidence["comparison"] == "not_applicable"
        assert verdict.evidence["measures"]["Recall@2"] == 1.0
        assert verdict.evidence["slices"]["it"]["queries"] == 1

    def test_below_a_floor_it_rejects_and_shows_the_worst_queries(self, settings: Callable[..., Settings]) -> None:
        """A release without the phones page misses one of three questions."""
        verdict = self.judge(settings, Release([DOCS[0], DOCS[2], replace(DOCS[1], text="Nothing.", raw=DOCS[1].text)]))
        assert not verdict.passed
        assert verdict.reason == "Recall@2 0.667 is below the floor 0.700"
        [worst] = verdict.evidence["worst"]
        assert (worst["id"], worst["relevant"]) == ("b", ["phones.md"])
        assert [hit["uri"] for hit in worst["candidate"]] == ["laptops.md"]

    def test_a_drop_beyond_the_limit_rejects_though_floors_hold(self, settings: Callable[..., Settings]) -> None:
        """Both result lists of the worst query are shown."""
        worse = Release([DOCS[0], DOCS[2], replace(DOCS[1], text="Nothing.", raw=DOCS[1].text)])
        verdict = self.judge(settings, worse, live=Release(DOCS), min_recall=0.5, max_drop=0.1)
        assert not verdict.passed
        assert "Recall@2 0.667 against 1.000 live: a drop beyond max_drop 0.100" in verdict.reason
        [worst] = verdict.evidence["worst"]
        assert [hit["uri"] for hit in worst["live"]] == ["phones.md", "laptops.md"]
        assert verdict.evidence["comparison"]["Recall@2"]["mean"] == pytest.approx(-1 / 3, abs=1e-6)

    def test_a_small_drop_that_is_more_than_chance_rejects(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """Within max_drop, but 12 of 60 questions got worse and none better."""
        docs = [Doc(f"d{i}.md", f"word{i} is explained here") for i in range(60)]
        lines = [{"id": f"q{i}", "query": f"word{i}", "relevant": [{"uri": f"d{i}.md"}]} for i in range(60)]
        write_lines(tmp_path / "golden.jsonl", *lines)
        worse = [replace(doc, text="nothing", raw=doc.text) if i < 12 else doc for i, doc in enumerate(docs)]
        verdict = self.judge(settings, Release(worse), live=Release(docs), max_drop=0.3)
        assert not verdict.passed
        assert "yet more than chance" in verdict.reason

    def test_a_golden_set_too_small_to_see_the_limit_says_so(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """One better and one worse of four: no drop, and no way to see one of 0.03; the number that would do is given."""
        docs = [Doc(f"d{i}.md", f"word{i}") for i in range(4)]
        write_lines(
            tmp_path / "golden.jsonl",
            *({"id": f"q{i}", "query": f"word{i}", "relevant": [{"uri": f"d{i}.md"}]} for i in range(4)),
        )
        lost = [replace(doc, text="nothing", raw=doc.text) for doc in docs]
        verdict = self.judge(settings, Release([lost[0], *docs[1:]]), live=Release([docs[0], lost[1], *docs[2:]]))
        assert verdict.passed
        assert any("4 queries cannot show a drop of 0.030" in w and "queries would" in w for w in verdict.warnings)

    def test_no_evidence_is_not_a_pass(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """No queries, only stale ones, or a live release that cannot be measured: refused, with the reason."""
        deleted = Release([*DOCS[:2], replace(DOCS[2], status="deleted")])
        stale = self.judge(settings, deleted)
        assert (stale.passed, stale.evidence["refused"]) == (False, True)
        assert "1 of 3 labels are stale, more than max_stale 5% allows" in stale.reason
        unmeasured = self.judge(settings, Release(DOCS), live_unmeasured="its collection is gone")
        assert not unmeasured.passed
        assert "its collection is gone" in unmeasured.reason
        assert not self.judge(settings, Release(DOCS), min_queries=4).passed
        write_lines(tmp_path / "golden.jsonl")
        assert "holds no query" in self.judge(settings, Release(DOCS)).reason

    def test_a_live_release_whose_collection_is_gone_refuses(self, settings: Callable[..., Settings]) -> None:
        """It exists and cannot be searched: that is no reason to go live without a comparison."""

        class Gone(Release):
            def search_documents(self, query: str, principal: Principal, k: int) -> list[Hit]:
                raise ReleaseError("the collection does not exist")

        verdict = self.judge(settings, Release(DOCS), live=Gone(DOCS))
        assert (verdict.passed, verdict.evidence["comparison"]) == (False, "refused")
        assert "the collection does not exist" in verdict.reason

    def test_stale_labels_within_the_limit_are_left_out_of_both_sides(self, settings: Callable[..., Settings]) -> None:
        """The document was deleted at the source: neither release is scored on it."""
        gone = Release([*DOCS[:2], replace(DOCS[2], status="deleted")])
        verdict = self.judge(settings, gone, live=Release([*DOCS[:2], replace(DOCS[2], status="deleted")]), max_stale=0.5)
        assert verdict.passed
        assert (verdict.evidence["queries"], verdict.evidence["stale"], verdict.evidence["unscored"]) == (2, 1, 1)

    def test_a_floor_is_required(self, settings: Callable[..., Settings]) -> None:
        """Without one, nothing would decide about the first release."""
        with pytest.raises(ConfigurationError, match="at least one floor"):
            build_all(settings({"type": "retrieval", "golden": "golden.jsonl"}))


class TestLeaks:
    def test_the_forbidden_document_is_found_only_by_who_may_read_it(self, settings: Callable[..., Settings]) -> None:
        """The case proves something: with every tag the document is reached."""
        verdict = gate_of(settings, SECTIONS["leaks"]).judge(context(Release(DOCS)))
        assert (verdict.evidence["forbidden_hits"], verdict.evidence["reachable"]) == (0, 1)
        assert verdict.evidence["audit"]["differences"] == 0

    def test_a_leaking_store_is_caught_by_case_and_by_audit(self, settings: Callable[..., Settings]) -> None:
        """Evidence names the case, the document and the chunk, and never shows the text."""
        verdict = gate_of(settings, SECTIONS["leaks"]).judge(context(Release(DOCS, leaky=True)))
        assert not verdict.passed
        assert verdict.evidence["audit"]["differences"] > 0
        assert verdict.evidence["own_words"]["leaks"] > 0
        only_cases = gate_of(settings, SECTIONS["leaks"] | {"audit": False, "own_words": 0}).judge(
            context(Release(DOCS, leaky=True))
        )
        assert only_cases.reason == "1 forbidden hits in 1 of 1 cases"
        assert only_cases.evidence["leaks"][0]["uri"] == "pay.md"
        assert "salary" not in json.dumps(only_cases.evidence)

    def test_widened_tags_are_a_leak(self, settings: Callable[..., Settings]) -> None:
        """The store filters rightly, and the document carries a tag too many."""
        widened = Release([*DOCS[:2], replace(DOCS[2], tags=AccessTags({"hr", "public"}))])
        verdict = gate_of(settings, SECTIONS["leaks"]).judge(context(widened))
        assert not verdict.passed
        assert verdict.evidence["leaks"][0]["why"] == "the forbidden document"

    def test_no_cases_or_only_void_ones_refuse(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """A case whose document is gone proves nothing."""
        gate = gate_of(settings, SECTIONS["leaks"])
        assert "no case's forbidden document" in gate.judge(context(Release(DOCS[:2]))).reason
        write_lines(tmp_path / "leaks.jsonl")
        assert "holds no cases" in gate_of(settings, SECTIONS["leaks"]).judge(context(Release(DOCS))).reason

    def test_an_ambiguous_uri_is_a_configuration_error(self, settings: Callable[..., Settings]) -> None:
        """A case must say which of two documents it forbids."""
        with pytest.raises(ConfigurationError, match=r"case 'l': the uri 'pay\.md' is ambiguous"):
            gate_of(settings, SECTIONS["leaks"]).judge(context(Release([*DOCS, replace(DOCS[2], source="t")])))


def altered(release: Release, change: Callable[[list[StoredPoint]], list[StoredPoint]]) -> Release:
    return Release(release.docs, points=change(list(release.points)))


def with_payload(point: StoredPoint, **changes: Any) -> StoredPoint:
    return replace(point, payload={**point.payload, **changes})


class TestReconciliation:
    @pytest.mark.parametrize(
        ("change", "problems"),
        [
            (lambda p: p[1:], {"missing": 1}),
            (lambda p: p[:2] + p[3:], {"missing": 1, "documents_missing": 1}),
            (lambda p: [*p, replace(p[0], id="another")], {"unexpected": 1}),
            (
                lambda p: [*p, replace(with_payload(p[0], document_key="ghost"), id="another")],
                {"unexpected": 1, "documents_unexpected": 1},
            ),
            (lambda p: [*p, p[0]], {"stored_twice": 1}),
            (lambda p: [with_payload(p[0], text="cut"), *p[1:]], {"other_content": 1}),
            (lambda p: [with_payload(p[0], start=1), *p[1:]], {"other_content": 1}),
            (lambda p: [with_payload(p[0], access_tags=[]), *p[1:]], {"other_tags": 1}),
            (lambda p: [with_payload(p[0], document_key=p[2].payload["document_key"]), *p[1:]], {"other_document": 1}),
        ],
    )
    def test_each_difference_is_found_and_named(
        self,
        settings: Callable[..., Settings],
        change: Callable[[list[StoredPoint]], list[StoredPoint]],
        problems: dict[str, int],
    ) -> None:
        """One point more, less or other than expected rejects, whichever it is."""
        release = altered(Release(DOCS), change)
        verdict = gate_of(settings, SECTIONS["reconciliation"]).judge(context(release))
        assert not verdict.passed
        assert verdict.evidence["problems"] == problems

    def test_samples_are_few_and_counts_are_whole(self, settings: Callable[..., Settings]) -> None:
        """A hundred missing points are counted, five are named."""
        docs = [Doc(f"{i}.md", f"text {i}") for i in range(100)]
        verdict = gate_of(settings, SECTIONS["reconciliation"]).judge(context(altered(Release(docs), lambda p: p[:1])))
        assert verdict.evidence["problems"]["missing"] == 99
        assert len(verdict.evidence["samples"]["missing"]) == SAMPLES

    def test_a_document_without_text_is_expected_without_points(self, settings: Callable[..., Settings]) -> None:
        """Empty files are counted and are no difference."""
        verdict = gate_of(settings, SECTIONS["reconciliation"]).judge(context(Release([*DOCS, Doc("empty.md", "")])))
        assert verdict.passed
        assert verdict.evidence["documents_without_text"] == 1

    def test_an_empty_release_has_nothing_to_show(self, settings: Callable[..., Settings]) -> None:
        """Nothing equal to nothing is no evidence."""
        nothing = context(Release([Doc("empty.md", "")]))
        assert not gate_of(settings, SECTIONS["reconciliation"]).judge(nothing).passed


class TestDataQuality:
    @pytest.mark.parametrize(
        ("change", "claim"),
        [
            (lambda p: with_payload(p, text=" \n"), "no chunk's text is empty"),
            (lambda p: with_payload(p, tokens=255), "every chunk fits the model's window"),
            (lambda p: with_payload(p, tokens=None), "every chunk's tokens are known"),
            (lambda p: with_payload(p, access_tags=["public", "board"]), "every access tag is one that the access rules know"),
            (lambda p: replace(p, dense=np.array([0.6, np.nan], np.float32)), "neither NaN nor infinity"),
            (lambda p: replace(p, dense=None), "every vector is there"),
            (lambda p: replace(p, dense=np.array([0.7, 0.8], np.float32)), "unit norm"),
            (lambda p: replace(p, dense=np.array([1.0], np.float32)), "the model's dimension"),
            (lambda p: replace(p, id=Release(DOCS).points[1].id), "chunk keys are unique"),
        ],
    )
    def test_one_bad_point_rejects_and_is_named(
        self, settings: Callable[..., Settings], change: Callable[[StoredPoint], StoredPoint], claim: str
    ) -> None:
        """Each claim of the suite is checked on every point."""
        release = altered(Release(DOCS), lambda p: [change(p[0]), *p[1:]])
        verdict = gate_of(settings, SECTIONS["data_quality"]).judge(context(release, known_tags=PUBLIC | HR))
        assert not verdict.passed
        assert claim in verdict.reason
        named = [f for f in verdict.evidence["expectations"] if not f["met"] and f["critical"]]
        assert named[0]["samples"][0]["uri"] == "laptops.md"
        assert plain(dict(verdict.evidence))

    def test_a_chunk_that_nobody_may_read_warns_unless_tags_are_required(self, settings: Callable[..., Settings]) -> None:
        """Default deny is legitimate: a document that no rule matches waits for a rule."""
        release = Release([*DOCS, Doc("draft.md", "Not ready.", tags=AccessTags())])
        lenient = gate_of(settings, SECTIONS["data_quality"]).judge(context(release))
        assert lenient.passed
        assert lenient.warnings == ("not so: every chunk can be read by someone (1 of 5 are otherwise)",)
        strict = gate_of(settings, SECTIONS["data_quality"] | {"require_tags": True}).judge(context(release))
        assert not strict.passed

    def test_a_suite_of_the_users_own_is_added(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """The same form as ours, over the same columns; a file that is none is a configuration error."""
        own: list[Any] = [{"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "language", "value_set": ["de"]}}]
        (tmp_path / "own.json").write_text(json.dumps(own), encoding="utf-8")
        gate = gate_of(settings, SECTIONS["data_quality"] | {"suite": "own.json"})
        assert "expect_column_values_to_be_in_set language" in gate.judge(context(Release(DOCS))).reason
        own[0]["kwargs"]["column"] = "no_such_column"
        (tmp_path / "own.json").write_text(json.dumps(own), encoding="utf-8")
        blind = gate_of(settings, SECTIONS["data_quality"] | {"suite": "own.json"}).judge(context(Release(DOCS)))
        assert not blind.passed
        assert "no_such_column" in blind.reason
        (tmp_path / "own.json").write_text('[{"type": "expect_no_such_thing", "kwargs": {}}]', encoding="utf-8")
        unknown = gate_of(settings, SECTIONS["data_quality"] | {"suite": "own.json"})
        with pytest.raises(ConfigurationError, match="expect_no_such_thing"):
            unknown.judge(context(Release(DOCS)))
        (tmp_path / "own.json").write_text('{"a": 1}', encoding="utf-8")
        with pytest.raises(ConfigurationError, match="a JSON list of expectations"):
            build_all(settings(SECTIONS["data_quality"] | {"suite": "own.json"}))

    def test_no_points_are_no_evidence(self, settings: Callable[..., Settings]) -> None:
        """An empty table meets every claim about its rows, and still does not pass."""

        class Empty(Release):
            def scan(self, *fields: Any, **options: Any) -> Iterator[StoredPoint]:
                return iter(())

        verdict = gate_of(settings, SECTIONS["data_quality"]).judge(context(Empty(DOCS)))
        assert not verdict.passed
        assert "there are chunks" in verdict.reason


def test_importing_evaluation_is_cheap() -> None:
    """Great Expectations, pandas and ir_measures are not imported before a gate needs them."""
    heavy = "{'great_expectations', 'pandas', 'ir_measures', 'torch'}"
    code = f"import sys, evaluation, evaluation.gates.data_quality; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.strip() == "[]"
