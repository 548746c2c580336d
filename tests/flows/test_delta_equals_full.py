"""Whatever nights an index has lived through: a delta release is what a build from nothing gives, on both kinds of store.

    SLUICE_EXAMPLES=200 .venv/bin/pytest tests/flows/test_delta_equals_full.py

draws many more nights than the suite does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.operations import nightly
from pipeline.runs import holding
from sluice.access import Principal
from sluice.points import Vector
from sluice.releases import Release
from stores.mongo.connection import connect
from tests.flows.at_hand import URLS, OnTheseStores, vector_store

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "3"))
TAGS = ("staff", "hr", "legal")
WORDS = ("leave", "budget", "badge", "gateway", "travel", "review", "laptop", "visitor", "invoice", "holiday", "canteen")
FIELDS = (
    *("document_key", "uri", "source", "title", "text", "start", "end", "page", "heading_path", "language", "access_tags"),
    *("metadata", "modified", "served", "text_id", "text_hash", "version", "parse_fingerprint", "tokens", "context_cut"),
)
RECIPES: tuple[Mapping[str, Any], ...] = tuple(
    {"chunking": {"strategy": strategy, "max_tokens": tokens, "context": context}, "search": {"mode": mode}}
    for strategy, tokens, context, mode in (
        ("recursive", 30, "none", "dense"),
        ("heading", 60, "headings", "hybrid"),
        ("sentence", 40, "title", "hybrid"),
        ("hierarchical", 30, "none", "dense"),
    )
)
RULES: tuple[Sequence[Mapping[str, Any]], ...] = (
    [{"match": "**", "tags": ["staff", "hr", "legal"]}],
    [{"match": "a/**", "tags": ["hr"]}, {"match": "**", "tags": ["staff", "legal"]}],
    [{"match": "b/*-1*", "tags": []}, {"match": "**", "tags": ["staff"]}],
)

SEED = st.integers(0, 10_000)
CHANGE = st.one_of(
    st.tuples(st.sampled_from(["edit", "new", "delete", "move", "title", "narrow", "touch", "copy"]), SEED),
    st.tuples(st.just("rules"), st.integers(0, len(RULES) - 1)),
    st.tuples(st.just("recipe"), st.integers(0, len(RECIPES) - 1)),
)
NIGHTS = st.lists(st.lists(CHANGE, min_size=1, max_size=5), min_size=1, max_size=3)


@dataclass
class Corpus:
    """Files in a folder, changed at random but reproducibly."""

    folder: Path
    made: int = 0
    config: dict[str, Any] = field(default_factory=dict)

    def body(self, seed: int) -> str:
        rng = np.random.default_rng(seed % 40)  # few bodies: some documents are equal
        parts = []
        for section in range(int(rng.integers(1, 4))):
            sentences = (
                f"The {rng.choice(WORDS)} of the {rng.choice(WORDS)} is {rng.integers(100)}." for _ in range(rng.integers(1, 9))
            )
            parts.append(f"## Section {section}\n\n{' '.join(sentences)}")
        return "\n\n".join(parts)

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.md"))

    def write(self, file: Path, seed: int, front: str = "") -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{front}# Page {seed % 7}\n\n{self.body(seed)}\n", encoding="utf-8")

    def new(self, seed: int) -> None:
        self.made += 1
        self.write(self.folder / "ab"[seed % 2] / f"page-{self.made}.md", seed)

    def change(self, what: str, seed: int) -> None:
        """One change; of which file, the seed says."""
        files = self.files()
        if what == "rules":
            self.config["access"] = {"rules": list(RULES[seed])}
        elif what == "recipe":
            self.config.update(RECIPES[seed])
        elif what == "new" or len(files) < 3:
            self.new(seed)
        else:
            self._change_file(files[seed % len(files)], what, seed)

    def _change_file(self, file: Path, what: str, seed: int) -> None:
        text = file.read_text(encoding="utf-8")
        rest = text.split("---\n", 2)[-1]
        match what:
            case "edit":
                self.write(file, seed)
            case "delete":
                file.unlink()
            case "move":
                self.made += 1
                file.rename(file.with_name(f"page-{self.made}-1.md"))
            case "title":
                file.write_text(f"---\ntitle: Title {seed % 5}\nauthor: A{seed % 3}\n---\n{rest}", encoding="utf-8")
            case "narrow":
                file.write_text(f"---\naccess: [{TAGS[seed % 3]}]\n---\n{rest}", encoding="utf-8")
            case "touch":
                os.utime(file, (1_700_000_000 + seed, 1_700_000_000 + seed))
            case "copy":
                self.made += 1
                file.with_name(f"page-{self.made}.md").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Live:
    """What readers of an index are served."""

    release: Release
    points: Mapping[str, tuple[Mapping[str, Any], Vector]]
    answers: Sequence[Sequence[tuple[str, float]]]


class Index:
    """An index with stores of its own over a corpus that it may share."""

    def __init__(self, folder: Path, mongo_uri: str, kind: str, corpus: Corpus) -> None:
        self.corpus, self.config = corpus, folder / "sluice.yaml"
        folder.mkdir()
        self.database: Any = connect(mongo_uri, f"test_{os.urandom(6).hex()}")
        self.vectors = vector_store(kind, folder)
        self.fixed = {
            "index": "nights",
            "state_dir": str(folder / "state"),
            "stores": {"mongodb": {"uri": mongo_uri}, "qdrant": {"url": URLS[kind]}},
            "sources": [
                {
                    "name": "notes",
                    "type": "files",
                    "root": str(corpus.folder),
                    "include": ["**/*.md"],
                    "limits": {"sandbox": False},
                }
            ],
            "embedding": {"model": "hashing:64", "precision": "fp32"},
            "gates": [],
        }

    def night(self) -> Live:
        self.config.write_text(yaml.safe_dump(self.fixed | self.corpus.config), encoding="utf-8")
        with OnTheseStores(self.config, self.database, self.vectors) as r:
            with holding(r, "run") as run:
                report = nightly.reindex(r, run, allow_deletions=["notes"])
            assert report.outcome in ("promoted", "unchanged"), report
            live = r.releases.live()
            assert live is not None
            points = {p.id: (dict(p.payload), p.dense) for p in r.stores.qdrant.scan(live.collection, FIELDS, vectors=True)}
            searcher, rng = r.live_searcher(), np.random.default_rng(1)
            answers = []
            for _ in range(50):
                query = " ".join(rng.choice(WORDS, size=rng.integers(1, 4)))
                reader = Principal.of([str(tag) for tag in rng.choice(TAGS, size=rng.integers(0, 3), replace=False)])
                answers.append([(hit.chunk_id, hit.score) for hit in searcher.search(query, reader, 5)])
        return Live(live, {id: (payload, vector) for id, (payload, vector) in points.items() if vector is not None}, answers)

    def close(self) -> None:
        self.vectors.close()
        self.database.client.drop_database(self.database.name)
        self.database.client.close()


@pytest.mark.parametrize("kind", ["embedded", "large", "server"])
@given(recipe=st.integers(0, len(RECIPES) - 1), nights=NIGHTS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # an example takes seconds: what fails is told as it was drawn
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_a_delta_is_what_a_build_from_nothing_gives(
    mongo_uri: str, kind: str, recipe: int, nights: list[list[tuple[str, int]]]
) -> None:
    """Ids, payloads, vectors to 1e-6, fingerprint, access root, and the answers to 50 queries of all kinds of readers."""
    with tempfile.TemporaryDirectory() as place:
        corpus = Corpus(Path(place) / "corpus", config={**RECIPES[recipe], "access": {"rules": list(RULES[0])}})
        for seed in range(9):
            corpus.new(seed * 17)
        indexes = []
        try:
            indexes.append(old := Index(Path(place) / "old", mongo_uri, kind, corpus))
            old.night()
            for number, changes in enumerate(nights):
                for what, seed in changes:
                    corpus.change(what, seed)
                old.night()
                corpus.new(10_000 + number)  # so that the last release is a delta, whatever the night before it was
                delta = old.night()
                assert delta.release.base is not None
            indexes.append(new := Index(Path(place) / "new", mongo_uri, kind, corpus))
            full = new.night()
        finally:
            for index in indexes:
                index.close()
    assert full.release.base is None
    assert (delta.release.fingerprint, delta.release.access_root) == (full.release.fingerprint, full.release.access_root)
    assert (delta.release.documents, delta.release.chunks, delta.release.tokens) == (
        full.release.documents,
        full.release.chunks,
        full.release.tokens,
    )
    assert {id: payload for id, (payload, _) in delta.points.items()} == {id: payload for id, (payload, _) in full.points.items()}
    assert all(np.allclose(vector, full.points[id][1], rtol=0, atol=1e-6) for id, (_, vector) in delta.points.items())
    for one, other in zip(delta.answers, full.answers, strict=True):
        assert [id for id, _ in one] == [id for id, _ in other]
        assert np.allclose([score for _, score in one], [score for _, score in other], rtol=0, atol=1e-5)
    assert any(delta.answers)
