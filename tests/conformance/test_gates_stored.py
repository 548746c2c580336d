"""What the gates are for that read what is stored: reconciliation and data quality."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.gates import build_all
from evaluation.gates.base import SAMPLES
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.points import StoredPoint
from sluice.settings import Settings
from tests.conformance.gate_suite import (
    DOCS,
    HR,
    SECTIONS,
    altered,
    gate_of,
    plain,
    with_payload,
)
from tests.unit.evaluation.fakes import PUBLIC, Doc, Release, context

ANOTHER = "00000000-0000-5000-8000-000000000001"


OTHERWISE: list[tuple[Callable[[list[StoredPoint]], list[StoredPoint]], dict[str, int]]] = [
    (lambda p: p[1:], {"missing": 1}),
    (lambda p: p[:2] + p[3:], {"missing": 1, "documents_missing": 1}),
    (lambda p: [*p, replace(p[0], id=ANOTHER)], {"unexpected": 1}),
    (
        lambda p: [*p, replace(with_payload(p[0], document_key="ghost"), id=ANOTHER)],
        {"unexpected": 1, "documents_unexpected": 1},
    ),
    (lambda p: [with_payload(p[0], access_tags=[]), *p[1:]], {"other_tags": 1}),
    (lambda p: [with_payload(p[0], document_key=p[2].payload["document_key"]), *p[1:]], {"other_document": 1}),
]
"""What becomes of a release's points, by ids, documents or readers, and what is said of it."""


class TestReconciliation:
    @pytest.mark.parametrize(
        ("change", "problems"),
        [
            *OTHERWISE,
            (lambda p: [*p, p[0]], {"stored_twice": 1}),
            (lambda p: [with_payload(p[0], text="cut"), *p[1:]], {"other_content": 1}),
            (lambda p: [with_payload(p[0], start=1), *p[1:]], {"other_content": 1}),
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

    @pytest.mark.parametrize(("change", "problems"), OTHERWISE)
    def test_of_what_was_taken_over_each_id_and_reader_is_compared(
        self,
        settings: Callable[..., Settings],
        change: Callable[[list[StoredPoint]], list[StoredPoint]],
        problems: dict[str, int],
    ) -> None:
        """A point more or less, under another document or for other readers is found and named as when all is read."""
        release = altered(Release(DOCS), change)
        verdict = gate_of(settings, SECTIONS["reconciliation"]).judge(context(release, taken_over=release.taken_over()))
        assert not verdict.passed
        assert verdict.evidence["problems"] == problems

    def test_word_for_word_is_compared_what_was_not_taken_over_and_the_verdict_says_so(
        self, settings: Callable[..., Settings]
    ) -> None:
        """Another text is found where the document was written now; whose cut is not known is read whole, too."""
        damaged = altered(Release([*DOCS, Doc("empty.md", "")]), lambda p: [with_payload(p[0], text="cut"), *p[1:]])
        gate, first = gate_of(settings, SECTIONS["reconciliation"]), DOCS[0].state.key
        rest = {doc.state.key for doc in DOCS} - {first}
        assert gate.judge(context(damaged, taken_over=damaged.taken_over(rest))).evidence["problems"] == {"other_content": 1}
        unknown = replace(damaged.taken_over(), expected=lambda: [(doc.state, None) for doc in damaged.docs])
        assert gate.judge(context(damaged, taken_over=unknown)).evidence["problems"] == {"other_content": 1}
        sound = Release([*DOCS, Doc("empty.md", "")])
        verdict, whole = gate.judge(context(sound, taken_over=sound.taken_over(rest))), gate.judge(context(sound))
        assert (verdict.passed, verdict.evidence["documents_compared"]) == (True, 1)
        assert "word for word 1," in verdict.reason
        assert {**verdict.evidence, "documents_compared": len(DOCS)} == whole.evidence

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
