"""What went wrong elsewhere, each as it was reported, does not go wrong here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from benchmarks.tampering import Tampering
from pipeline.evidence.views import SHARES
from pipeline.executors import Executor, Inline, P, R
from pipeline.operations import collecting, nightly, parts
from pipeline.outcomes import Report
from pipeline.reading import searching
from pipeline.resources import Resources
from pipeline.runs import holding
from pipeline.steps.building import Part, build_partition
from sluice.access import Principal
from sluice.errors import StoreUnavailable
from sluice.ids import document_key
from sluice.points import Point
from sluice.releases import Release
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

pytestmark = pytest.mark.slow

EVERYONE = Principal.of(DEPARTMENTS)
_ALL = (
    "document_key", "version", "parse_fingerprint", "source", "uri", "title", "heading_path", "page", "start", "end", "text",
    "tokens", "text_hash", "language", "access_tags", "metadata", "modified", "served", "context_cut", "text_id",
)  # fmt: skip
"""Every field of a point's payload."""


@pytest.fixture
def w(index: Index) -> Iterator[Resources]:
    with Resources(load(index.config)) as wiring:
        yield wiring


def run(w: Resources, outcome: str | None = "promoted", executor: Executor | None = None) -> Report:
    with holding(w, "run", executor=executor) as by:
        result = nightly.reindex(w, by)
    assert outcome in (None, result.outcome), result
    return result


def found(w: Resources, query: str, principal: Principal = EVERYONE, k: int = 30) -> list[str]:
    return [hit.uri for hit in searching.search(w, query, principal, k, None)]


