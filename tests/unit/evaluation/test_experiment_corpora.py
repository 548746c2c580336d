"""Passage measures on Chroma's data: a second implementation, tiny and obvious, agrees on every question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chunking import build
from chunking.testing import HashEncoder
from evaluation.golden_import import read_csv, uri_template
from evaluation.measures import passage_measures, precision_omega
from indexing.exact import ExactSearch
from indexing.models.files import locate
from indexing.models.tokenizer import open_tokenizer
from indexing.payload import payload
from indexing.search import Searcher
from indexing.sparse import Bm25Encoder
from sluice.access import AccessTags, Principal
from sluice.ids import document_key
from sluice.points import Point
from sluice.records import Document, DocumentState
from sluice.settings import ChunkingSettings, SearchSettings, Settings

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora/chunking"
EVERYONE = AccessTags({"public"})
K = 5

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="../shared/corpora/chunking is absent"),
]


def by_the_definition(references: list[tuple[int, int]], retrieved: list[tuple[str, int, int]], corpus: str) -> tuple[float, ...]:
    """Recall, precision and IoU as Chroma's report defines them, character by character.

    Smith and Troynikov (2024) and its code (brandonstarxel/chunking_evaluation, base_evaluation.py): the hit is what the
    retrieved chunks of this corpus hold of the references; precision and IoU count every retrieved chunk at full length.
    """
    wanted = {i for start, end in references for i in range(start, end)}
    got = {i for name, start, end in retrieved if name == corpus for i in range(start, end)}
    handed = sum(end - start for _, start, end in retrieved)
    hit = len(wanted & got)
    return hit / len(wanted), hit / handed, hit / (handed + len(wanted - got))


def omega_by_the_definition(references: list[tuple[int, int]], chunks: list[tuple[int, int]]) -> float:
    """Precision when exactly the chunks that touch a reference are retrieved; what none of them holds counts against it."""
    wanted = {i for start, end in references for i in range(start, end)}
    met = [(start, end) for start, end in chunks if any(start < b and a < end for a, b in references)]
    touching = {i for start, end in met for i in range(start, end)}
    return len(wanted & touching) / len(wanted | touching)


@pytest.mark.parametrize(
    "section",
    [
        {"strategy": "fixed", "max_tokens": 100},
        {"strategy": "fixed", "max_tokens": 200, "overlap_tokens": 80},
        {"strategy": "recursive", "max_tokens": 100},
        {"strategy": "recursive", "max_tokens": 200},
        {"strategy": "sentence", "max_tokens": 100, "overlap_tokens": 30},
        {"strategy": "sentence", "max_tokens": 200},
        {"strategy": "semantic", "max_tokens": 200, "target_tokens": 50},
        {"strategy": "semantic", "max_tokens": 250, "target_tokens": 100},
        {"strategy": "cluster", "max_tokens": 100},
        {"strategy": "cluster", "max_tokens": 200},
        {"strategy": "heading", "max_tokens": 100},
        {"strategy": "heading", "max_tokens": 200},
        {"strategy": "hierarchical", "max_tokens": 50, "parent_tokens": 100},
        {"strategy": "hierarchical", "max_tokens": 60, "parent_tokens": 200},
    ],
    ids=lambda section: f"{section['strategy']} {section.get('parent_tokens', section['max_tokens'])}",
)
def test_both_implementations_agree_on_every_question(section: dict[str, object], tmp_path: Path) -> None:
    """Recall, precision, IoU at 5 and precision-omega of 276 questions, over what a real search (BM25) returns.

    Seven strategies at two sizes; those that compare meanings get hashed words for meanings: which chunks they cut does
    not matter here, only that both implementations score the same ones.
    """
    tokenizer = open_tokenizer(locate("bundled:all-MiniLM-L6-v2", tmp_path, stamps=tmp_path))
    whole = Settings(
        index="chroma", state_dir=tmp_path, sources=({"name": "c", "type": "files"},), gates=(), base=tmp_path, path=tmp_path
    )
    settings = ChunkingSettings.model_validate(section, context={"base": tmp_path})
    chunker = build(settings, tokenizer, whole=whole, encoder=HashEncoder())
    points, spans = [], {}
    for file in sorted(CORPORA.glob("*.md")):
        key, text = document_key("c", file.name), file.read_bytes().decode("utf-8")
        document = Document(key, "c", file.name, "v", file.stem, "en", text)
        state = DocumentState(key, "c", file.name, version="v", tags=EVERYONE)
        chunks = chunker.chunk(document)
        spans[key] = sorted({chunk.parent or (chunk.start, chunk.end) for chunk in chunks})
        weights = Bm25Encoder().documents([chunk.text for chunk in chunks])
        made = [payload(chunk, document, state) for chunk in chunks]
        nowhere = np.zeros(2, np.float32)
        points += [Point(c.id, nowhere, p, w) for c, p, w in zip(chunks, made, weights, strict=True)]
    searcher = Searcher(ExactSearch(points), "c", None, SearchSettings(mode="sparse"), Bm25Encoder())  # type: ignore[arg-type]
    lines = read_csv(CORPORA / "questions.csv", uri_template("{id}.md"))
    assert len(lines) == 276
    for line in lines:
        hits = searcher.search(line["query"], Principal(EVERYONE), K)
        retrieved = [(hit.document_key, hit.start, hit.end) for hit in hits]
        key = document_key("c", line["relevant"][0]["uri"])
        references = [(label["start"], label["end"]) for label in line["relevant"]]
        scores = passage_measures([(key, *span) for span in references], retrieved)
        expected = by_the_definition(references, retrieved, key)
        assert (scores.recall, scores.precision, scores.iou) == pytest.approx(expected), line["id"]
        omega = precision_omega([(key, *span) for span in references], [(key, *span) for span in spans[key]])
        assert omega == pytest.approx(omega_by_the_definition(references, spans[key])), line["id"]


def test_equal_texts_count_in_every_place_they_stand_in(tmp_path: Path) -> None:
    """As plain exact retrieval finds them: the five best texts, each in all of its places, of the corpora and of a second copy.

    And the second copy of every document, in which half of all labels lie, changes no figure of a question.
    """
    tokenizer = open_tokenizer(locate("bundled:all-MiniLM-L6-v2", tmp_path, stamps=tmp_path))
    whole = Settings(
        index="chroma", state_dir=tmp_path, sources=({"name": "c", "type": "files"},), gates=(), base=tmp_path, path=tmp_path
    )
    chunker = build(ChunkingSettings(strategy="fixed", max_tokens=60), tokenizer, whole=whole)
    points: dict[str, list[Point]] = {"c": [], "copy": []}
    for source, made in points.items():
        for file in sorted(CORPORA.glob("*.md")):
            key, text = document_key(source, file.name), file.read_bytes().decode("utf-8")
            document = Document(key, source, file.name, "v", file.stem, "en", text)
            state = DocumentState(key, source, file.name, version="v", tags=EVERYONE)
            chunks = chunker.chunk(document)
            weights = Bm25Encoder().documents([chunk.text for chunk in chunks])
            nowhere = np.zeros(2, np.float32)
            made += [Point(c.id, nowhere, payload(c, document, state), w) for c, w in zip(chunks, weights, strict=True)]
    for sources in (["c"], ["c", "copy"]):
        held = [point for source in sources for point in points[source]]
        searcher = Searcher(ExactSearch(held), "c", None, SearchSettings(mode="sparse"), Bm25Encoder())  # type: ignore[arg-type]
        standing: dict[str, list[tuple[str, int, int]]] = {}
        for point in held:
            p = point.payload
            standing.setdefault(p["text"], []).append((p["document_key"], p["start"], p["end"]))
        for number, line in enumerate(read_csv(CORPORA / "questions.csv", uri_template("{id}.md"))[::4]):
            key = document_key(sources[number % len(sources)], line["relevant"][0]["uri"])
            references = [(key, label["start"], label["end"]) for label in line["relevant"]]
            hits = searcher.search(line["query"], Principal(EVERYONE), K)
            own = [(hit.document_key, hit.start, hit.end) for hit in hits]
            copies = [[(p.document_key, p.start, p.end) for p in hit.copies] for hit in hits]
            for hit, place, others in zip(hits, own, copies, strict=True):
                assert sorted([place, *others]) == sorted(standing[hit.text])
            wanted = {(k, i) for k, start, end in references for i in range(start, end)}
            got = {(k, i) for hit in hits for k, start, end in standing[hit.text] for i in range(start, end)}
            recall = len(wanted & got) / len(wanted)
            scores = passage_measures(references, own, copies=copies)
            assert scores.recall == pytest.approx(recall), line["id"]
