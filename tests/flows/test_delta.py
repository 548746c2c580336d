"""A night that changes one document, through the whole pipeline: a delta of the live release, equal to a build from nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from indexing.contents import ids_root
from pipeline.evidence.views import taken_over
from pipeline.operations import nightly
from pipeline.outcomes import Report
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.ids import IdSum
from sluice.records import DocumentState
from sluice.releases import Release
from sluice.settings import load
from tests.flows.conftest import Index


def published(index: Index, outcome: str = "promoted") -> Report:
    with Resources(load(index.config)) as r, holding(r, "run") as run:
        report = nightly.reindex(r, run)
    assert report.outcome == outcome, report
    return report


def held(index: Index) -> Mapping[str, tuple[dict[str, Any], Any]]:
    """The points of the live release."""
    fields = ["document_key", "uri", "title", "text", "start", "end", "access_tags", "metadata", "modified", "served", "text_id"]
    with Resources(load(index.config)) as r:
        live = r.releases.live()
        assert live is not None
        return {p.id: (dict(p.payload), p.dense) for p in r.stores.qdrant.scan(live.collection, fields, vectors=True)}


def base_of(index: Index) -> str | None:
    with Resources(load(index.config)) as r:
        live = r.releases.live()
        assert live is not None
        return live.base


def test_a_night_costs_what_changed_and_gives_what_a_build_from_nothing_gives(index: Index, tmp_path: Path) -> None:
    """One edited, one new, one gone, one renamed in its front matter with the same text below: four documents are done."""
    index.configure(search={"mode": "hybrid"})
    first = published(index)
    assert (base_of(index), first.counts["chunk"].kept) == (None, 12)
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts twenty weeks.\n")
    index.write("people/new.md", "# A new note\n\nThe canteen opens at noon.\n")
    (index.corpus / "security/3.md").unlink()
    text = (index.corpus / "engineering/1.md").read_text()
    index.write("engineering/1.md", f"---\ntitle: Another title\n---\n{text}")
    second = published(index)
    assert base_of(index) == first.release
    chunk, stage = second.counts["chunk"], second.counts["stage"]
    assert (chunk.seen, chunk.kept, chunk.unchanged) == (12, 3, 9)
    assert (stage.seen, stage.kept) == (12, 3)
    assert second.embedded == 2, "the text below the front matter was embedded before"
    delta = held(index)

    golden = index.folder / "golden.jsonl"  # a new index has never heard of the document that is gone
    golden.write_text("".join(line for line in golden.read_text().splitlines(True) if "security/3.md" not in line))
    os.rename(tmp_path / "state", tmp_path / "before")
    published(index)
    anew = held(index)
    assert base_of(index) is None
    assert {id: payload for id, (payload, _) in delta.items()} == {id: payload for id, (payload, _) in anew.items()}
    assert all(np.allclose(vector, anew[id][1], atol=1e-6) for id, (_, vector) in delta.items())
    shutil.rmtree(tmp_path / "before")


def test_what_a_night_has_cut_is_not_cut_again(index: Index) -> None:
    """By its gates, by an estimate, or by the next night: the rows of `cuts` are those of the documents, and go with them."""
    published(index)
    with Resources(load(index.config)) as r:
        states = r.stores.documents.read()
        sums = r.cutter.sums(states)
        assert sums.keys() == {state.key for state in states}
        live = r.releases.live()
        assert live is not None
        assert sum(count for count, _ in sums.values()) == live.chunks
    index("forget", "people/1.md")
    with Resources(load(index.config)) as r:
        (gone,) = [state for state in states if state.uri == "people/1.md"]
        assert r.stores.cuts.count(gone.key) == 0


def test_of_what_was_judged_the_cuts_are_not_read_again(index: Index) -> None:
    """Which chunks a document must have is known of the live release, while it holds what was judged and the document is still
    what its points say; of every other it is what its cut says (and here nothing, for the cuts are gone)."""
    first = published(index)
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts twenty weeks.\n")
    published(index)
    with Resources(load(index.config)) as r, r.contents.remembered():
        states, live, base = r.stores.documents.read(), r.releases.live(), r.releases.get(str(first.release))
        assert live is not None
        assert live.judged["ids"] == ids_root(r.contents.of(live.collection))
        r.stores.cuts.erase([state.key for state in states])

        def expected(states: list[DocumentState], base: Release) -> dict[str, IdSum | None]:
            found = taken_over(r, live, base, states)
            assert found is not None
            return {state.key: ids for state, ids in found.expected()}

        known = {key: ids for key, ids in expected(states, base).items() if ids is not None}
        assert len(known) > 6
        assert known == {key: r.contents.of(live.collection)[key].id_sum for key in known}
        assert not any(expected([replace(state, title="Another") for state in states], base).values())
        assert not any(expected(states, replace(base, judged={**base.judged, "ids": "of other chunks"})).values())
