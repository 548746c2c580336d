"""Which share of the exact top k a store's answers hold, in one pass over its vectors."""

from __future__ import annotations

import numpy as np

from pipeline.evidence.exactness import AT_ONCE, compared
from sluice.access import AccessTags
from sluice.points import ACCESS_TAGS, StoredPoint, Vector

FEW, MANY, NOBODY = AccessTags({"few"}), AccessTags({"many"}), AccessTags({"nobody"})


def test_shares_are_those_of_a_search_over_everything_that_a_reader_may_read() -> None:
    """More vectors than are held at a time, two readers: by hand for one, against numpy's own sort for both."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(AT_ONCE + 500, 8)).astype(np.float32)
    tags = [FEW if n % 50 == 0 else MANY for n in range(len(vectors))]
    points = [StoredPoint(str(n), {ACCESS_TAGS: sorted(tags[n])}, vector) for n, vector in enumerate(vectors)]
    asked = random.normal(size=(3, 8)).astype(np.float32)

    def best(reader: AccessTags, query: Vector) -> list[int]:
        mine = [n for n in range(len(vectors)) if tags[n] == reader]
        return sorted(mine, key=lambda n: -float(query @ vectors[n]))[:10]

    exact = {reader: [best(reader, query) for query in asked] for reader in (FEW, MANY)}
    stored = {FEW: [{str(n) for n in found[:7]} for found in exact[FEW]], MANY: [{str(n) for n in f} for f in exact[MANY]]}
    stored[FEW][0] |= {str(n) for n in exact[MANY][0]}  # what is not theirs counts for nothing
    found = compared(iter(points), {**stored, NOBODY: [set()] * 3}, asked, 10)
    assert found == {FEW: [0.7] * 3, MANY: [1.0] * 3, NOBODY: []}


def test_a_hit_that_ties_with_the_last_exact_one_is_as_good() -> None:
    """Twelve equal vectors, four of them answered: any four are the four."""
    points = [StoredPoint(str(n), {ACCESS_TAGS: ["few"]}, np.ones(4, dtype=np.float32)) for n in range(12)]
    asked = np.ones((1, 4), dtype=np.float32)
    assert compared(iter(points), {FEW: [{"8", "9", "10", "11"}]}, asked, 4) == {FEW: [1.0]}
