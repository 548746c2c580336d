"""What the gates are for that put questions to a release: retrieval and leaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.gates import build_all
from sluice.access import AccessTags, Principal
from sluice.errors import ConfigurationError, ReleaseError
from sluice.records import Hit, Verdict
from sluice.settings import Settings
from tests.conformance.gate_suite import (
    DOCS,
    SECTIONS,
    gate_of,
)
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines


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
        assert any("4 queries cannot show a drop of 0.030" in w and "a golden set of about" in w for w in verdict.warnings)

    def test_no_evidence_is_not_a_pass(self, settings: Callable[..., Settings], tmp_path: Path) -> None:
        """No queries, only stale ones, or a live release that cannot be measured: refused, with the reason."""
        deleted = Release([*DOCS[:2], replace(DOCS[2], status="deleted")])
        stale = self.judge(settings, deleted)
        assert (stale.passed, stale.evidence["refused"]) == (False, True)
        assert "1 of 3 labels is stale, more than max_stale 5% allows" in stale.reason
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
        assert only_cases.reason == "1 forbidden hit in 1 of 1 case"
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
