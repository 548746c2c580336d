"""A delta is what a full build would be: point by point, in its account, and after a process died wherever it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.build import Builder, Built
from indexing.contents import holdings
from indexing.cuts import Cutter
from indexing.delta import Delta, difference, may_be_base
from indexing.embed import CachedEmbedder
from indexing.fingerprints import access_root, release_fingerprint
from indexing.search import Searcher
from ingest.testing.stores import MemoryVersions
from sluice.access import AccessTags, Principal
from sluice.ids import content_hash, document_key, id_sum, version_id
from sluice.recipe import Parts, Recipe
from sluice.records import Document, DocumentState
from sluice.releases import Release
from sluice.settings import ChunkingSettings, EmbeddingSettings, SearchSettings
from tests.fakes import MemoryVectorCache
from tests.unit.indexing.fakes import Killed, World, access
from tests.unit.indexing.test_build import NOON, Counting, Lengths, Sentences, Words

RECIPE = Recipe(ChunkingSettings(), EmbeddingSettings(precision="fp32"), SearchSettings(), Parts("sentences", "counting"))
STAFF = Principal.of(["staff"])


@dataclass(frozen=True)
class Doc:
    """What a source says of one document."""

    text: str
    title: str = "t"
    author: str = "Ada"
    tags: frozenset[str] = frozenset({"staff"})
    minute: int = 0

    def state(self, uri: str) -> DocumentState:
        version = content_hash(self.text.encode())
        state = DocumentState(document_key("s", uri), "s", uri, version=version, content_hash=version, parse_fingerprint="p1")
        about: dict[str, Any] = {"title": self.title, "language": "en", "metadata": {"author": self.author}}
        return replace(state, tags=AccessTags(self.tags), modified=NOON + timedelta(minutes=self.minute), **about)


Corpus = Mapping[str, Doc]
SENTENCES = st.lists(st.sampled_from(["One.", "Two words.", "Here are three."]), max_size=4).map(" ".join)
DOC = st.builds(
    Doc,
    SENTENCES,
    st.sampled_from(["t", "another title"]),
    st.sampled_from(["Ada", "Grace"]),
    st.sampled_from([frozenset({"staff"}), frozenset({"hr"}), frozenset[str]()]),
    st.integers(0, 2),
)
CORPUS = st.dictionaries(st.sampled_from([f"{name}.md" for name in "abcdef"]), DOC, max_size=6)


@dataclass
class Index:
    """One index, night after night, on stores that outlive its processes."""

    world: World = field(default_factory=World)
    versions: MemoryVersions = field(default_factory=MemoryVersions)
    cache: MemoryVectorCache = field(default_factory=MemoryVectorCache)
    encoder: Counting = field(default_factory=Counting)
    nights: int = 0

    def states(self, corpus: Corpus) -> list[DocumentState]:
        """As ingestion leaves them."""
        states = [doc.state(uri) for uri, doc in corpus.items()]
        for state, doc in zip(states, corpus.values(), strict=True):
            document = Document(state.key, "s", state.uri, state.version, state.title, "en", doc.text, metadata=state.metadata)
            self.versions.put(version_id(state.key, state.version, "p1"), document)
        return states

    def night(
        self, corpus: Corpus, recipe: Recipe = RECIPE, *, delta: bool = True, kill: Callable[[int], str] = lambda _n: ""
    ) -> tuple[Release, Delta | None]:
        """Access first, then a release of these documents, live."""
        self.nights += 1
        states = self.states(corpus)
        releases = self.world.releases(kill)
        now = access(str(sorted((s.key, *sorted(s.tags)) for s in states)), **{s.key: s.tags for s in states})
        releases.sync_all_access(now)
        found = None
        view = releases.view()
        if delta and view.live is not None and may_be_base(view.live, recipe):
            found = difference(holdings(releases.points, view.live.collection), view.live, states)
        fingerprint = release_fingerprint(states, recipe.answers)
        release = releases.begin(
            fingerprint + ("" if delta else " anew"),
            release_id=f"r{self.nights}",
            access_root=access_root(states),
            dimension=2,
            sparse=recipe.sparse,
            fingerprints=recipe.fingerprints,
            configuration={},
            recipe=recipe.as_json(),
            delta=found,
        )
        if release.state == "building":
            write = states if found is None else [state for state in states if state.key in found.write]
            embedder = CachedEmbedder(self.encoder, self.cache, tokenizer=Words())
            sparse = Lengths() if recipe.sparse else None
            builder = Builder(self.versions, Cutter(Sentences()), embedder, releases.points, sparse)
            built = sum((builder.build(release, part) for part in parts(write)), Built() if found is None else found.kept)
            about = {"documents": built.documents, "chunks": built.chunks, "tokens": built.tokens}
            release = releases.stage(release, about | {"contexts_cut": built.contexts_cut})
            for stage, counts in built.counts.items():
                counts.checked(stage)
        return releases.promote(release, now), found

    def holds(self, release: Release) -> dict[str, tuple[Any, ...]]:
        points = self.world.store.collections[release.collection].points
        return {id: (dict(p.payload), p.sparse, p.dense.tobytes()) for id, p in points.items()}


def parts(states: Sequence[DocumentState]) -> list[Sequence[DocumentState]]:
    return [states[i : i + 2] for i in range(0, len(states), 2)]


def made_of(release: Release) -> tuple[Any, ...]:
    return (release.access_root, release.documents, release.chunks, release.tokens, release.contexts_cut, release.recipe)


HYBRID = replace(RECIPE, search=SearchSettings(mode="hybrid"), parts=replace(RECIPE.parts, sparse="lengths"))
WEIGHTED = replace(HYBRID, search=SearchSettings(mode="hybrid", dense_weight=0.8))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CORPUS, st.sampled_from([RECIPE, HYBRID, WEIGHTED])), min_size=2, max_size=5))
def test_night_after_night_a_delta_equals_a_full_build(nights: list[tuple[Corpus, Recipe]]) -> None:
    """Edits, deletions, renames, other titles, authors, times and readers, other recipes: ids, payloads, vectors, fingerprint,
    access root, counts and answers."""
    index = Index()
    for corpus, recipe in nights:
        release, _ = index.night(corpus, recipe)
        full, anew = Index(), None
        anew, _ = full.night(corpus, recipe, delta=False)
        assert index.holds(release) == full.holds(anew)
        assert made_of(release) == made_of(anew)
        assert release.fingerprint == anew.fingerprint.removesuffix(" anew")
        for query in ("One.", "Two words."):
            found = []
            for world, at in ((index.world, release), (full.world, anew)):
                searcher = Searcher(world.store, at.collection, Counting(), recipe.search, Lengths() if recipe.sparse else None)
                found.append(searcher.search(query, STAFF, 3))
            assert found[0] == found[1]


def test_a_delta_writes_what_changed_and_nothing_else() -> None:
    """One edited, one gone, one new among fifty: three documents, however many there are; a touched one is written too."""
    index = Index()
    corpus = {f"{n}.md": Doc(f"Number {n}. Two words.") for n in range(50)}
    index.night(corpus)
    asked = len(index.encoder.asked)
    after = {uri: doc for uri, doc in corpus.items() if uri != "7.md"}
    after |= {"3.md": Doc("Edited now."), "new.md": Doc("New here."), "9.md": replace(corpus["9.md"], minute=1)}
    release, delta = index.night(after)
    assert delta is not None
    assert delta.write == {document_key("s", uri) for uri in ("3.md", "new.md", "9.md")}
    assert set(delta.stale) == {document_key("s", uri) for uri in ("3.md", "7.md", "9.md")}
    assert len(index.encoder.asked) == asked + 2, "only texts that were never embedded"
    upserts = [call for call in index.world.log if call[0] == "upsert"]
    assert sum(len(call[2]) for call in upserts) == 4
    assert release.base == "r1"


def test_another_way_to_search_the_same_points_writes_nothing() -> None:
    """A clone and an alias."""
    index = Index()
    corpus = {"a.md": Doc("One. Two words.")}
    index.night(corpus, HYBRID)
    release, delta = index.night(corpus, WEIGHTED)
    assert delta is not None
    assert (delta.write, delta.stale, release.base) == (frozenset(), (), "r1")
    assert [call for call in index.world.log if call[0] == "upsert"] == []


def test_another_points_recipe_or_no_live_release_is_a_full_build() -> None:
    """Nor is a release of before there were recipes, or of another format of points, a base."""
    index = Index()
    first, delta = index.night({"a.md": Doc("One.")})
    assert (first.base, delta) == (None, None)
    second, delta = index.night({"a.md": Doc("One.")}, HYBRID)
    assert (second.base, delta) == (None, None)
    assert may_be_base(second, HYBRID)
    assert not may_be_base(None, HYBRID)
    assert not may_be_base(replace(second, recipe={}), HYBRID)
    assert not may_be_base(second, replace(HYBRID, format=HYBRID.format + 1))
    assert not may_be_base(replace(second, state="building"), HYBRID)
    assert not may_be_base(replace(second, recipe={**second.recipe, "search": {"of a later version": 1}}), HYBRID)


def test_a_base_that_lost_points_is_none() -> None:
    """What its manifest says is not there: everything is built again."""
    index = Index()
    corpus = {"a.md": Doc("One."), "b.md": Doc("Two words.")}
    release, _ = index.night(corpus)
    index.world.store.delete(release.collection, [document_key("s", "b.md")])
    assert difference(holdings(index.world.store, release.collection), release, index.states(corpus)) is None


def test_points_that_are_not_those_of_the_known_cut_are_written_again() -> None:
    """One lost and one too many: the counts agree with the manifest, the ids do not."""
    index = Index()
    corpus = {"a.md": Doc("One. Two words."), "b.md": Doc("Here are three.")}
    release, _ = index.night(corpus)
    states = index.states(corpus)
    points = index.world.store.collections[release.collection].points
    cuts = {s.key: [id for id, p in points.items() if p.payload["document_key"] == s.key] for s in states}
    whole = difference(
        holdings(index.world.store, release.collection),
        release,
        states,
        lambda _: {key: id_sum(ids) for key, ids in cuts.items()},
    )
    assert whole is not None
    assert whole.write == frozenset()
    lost = points.pop(cuts[states[0].key][0])
    points["00000000-0000-5000-8000-000000000000"] = replace(lost, id="00000000-0000-5000-8000-000000000000")
    found = difference(
        holdings(index.world.store, release.collection),
        release,
        states,
        lambda _: {key: id_sum(ids) for key, ids in cuts.items()},
    )
    assert found is not None
    assert found.write == {states[0].key}


NIGHT = {"a.md": Doc("One. Two words."), "b.md": Doc("Two words."), "c.md": Doc("Here are three.", tags=frozenset({"hr"}))}
NEXT = {"a.md": Doc("One."), "c.md": Doc("Here are three.", author="Grace"), "d.md": Doc("New. One.")}


def _calls() -> int:
    index = Index()
    index.night(NIGHT)
    index.night(NEXT)
    return len(index.world.log)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_delta_ends_where_an_undisturbed_one_ends(moment: str) -> None:
    """At every call to a store: clone, removal, writing, staging, going live. Readers find the first release or the second,
    whole; the next night ends with the same points and embeds nothing twice."""
    undisturbed = Index()
    first = undisturbed.holds(undisturbed.night(NIGHT)[0])
    expected = undisturbed.holds(undisturbed.night(NEXT)[0])
    for call in range(_calls()):
        index = Index()
        index.night(NIGHT)
        with pytest.raises(Killed):
            index.night(NEXT, kill=lambda n, at=call: moment if n == at else "")  # type: ignore[misc]
        live = index.world.store.aliases["ix"]
        served = {id: p.dense.tobytes() for id, p in index.world.store.collections[live].points.items()}
        assert served in ({id: v[2] for id, v in first.items()}, {id: v[2] for id, v in expected.items()})
        index.world.releases().recover()
        release, _ = index.night(NEXT)
        assert index.holds(release) == expected
        assert made_of(release)[:5] == made_of(undisturbed.world.get("r2"))[:5]
        assert len(index.encoder.asked) == len(set(index.encoder.asked))
        waiting = [r for r in index.world.ledger.read() if r.state == "building"]
        assert waiting == []


def test_a_part_of_a_clone_is_nothing_to_build_on() -> None:
    """A server that was killed while it copied left half a collection under the name: it goes, and the clone is whole."""
    index = Index()
    first, _ = index.night(NIGHT)
    releases = index.world.releases(lambda n: "before" if index.world.log[-1:] and index.world.log[-1][0] == "clone" else "")
    states = index.states(NEXT)
    found = difference(holdings(index.world.store, first.collection), first, states)
    with pytest.raises(Killed):
        releases.begin(
            release_fingerprint(states, RECIPE.answers), release_id="half", access_root="", dimension=2, sparse=False,
            fingerprints={}, configuration={}, recipe=RECIPE.as_json(), delta=found,
        )  # fmt: skip
    half = index.world.store.collections["ix__half"].points
    assert half
    half.pop(next(iter(half)))
    undisturbed = Index()
    undisturbed.night(NIGHT)
    release, _ = index.night(NEXT)
    assert release.id == "half"
    assert index.holds(release) == undisturbed.holds(undisturbed.night(NEXT)[0])


def test_vectors_of_a_clone_are_those_of_its_base() -> None:
    """Bit for bit: what did not change is not computed again."""
    index = Index()
    first, _ = index.night(NIGHT)
    second, _ = index.night(NIGHT | {"z.md": Doc("One.")})
    before, after = (index.world.store.collections[r.collection].points for r in (first, second))
    assert all(np.array_equal(after[id].dense, point.dense) for id, point in before.items())
