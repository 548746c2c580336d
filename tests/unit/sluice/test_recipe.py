"""A recipe: nothing that decides an answer is left out, nothing that does not is in its hashes, and a release gives it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import ReleaseError
from sluice.recipe import Parts, Recipe
from sluice.releases import Release
from sluice.settings import ChunkingSettings, EmbeddingSettings, SearchSettings

PARTS = Parts("chunker", "model")
PLAIN = Recipe(ChunkingSettings(), EmbeddingSettings(precision="fp32"), SearchSettings(), PARTS)
HYBRID = replace(PLAIN, search=SearchSettings(mode="hybrid"), parts=replace(PARTS, sparse="bm25"))


def release(**more: Any) -> Release:
    return Release("r1", "ix", "ix__r1", "promoted", "fp", "root", datetime(2026, 11, 26, tzinfo=UTC), **more)


def searching(recipe: Recipe, **how: Any) -> Recipe:
    return replace(recipe, search=recipe.search.model_copy(update=how))


SECTIONS = st.builds(
    Recipe,
    st.builds(
        lambda context, **options: ChunkingSettings.model_validate({"context": context, **options}, context={"base": Path()}),
        st.sampled_from(["none", "title", "headings"]),
        max_tokens=st.integers(8, 200),
        sentences=st.integers(1, 3),
    ),
    st.builds(EmbeddingSettings, precision=st.sampled_from(["fp32", "bf16"])),
    st.builds(
        SearchSettings,
        mode=st.sampled_from(["dense", "sparse", "hybrid"]),
        dense_weight=st.floats(0.05, 0.95),
        rerank=st.none() | st.text(min_size=1),
        rerank_k=st.integers(1, 1000),
    ),
    st.builds(Parts, st.text(), st.text(), st.text(), st.text()),
    st.integers(0, 3),
)


@given(SECTIONS)
def test_a_release_gives_back_the_recipe_it_keeps(recipe: Recipe) -> None:
    """Whole, a strategy's own options included, with the same hashes."""
    kept = Recipe.of_release(release(recipe=recipe.as_json()))
    assert kept == recipe
    assert (kept.points, kept.answers) == (recipe.points, recipe.answers)


@pytest.mark.parametrize("how", [{"dense_weight": 0.8}, {"mode": "sparse"}, {"rerank": "m"}])
def test_what_changes_answers_and_no_point_is_another_release_of_the_same_points(how: dict[str, Any]) -> None:
    """How kinds are weighted, which of them are asked, and whether something reads the hits again."""
    other = searching(HYBRID, **how)
    assert (other.points == HYBRID.points, other.answers == HYBRID.answers) == (True, False)


def test_what_reads_hits_again_counts_by_what_it_is_and_how_much_it_reads() -> None:
    """Another model under the same name, or more hits read: other answers."""
    first = replace(searching(PLAIN, rerank="m"), parts=replace(PARTS, reranker="weights 1"))
    assert len({first.answers, searching(first, rerank_k=9).answers, PLAIN.answers}) == 3
    assert replace(first, parts=replace(PARTS, reranker="weights 2")).answers != first.answers
    assert searching(first, rerank="the/same/elsewhere").answers == first.answers


@pytest.mark.parametrize(
    ("recipe", "how"),
    [(PLAIN, {"dense_weight": 0.8}), (PLAIN, {"rerank_k": 7}), (HYBRID, {"rerank_k": 7}), (HYBRID, {"log": Path("searches")})],
)
def test_a_setting_that_nothing_uses_makes_no_release(recipe: Recipe, how: dict[str, Any]) -> None:
    """A weight without a fusion, a number of hits that nothing reads, and where searches are written down."""
    assert searching(recipe, **how).answers == recipe.answers


@pytest.mark.parametrize("part", ["chunking", "model", "sparse"])
def test_what_makes_points_is_in_both_hashes(part: str) -> None:
    """Chunks, vectors, and the format that they are stored in."""
    for other in (replace(PLAIN, parts=replace(PARTS, **{part: "other"})), replace(PLAIN, format=PLAIN.format + 1)):
        assert other.points != PLAIN.points
        assert other.answers != PLAIN.answers


def test_a_release_from_before_there_were_recipes_opens_as_it_has_answered() -> None:
    """By its mode and the model it was embedded with; its points are never taken for those of today."""
    old = release(
        fingerprints={"chunking": "chunker", "model": "model", "sparse": "hybrid 0.8 bm25", "parse": {}},
        configuration={"embedding": {"model": "m", "precision": "fp32"}, "search": {"mode": "hybrid"}, "chunking": {"x": "${N}"}},
    )
    found = Recipe.of_release(old)
    assert (found.search, found.embedding.model, found.parts.model) == (SearchSettings(mode="hybrid"), "m", "model")
    assert found.sparse
    assert found.points != replace(HYBRID, parts=found.parts).points


def test_what_no_version_has_written_is_said() -> None:
    """With the release's name; a key of a later version is no reason to answer by half of a recipe."""
    later = PLAIN.as_json() | {"search": {"mode": "dense", "colours": 3}}
    with pytest.raises(ReleaseError, match=r"release r1 .* colours"):
        Recipe.of_release(release(recipe=later))