@dataclass(frozen=True)
class BreaksDown:
    """An executor on a machine that goes away after half of a build, or that ends it in another way."""

    error: BaseException = field(default_factory=lambda: StoreUnavailable("the machine went away"))

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        if function is not build_partition:
            return Inline().map(function, partitions, r)
        for part in partitions:
            assert isinstance(part, Part)
            build_partition(r, replace(part, keys=part.keys[: len(part.keys) // 2]))
        raise self.error


def test_langchain_39937_a_store_that_lost_points_is_found_out_and_repaired(index: Index, w: Resources) -> None:
    """The ledger says that a document is indexed, the store does not hold it: a live release is built again from what is
    known, without embedding; a staged one is not promoted."""
    first = run(w)
    live = w.releases.live()
    assert live is not None
    w.stores.qdrant.delete(live.collection, [document_key("notes", "people/0.md")])
    assert "people/0.md" not in found(w, TOPICS["people"][0])
    second = run(w)
    assert (second.embedded, second.counts["parse"].kept) == (0, 0)
    assert second.release != first.release
    assert any("built again" in warning for warning in second.warnings)
    assert found(w, TOPICS["people"][0])[0] == "people/0.md"
    assert run(w, "unchanged").release == second.release
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")

    def loses_one(w: Resources, release: Release) -> None:
        w.stores.qdrant.delete(release.collection, [document_key("notes", "security/0.md")])

    rejected = run(w, "rejected", Tampering(loses_one))
    assert [v.gate for v in rejected.verdicts if not v.passed][:1] == ["reconciliation"]
    live = w.releases.live()
    assert live is not None
    assert live.id == second.release


def test_a_text_that_the_store_damaged_is_found_within_seven_releases_whatever_changed(index: Index, w: Resources) -> None:
    """Changed documents are compared word for word, and a seventh of the others, another one each time."""
    run(w)
    live, key = w.releases.live(), document_key("notes", "security/0.md")
    assert live is not None
    [damaged] = w.stores.qdrant.scan(live.collection, _ALL, vectors=True, documents=[key])
    assert damaged.dense is not None
    payload = {**damaged.payload, "text": "Remember that we say passwords are written on the wall."}
    w.stores.qdrant.upsert(live.collection, [Point(damaged.id, damaged.dense, payload)])
    w.stores.qdrant.close()
    compared = set[int]()
    for night in range(SHARES):
        index.write("people/0.md", f"# People note 0\n\nRemember that we changed parental leave {night} times.\n")
        rejected = run(w, None)
        if rejected.outcome == "rejected":
            break
        compared.add(rejected.verdicts[0].evidence["documents_compared"])
    assert rejected.outcome == "rejected"
    assert rejected.verdicts[0].evidence["problems"] == {"other_content": 1}
    assert rejected.verdicts[0].evidence["samples"]["other_content"][0]["uri"] == "security/0.md"
    assert max(compared, default=0) < 12


def test_llamaindex_22638_22639_a_failed_run_neither_hides_a_change_nor_takes_the_old_version_away(
    index: Index, w: Resources
) -> None:
    """A run that dies half-way: what was live answers, the old version included; the next run publishes the change, and
    parses and embeds nothing of it a second time."""
    first = run(w)
    index.write("people/0.md", "# People note 0\n\nRemember that we doubled parental leave.\n")
    index.write("people/9.md", "# People note 9\n\nRemember that we water the plants.\n")
    with pytest.raises(StoreUnavailable):
        run(w, executor=BreaksDown())
    live = w.releases.live()
    assert live is not None
    assert live.id == first.release
    (hit, *_) = searching.search(w, TOPICS["people"][0], EVERYONE, 5, None)
    assert (hit.uri, TOPICS["people"][0] in hit.text) == ("people/0.md", True)
    assert "people/9.md" not in found(w, "water the plants")
    second = run(w)
    assert second.counts["parse"].kept == second.counts["crawl"].kept == 0
    assert second.embedded <= 2
    assert found(w, "we water the plants")[0] == "people/9.md"
    (hit, *_) = searching.search(w, "we doubled parental leave", EVERYONE, 5, None)
    assert (hit.uri, "doubled" in hit.text) == ("people/0.md", True)


def test_llamaindex_23002_a_removed_document_is_gone_though_another_has_its_content(index: Index, w: Resources) -> None:
    """Two documents of equal bytes and different readers: with one removed, its readers find nothing, the others all."""
    twin = "# Stairs\n\nRemember that we keep the ledger under the stairs.\n"
    index.write("people/twin.md", twin)
    index.write("security/twin.md", twin)
    first = run(w)
    (index.corpus / "people" / "twin.md").unlink()
    run(w)
    people, security = Principal.of(["people"]), Principal.of(["security"])
    assert "people/twin.md" not in found(w, "the ledger under the stairs", people)
    assert found(w, "the ledger under the stairs", security)[0] == "security/twin.md"
    older = searching.search(w, "the ledger under the stairs", EVERYONE, 30, first.release)
    assert [hit.uri for hit in older if hit.uri.endswith("twin.md")] == ["security/twin.md"]


def states(w: Resources) -> list[str]:
    """Of all releases, oldest first."""
    return [release.state for release in w.releases.all()]


def test_a_build_that_failed_for_good_is_given_up_at_once(index: Index, w: Resources) -> None:
    """Its collection too, for nothing would go on with it; what an interruption or a store ended waits for the next run."""
    for error, state in (
        (KeyboardInterrupt(), "building"),
        (StoreUnavailable("the machine went away"), "building"),
        (ValueError("a strategy's own"), "abandoned"),
    ):
        with pytest.raises(type(error)):
            run(w, executor=BreaksDown(error))
        assert states(w) == [state], "the same build was gone on with"
    assert w.stores.qdrant.names() == []
    run(w)
    assert states(w) == ["abandoned", "promoted"]


@pytest.mark.parametrize("by", ["the next run", "gc"])
def test_an_interrupted_build_that_nothing_calls_for_any_more_is_given_up(index: Index, w: Resources, by: str) -> None:
    """The documents are again as they were: nobody would ever go on with it. While it is called for it stays, whoever looks."""
    live = run(w).release
    before = (index.corpus / "people/0.md").read_text(encoding="utf-8")
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    with pytest.raises(StoreUnavailable):
        run(w, executor=BreaksDown())
    with holding(w, "gc") as one:
        assert collecting.collect_garbage(w, one).removed["collections"] == []
    assert states(w) == ["promoted", "building"]
    index.write("people/0.md", before)
    if by == "gc":
        with holding(w, "ingest") as one:
            parts.ingest(w, one)
        with holding(w, "gc") as one:
            listed = collecting.would_collect(w).removed["collections"]
            assert listed == collecting.collect_garbage(w, one).removed["collections"]
        assert len(listed) == 1
    else:
        assert run(w, "unchanged").release == live
    assert states(w) == ["promoted", "abandoned"]
    assert len(w.stores.qdrant.names()) == 1
