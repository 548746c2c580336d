from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.golden import load_golden
from evaluation.labels import resolve
from evaluation.measures import Span, credited, document_measures, mean, passage_measures
from evaluation.scoring import evaluate
from sluice.access import AccessTags, Principal
from sluice.records import Hit, Place
from tests.unit.evaluation.fakes import PUBLIC, Doc, Release, write_lines

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"


def test_document_measures_by_hand() -> None:
    """Two of three judged documents at ranks 2 and 4 of k = 3: each figure from its definition."""
    measured = document_measures({"q": ["a", "b", "c"]}, {"q": ["x", "a", "y", "b"]}, 3)["q"]
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert measured == pytest.approx(
        {
            "Recall@3": 1 / 3,
            "Success@3": 1.0,
            "Recall@10": 2 / 3,
            "MRR@10": 1 / 2,
            "nDCG@10": (1 / math.log2(3) + 1 / math.log2(5)) / ideal,
        }
    )


def test_a_query_without_hits_scores_zero_and_stays_in_the_mean() -> None:
    """Missing from the run, or with an empty list: 0, never left out."""
    measured = document_measures({"a": ["d"], "b": ["d"], "c": ["d"]}, {"a": ["d"], "b": []}, 5)
    assert [measured[q]["Recall@5"] for q in "abc"] == [1.0, 0.0, 0.0]
    assert mean(list(measured.values()))["nDCG@10"] == pytest.approx(1 / 3)


def test_ranks_are_kept_as_they_are() -> None:
    """No tie-breaking by document id reorders what a searcher returned."""
    for ranked in (["z", "a"], ["a", "z"]):
        assert document_measures({"q": ["z"]}, {"q": ranked}, 5)["q"]["MRR@10"] == 1 / (ranked.index("z") + 1)


def test_passage_measures_by_hand() -> None:
    """Passage [10, 20); chunks [0, 15) and [12, 30): united they hold all of it, and their overlap is paid for twice."""
    scores = passage_measures([("d", 10, 20)], [("d", 0, 15), ("d", 12, 30), ("other", 10, 20)])
    assert (scores.recall, scores.precision, scores.iou) == (1.0, 10 / (15 + 18 + 10), 10 / (15 + 18 + 10))


def test_what_the_release_lost_can_only_be_missed() -> None:
    """A passage that is nowhere in the release's text is in the denominators of recall and IoU."""
    scores = passage_measures([("d", 0, 10)], [("d", 0, 10)], lost=30)
    assert (scores.recall, scores.precision, scores.iou) == (0.25, 1.0, 0.25)


def test_nothing_retrieved_scores_zero() -> None:
    """No chunks, no division by nothing."""
    scores = passage_measures([("d", 0, 10)], [])
    assert (scores.recall, scores.precision, scores.iou) == (0.0, 0.0, 0.0)


def by_characters(passages: list[Span], chunks: list[Span]) -> tuple[float, float, float]:
    """The definition again, one character at a time."""
    wanted = {(key, i) for key, start, end in passages for i in range(start, end)}
    received = [(key, i) for key, start, end in chunks for i in range(start, end)]
    hit = len(wanted & set(received))
    missed = len(wanted) - hit
    return (
        hit / len(wanted) if wanted else 0.0,
        hit / len(received) if received else 0.0,
        hit / (len(received) + missed) if received or missed else 0.0,
    )


spans = st.lists(
    st.tuples(st.sampled_from("de"), st.integers(0, 40), st.integers(1, 20)).map(lambda t: (t[0], t[1], t[1] + t[2])), max_size=6
)


@given(spans, spans)
def test_passage_measures_agree_with_counting_characters(passages: list[Span], chunks: list[Span]) -> None:
    """A second implementation, tiny and obvious, agrees on every case."""
    scores = passage_measures(passages, chunks)
    assert (scores.recall, scores.precision, scores.iou) == pytest.approx(by_characters(passages, chunks))


