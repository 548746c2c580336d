"""What is measured: documents ranked for a query (Recall, Success, MRR, nDCG) and passages handed to a reader.

Document measures are computed by ir_measures (pytrec_eval). Passage measures follow Smith and Troynikov, "Evaluating
Chunking Strategies for Retrieval" (Chroma, 2024), as their code does: it measures ranges of characters, and so does
this ("token" is the measure's published name). Pure: nothing here searches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

Span = tuple[str, int, int]
"""Document key and character offsets [start, end)."""


def document_measures(
    relevant: Mapping[str, Iterable[str]], ranked: Mapping[str, Sequence[str]], k: int
) -> dict[str, dict[str, float]]:
    """Recall@k, Success@k, Recall@10, MRR@10 and nDCG@10 of each query in `relevant`, by query id.

    `relevant` holds the judged documents of each query (binary), `ranked` the documents found, best first, each once.
    A query that is not in `ranked`, or without any hit, scores 0.
    """
    import ir_measures  # 0.1 s that `sluice search` need not pay
    from ir_measures import RR, R, Success, nDCG

    names = {R @ k: f"Recall@{k}", Success @ k: f"Success@{k}", R @ 10: "Recall@10", RR @ 10: "MRR@10", nDCG @ 10: "nDCG@10"}
    measured = {query: dict.fromkeys(names.values(), 0.0) for query in relevant}
    # trec_eval orders by score and breaks ties by document id: scores that fall with the rank keep the order as it is.
    run = {query: {key: float(-rank) for rank, key in enumerate(ranked.get(query, ()))} for query in relevant}
    qrels = {query: dict.fromkeys(keys, 1) for query, keys in relevant.items()}
    for metric in ir_measures.iter_calc(list(names), qrels, {query: scores for query, scores in run.items() if scores}):
        measured[metric.query_id][names[metric.measure]] = float(metric.value)
    return measured


@dataclass(frozen=True, slots=True)
class PassageScores:
    """How much of the passages the chunks hold (recall), and how much of the chunks is passage (precision, IoU)."""

    recall: float
    precision: float
    iou: float


def passage_measures(
    passages: Sequence[Span], chunks: Sequence[Span], *, lost: int = 0, copies: Sequence[Sequence[Span]] = ()
) -> PassageScores:
    """The chunks as a reader receives them against the passages that answer.

    `copies` are, for each chunk in order, the other places where its text stands: recall counts a chunk in every one of
    them. It was received once, so precision and IoU count it in the place where it holds most of the passages.

    The hit is the overlap of the united chunks with the passages; recall divides it by the passages' length, precision
    by the sum of the chunks' lengths as retrieved (overlap costs), IoU by that sum and what of the passages was not
    retrieved. Passages that overlap each other are united first (Chroma's data has none). `lost` is the length of
    passages that the release does not hold at all: they can only be missed. 0 where nothing was retrieved.
    """
    wanted = _united(passages)
    places = [(chunk, *others) for chunk, others in zip_longest(chunks, copies, fillvalue=())]
    best = [max(places_of, key=lambda span: _overlap(wanted, [span])) for places_of in places]
    hit = _overlap(wanted, _united(best))
    found = _overlap(wanted, _united(span for places_of in places for span in places_of))
    reference = _length(wanted) + lost
    received = _length(chunks)
    return PassageScores(
        recall=found / reference if reference else 0.0,
        precision=hit / received if received else 0.0,
        iou=hit / (received + reference - found) if received + reference - found else 0.0,
    )


def credited(relevant: Iterable[str], places: Sequence[Sequence[str]]) -> list[str]:
    """A ranking in which each hit stands for the judged document among its places: its own, or one with the very same text.

    `places` are the documents that each hit stands for, its own first. A document is credited once, at its first rank, and
    a rank credits one document.
    """
    left = set(relevant)
    ranked: list[str] = []
    for number, found in enumerate(places):
        chosen = next((key for key in found if key in left), None)
        left.discard(chosen or "")
        own = found[0] if found[0] not in ranked else f"{found[0]} again, at {number}"
        ranked.append(chosen if chosen is not None else own)
    return ranked


def precision_omega(passages: Sequence[Span], chunks: Iterable[Span], *, lost: int = 0) -> float:
    """The precision of the chunking itself: every chunk that touches a passage, as if a perfect search returned them all.

    Smith and Troynikov (2024), as their code does: the passages' characters that any chunk holds, over the characters of
    the united chunks that touch a passage, and of what no chunk holds. `chunks` are all chunks of the corpus (those of
    documents without a passage change nothing). `lost` as in `passage_measures`. 0 where no chunk touches a passage.
    """
    wanted = _united(passages)
    touching = _united(chunk for chunk in chunks if _overlap(wanted, [chunk]))
    held = _overlap(wanted, touching)
    return held / (_length(touching) + _length(wanted) - held + lost) if held else 0.0


def mean(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over the queries that have it; a measure that no query has is left out."""
    totals: dict[str, list[float]] = {}
    for measures in values:
        for name, value in measures.items():
            totals.setdefault(name, []).append(value)
    return {name: sum(numbers) / len(numbers) for name, numbers in totals.items()}


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for _, start, end in spans)


def _united(spans: Iterable[Span]) -> list[Span]:
    """Sorted, disjoint spans that cover the same characters."""
    united: list[Span] = []
    for key, start, end in sorted(spans):
        if united and united[-1][0] == key and start <= united[-1][2]:
            united[-1] = (key, united[-1][1], max(end, united[-1][2]))
        else:
            united.append((key, start, end))
    return united


def _overlap(left: Sequence[Span], right: Sequence[Span]) -> int:
    """Characters that two united lists share: the few passages of a query against its k chunks."""
    return sum(
        max(0, min(end, other_end) - max(start, other_start))
        for key, start, end in left
        for other_key, other_start, other_end in right
        if key == other_key
    )
