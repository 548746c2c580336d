"""Searches with a chunk's own words, by who may not read it; and vectors read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from evaluation.gates.audit import Held, attack
from evaluation.gates.reconciliation import ReconciliationGate, ReconciliationOptions
from sluice.access import AccessTags, Principal
from sluice.points import StoredPoint, Vector
from sluice.records import Hit
from tests.unit.evaluation.fakes import Doc, Release, context, vector

DOCS = [
    *(Doc(f"pay/{i}.md", f"salary {i} of somebody", tags=AccessTags({"hr"})) for i in range(50)),
    *(Doc(f"menu/{i}.md", f"lunch {i} for somebody", tags=AccessTags({"public"})) for i in range(5)),
    Doc("all.md", "somebody", tags=AccessTags({"hr", "public"})),
    Doc("none.md", "hidden somebody", tags=AccessTags()),
]


def test_every_set_of_tags_has_its_share_of_the_searches_and_none_leaks() -> None:
    """Five of the five public chunks and five of fifty: large groups do not crowd small ones out; the same each time."""
    release = Release(DOCS)
    found = attack(Held.of(release, 11), release, 11, 3)
    assert (found["searches"], found["leaks"], found["left_out"]) == (11, 0, 0)
    asked = [(query.split()[0], sorted(principal.tags)) for query, principal, _ in release.searches]
    assert asked.count(("lunch", ["hr"])) == 5
    assert asked.count(("salary", ["public"])) == 5
    assert ("hidden", ["hr", "public"]) in asked
    again = Release(DOCS)
    attack(Held.of(again, 11), again, 11, 3)
    assert again.searches == release.searches


def test_a_filter_that_fails_now_and_then_is_found_though_its_hits_claim_other_tags() -> None:
    """What a hit says about itself is not believed: the tags of the points are."""

    class Lying(Release):
        def search(self, query: str, principal: Principal, k: int) -> list[Hit]:
            everything = self._ranked(query, Principal(AccessTags({"hr", "public"})))
            return [replace(hit, access_tags=tuple(principal.tags)) for hit in everything][:k]

    release = Lying(DOCS)
    assert attack(Held.of(release, 20), release, 20, 3)["leaks"] > 0


def test_it_stops_when_its_time_is_up_and_says_what_it_left_out() -> None:
    """Three turns allowed of twenty."""
    turns = iter([True] * 3 + [False] * 100)
    release = Release(DOCS)
    found = attack(Held.of(release, 20), release, 20, 3, go_on=lambda: next(turns))
    assert (found["searches"], found["left_out"]) == (3, 17)


def test_where_everyone_reads_everything_there_is_nothing_to_attack() -> None:
    """One tag on everything: no principal is without it."""
    release = Release([Doc("a.md", "text"), Doc("b.md", "more")])
    assert attack(Held.of(release, 20), release, 20, 3)["searches"] == 0


def cached(hashes: Sequence[str]) -> Mapping[str, Vector]:
    return {text: vector(text) for text in hashes}


def shuffled(points: list[StoredPoint]) -> list[StoredPoint]:
    return [replace(p, dense=q.dense) for p, q in zip(points, [*points[1:], points[0]], strict=True)]


def damaged(points: list[StoredPoint]) -> list[StoredPoint]:
    assert points[0].dense is not None
    return [replace(points[0], dense=points[0].dense + np.float32(1e-3)), *points[1:]]


@pytest.mark.parametrize(("change", "wrong"), [(shuffled, 57), (damaged, 1)])
def test_a_vector_that_is_not_what_the_model_made_is_found_exactly(change: object, wrong: int) -> None:
    """Shuffled vectors are each of unit norm and finite, and wrong; one component off by a thousandth is wrong."""
    release = Release(DOCS, points=change(list(Release(DOCS).points)))  # type: ignore[operator]
    gate = ReconciliationGate(ReconciliationOptions())
    verdict = gate.judge(context(release, vectors=cached))
    assert verdict.evidence["problems"] == {"other_vector": wrong}
    right = gate.judge(context(Release(DOCS), vectors=cached))
    assert right.passed
    assert (right.evidence["vectors_compared"], right.warnings) == (57, ())


def test_vectors_that_are_no_longer_kept_are_counted_and_reject_nothing() -> None:
    """The cache may have been emptied; what cannot be compared is said."""
    verdict = ReconciliationGate(ReconciliationOptions()).judge(context(Release(DOCS), vectors=lambda _hashes: {}))
    assert verdict.passed
    assert "57 vectors could not be compared" in verdict.warnings[0]
