"""Copies are reported with who may read them; they share vectors, never points; a search gives one of them."""

from __future__ import annotations

import pytest

from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

LEAVE = "# Leave\n\nRemember that parental leave lasts sixteen weeks for everyone.\n"
STEPS = " ".join(f"Step {n} asks the colleague on duty to look at dial {n} and to write the figure down." for n in range(40))


def test_copies_are_reported_and_each_keeps_its_own_readers(index: Index) -> None:
    """Two folders with one text: one vector, two points, each found by its own readers, one hit for who may read both."""
    index.write("people/leave.md", LEAVE)
    index.write("security/leave.md", LEAVE)
    index.write("people/manual.md", f"# Manual\n\n{STEPS}\n")
    index.write("people/manual-2.md", f"# Manual\n\n{STEPS.replace('Step 7 ', 'Step seven ')}\n")
    with Resources(load(index.config)) as w, holding(w, "run") as by:
        result = nightly.reindex(w, by)
        live = w.releases.live()
        assert live is not None
        points = [point.payload["text"] for point in w.stores.qdrant.scan(live.collection, ["text"])]
    assert len(points) == result.chunks > len(set(points)) == result.embedded, "a point each, a vector for each text"
    found = index("duplicates").out
    assert (found["documents"], found["duplicates"], found["near_duplicates"], found["tags_differ"]) == (16, 1, 1, 1)
    (equal,), (similar,) = found["equal"], found["similar"]
    assert equal["tags_differ"]
    assert [(line["uri"], line["access_tags"]) for line in equal["documents"]] == [
        ("people/leave.md", ["people"]),
        ("security/leave.md", ["security"]),
    ]
    assert [line["uri"] for line in similar["documents"]] == ["people/manual-2.md", "people/manual.md"]
    assert not similar["tags_differ"]
    assert similar["documents"][1]["similarity"] > 0.9
    query = "parental leave for everyone lasts sixteen weeks"
    assert index.find(query, "people")[0] == "people/leave.md"
    assert index.find(query, "security")[0] == "security/leave.md"
    assert sum(uri.endswith("/leave.md") for uri in index.find(query, "people", "security", k=8)) == 1
    assert index("duplicates", "--similarity", "0.4").code == 2