@pytest.mark.corpora
def test_passage_measures_agree_on_chromas_questions() -> None:
    """On all 276 questions with spans, for chunks of 400 characters every 300, five of them around the first passage."""
    if not CORPORA.exists():
        pytest.skip("needs ../shared/corpora")
    with (CORPORA / "chunking/questions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 276
    for row in rows:
        passages = [(row["corpus_id"], ref["start_index"], ref["end_index"]) for ref in json.loads(row["references"])]
        first = passages[0][1] // 300
        chunks = [(row["corpus_id"], 300 * i, 300 * i + 400) for i in range(max(0, first - 2), first + 3)]
        scores = passage_measures(passages, chunks)
        assert (scores.recall, scores.precision, scores.iou) == pytest.approx(by_characters(passages, chunks))


LAPTOPS = "Laptops are replaced after three years."
PHONES = "Phones are replaced after two years."
DOCS = [
    Doc("laptops.md", f"Welcome.\n\n{LAPTOPS}"),
    Doc("phones.md", PHONES, tags=AccessTags({"staff"})),
    Doc("pay.md", "Pay day is the last Friday.", tags=AccessTags({"hr"})),
]


def test_an_evaluation_by_hand(tmp_path: Path) -> None:
    """Three questions over three one-paragraph documents: measures, slices, kinds, and each question's own figures."""
    lines: list[dict[str, Any]] = [
        {"id": "a", "query": "when are laptops replaced", "relevant": [{"uri": "laptops.md", "quote": LAPTOPS}], "slice": ["it"]},
        {"id": "b", "query": "are phones replaced", "relevant": [{"uri": "phones.md"}], "slice": ["it"], "principal": ["public"]},
        {"id": "c", "query": "pay day", "relevant": [{"uri": "pay.md"}, {"uri": "never.md"}], "kind": "fact"},
        {"id": "d", "query": "who is laptops friday", "relevant": []},
    ]
    release = Release(DOCS)
    resolved = resolve(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), release)
    done = evaluate(release, resolved, k=2, everyone=release.tags).as_json()

    assert (done["queries"], done["labels"], done["missing"], done["stale"], done["unscored"]) == (3, 4, 1, 0, 0)
    # a: found first. b: its document may not be read by 'public'. c: one of its two documents is nowhere.
    assert done["measures"]["Recall@2"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert done["measures"]["Success@2"] == pytest.approx(2 / 3)
    assert done["slices"]["it"] == pytest.approx(
        {"queries": 2, "Recall@2": 0.5, "Success@2": 0.5, "Recall@10": 0.5, "MRR@10": 0.5, "nDCG@10": 0.5}
        | {"TokenRecall@2": 1.0, "TokenPrecision@2": len(LAPTOPS) / (len(LAPTOPS) + len(PHONES))}
        | {"TokenIoU@2": len(LAPTOPS) / (len(LAPTOPS) + len(PHONES))}
    )
    assert done["kinds"]["fact"]["Recall@2"] == 0.5
    [nothing] = done["unanswerable"]
    assert (nothing["id"], nothing["hits"][0]["score"]) == ("d", 2.0)
    assert "text" not in nothing["hits"][0]


def test_a_query_is_asked_as_its_principal_or_as_everyone(tmp_path: Path) -> None:
    """Without a principal of its own a query holds every tag in the release, and still goes through the filter."""
    lines = [
        {"id": "a", "query": "pay", "relevant": [{"uri": "pay.md"}]},
        {"id": "b", "query": "pay", "relevant": [{"uri": "pay.md"}], "principal": []},
    ]
    release = Release(DOCS)
    done = evaluate(
        release,
        resolve(load_golden(write_lines(tmp_path / "g.jsonl", *lines)), release),
        k=2,
        everyone=release.tags,
        passages=False,
    )
    assert [principal.tags for _, principal, _ in release.searches] == [release.tags, AccessTags()]
    assert [result.measures["Recall@2"] for result in done.results] == [1.0, 0.0]
    assert "TokenRecall@2" not in done.measures


def test_retrieving_a_document_whose_passage_was_lost_is_no_hit(tmp_path: Path) -> None:
    """A cleaner that cuts the answer away is not rewarded for still finding the page."""
    line = {"id": "a", "query": "laptops", "relevant": [{"uri": "laptops.md", "quote": "replaced after three years"}]}
    release = Release([Doc("laptops.md", "Laptops are good.", raw=f"Laptops are good. {LAPTOPS}")])
    done = evaluate(release, resolve(load_golden(write_lines(tmp_path / "g.jsonl", line)), release), k=2, everyone=release.tags)
    assert done.measures["Recall@2"] == 0.0
    assert done.measures["TokenRecall@2"] == 0.0


def test_a_chunk_counts_in_every_place_where_its_text_stands() -> None:
    """A label on another copy is found; a reader was handed the text once, so precision and IoU count it once."""
    elsewhere = passage_measures([("copy", 10, 20)], [("d", 0, 40)], copies=[[("copy", 0, 40)]])
    assert (elsewhere.recall, elsewhere.precision, elsewhere.iou) == (1.0, 0.25, 0.25)
    assert elsewhere == passage_measures([("copy", 10, 20)], [("copy", 0, 40)])
    both = passage_measures([("copy", 10, 20), ("d", 10, 20)], [("d", 0, 40)], copies=[[("copy", 0, 40)]])
    assert (both.recall, both.precision, both.iou) == (1.0, 0.25, 0.25)
    assert passage_measures([("copy", 10, 20)], [("d", 0, 40), ("e", 0, 5)], copies=[[], []]).recall == 0


@pytest.mark.parametrize(
    ("places", "ranked"),
    [
        ([["b", "a"], ["a", "b"]], ["a", "a again, at 1"]),
        ([["b"], ["a"]], ["b", "a"]),
        ([["a", "c"], ["c", "a"]], ["a", "c"]),
        ([["x", "c", "a"], ["y", "a"], ["c"]], ["c", "a", "c again, at 2"]),
    ],
)
def test_a_rank_is_credited_with_one_document_and_a_document_once(places: list[list[str]], ranked: list[str]) -> None:
    """Its own where that is judged, else one with the very same text; what was credited already is nothing new."""
    assert credited(["a", "c"], places) == ranked


def test_a_document_is_found_by_the_copy_of_its_passage_and_not_by_a_heading_that_all_have(tmp_path: Path) -> None:
    """The hit on the copy counts where the label lies on the other one; a repeated line that answers nothing is nobody's."""
    passage, heading = "the gateway is deployed on Tuesdays after ten", "Notes"
    docs = [Doc("a.md", f"{heading}\n\n{passage}"), Doc("b.md", f"{heading}\n\n{passage}"), Doc("c.md", f"{heading}\n\nelse")]
    lines = [
        {"id": "copied", "query": "gateway deployed Tuesdays", "relevant": [{"uri": "b.md", "quote": passage}]},
        {"id": "heading", "query": "notes", "relevant": [{"uri": "c.md", "quote": "else"}]},
    ]
    golden = load_golden(write_lines(tmp_path / "g.jsonl", *lines))
    release = Copying(docs)
    found = {
        result.query.id: result.measures for result in evaluate(release, resolve(golden, release), k=1, everyone=PUBLIC).results
    }
    assert (found["copied"]["Recall@1"], found["copied"]["MRR@10"], found["copied"]["TokenRecall@1"]) == (1, 1, 1)
    assert found["heading"]["Recall@1"] == 0


class Copying(Release):
    """Names the other places of a hit's text, as a Searcher does."""

    def _ranked(self, query: str, principal: Principal) -> list[Hit]:
        everywhere = [
            (p.payload["text"], Place(p.payload["document_key"], p.payload["uri"], "s", p.payload["start"], p.payload["end"]))
            for p in self.points
        ]
        return [
            replace(hit, copies=tuple(place for text, place in everywhere if text == hit.text and place.uri != hit.uri))
            for hit in super()._ranked(query, principal)
        ]
