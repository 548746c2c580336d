"""A sample of documents, and what it says of all of them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from evaluation.experiments.extrapolation import OnAll, on_all
from evaluation.experiments.running import QueryRecord, VariantResult
from evaluation.golden import GoldenQuery, Label
from evaluation.labels import ResolvedLabel, ResolvedQuery, ResolvedSet
from evaluation.scoring import Found, score

QUERIES, RELEVANT = 60, "right {}"


def labelled() -> ResolvedSet:
    """Each question has one relevant document of its own."""
    queries = []
    for n in range(QUERIES):
        label = Label(uri=RELEVANT.format(n))
        query = GoldenQuery(id=str(n), query=f"question {n}?", relevant=(label,))
        queries.append(ResolvedQuery(query, (ResolvedLabel(label, "found", RELEVANT.format(n)),)))
    return ResolvedSet(tuple(queries), (), ())


def result(rankings: list[list[str]], resolved: ResolvedSet, drawn: Collection[str] = ()) -> VariantResult:
    ranked = {str(n): tuple(Found(key, "s", key, key, 1.0, 0, 1) for key in keys[:10]) for n, keys in enumerate(rankings)}
    scored = score(resolved, ranked, {}, k=5, passages=False)
    chance = {r.query.id: tuple(f.document_key for f in r.documents if f.document_key in drawn) for r in scored.results}
    records = tuple(QueryRecord(r.query.id, r.measures, r.documents, (), 0, chance[r.query.id]) for r in scored.results)
    return VariantResult("f", 5, {}, records)


def test_a_drawn_document_above_the_right_one_stands_for_five() -> None:
    """By hand: at a share of 0.2 the one seen costs five times its half of a question, less the sampling's own error."""
    resolved = labelled()
    rankings = [["chance", "right 0"], ["certain", "right 1"], *([RELEVANT.format(n)] for n in range(2, QUERIES))]
    assert on_all(result(rankings, resolved, {"chance"}), resolved, 0.2, "TokenRecall@k") is None
    found = on_all(result(rankings, resolved, {"chance"}), resolved, 0.2, "MRR@10")
    assert found is not None
    assert found.high == pytest.approx((1 / 2 + 1 / 2 + 58) / 60)
    one, more, z = 0.5 / 0.2 / 60, (59.5 - (1 / 3 + 1 / 3 + 58 / 2)) / 60 / 0.2 / 60, 1.959964
    hidden = 0.8 * z**2 / 2 * more + z * (0.8 * (one**2 + (z / 2 * more) ** 2)) ** 0.5
    assert found.low == pytest.approx(59.5 / 60 - one - hidden)
    hybrid = on_all(result(rankings, resolved, {"chance"}), resolved, 0.2, "MRR@10", words=True)
    assert hybrid is not None
    assert (hybrid.low, hybrid.high) == (found.low, min(1.0, found.high + z * (0.8 * (one**2 + (z / 2 * more) ** 2)) ** 0.5))
    assert found.low < (1 / 6 + 1 / 2 + 58) / 60


def test_no_drawn_document_seen_above_is_not_certainty() -> None:
    """The interval has a width although nothing in the sample stands above any right document."""
    resolved = labelled()
    found = on_all(result([[RELEVANT.format(n)] for n in range(QUERIES)], resolved), resolved, 0.2, "nDCG@10")
    assert found is not None
    assert found.low < found.high == 1.0


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_the_interval_holds_what_is_measured_on_all(share: float) -> None:
    """In 60 simulated corpora of 300 documents, 19 of 20 intervals are to hold the truth: at least 9 of 10 do."""
    rng, resolved, held, widths = np.random.default_rng(7), labelled(), 0, []
    for _ in range(60):
        full, drawn = [], {f"d{i}" for i in range(300) if rng.random() < share}
        for n in range(QUERIES):
            above = rng.choice(300, size=min(int(rng.geometric(0.3)) - 1, 12), replace=False)
            certain = {f"c{i}" for i in above if rng.random() < 0.5}  # half of what competes is in every sample
            ranking = [f"c{i}" if f"c{i}" in certain else f"d{i}" for i in above]
            full.append([*ranking, RELEVANT.format(n), *(f"d{i}" for i in rng.choice(300, size=12, replace=False))])
        truth = result(full, resolved).measures["nDCG@10"]
        sampled = [[key for key in ranking if key[0] != "d" or key in drawn] for ranking in full]
        found = on_all(result(sampled, resolved, drawn), resolved, share, "nDCG@10")
        assert isinstance(found, OnAll)
        held += found.low <= truth <= found.high
        widths.append(found.high - found.low)
    assert held >= 54
    assert np.median(widths) < 0.5
