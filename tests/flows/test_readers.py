"""Readers while releases come and go: no error, and no answer that is of two releases."""

from __future__ import annotations

import threading

import pytest

from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.access import Principal
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

pytestmark = pytest.mark.slow


def test_a_reader_sees_no_error_and_no_mixed_release_through_twenty_promotions_and_rollbacks(index: Index) -> None:
    """Two threads search without pause on the embedded store; every answer is whole, of one release, and both are seen."""
    with Resources(load(index.config)) as w, holding(w, "test") as by:
        first = nightly.reindex(w, by).release
        index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
        second = nightly.reindex(w, by).release
        assert second is not None
        searcher, stop = w.live_searcher(), threading.Event()
        answers: list[tuple[int, frozenset[str]]] = []
        errors: list[BaseException] = []

        def read(number: int) -> None:
            who = Principal.of(DEPARTMENTS, f"reader-{number}")
            while not stop.is_set():
                try:
                    hits = searcher.search(TOPICS["people"][2], who, 12)
                    answers.append((len(hits), frozenset(hit.release for hit in hits)))
                except BaseException as error:
                    errors.append(error)
                    return

        threads = [threading.Thread(target=read, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        access = w.access(w.stores.documents.read())
        for _ in range(10):
            w.releases.rollback(first, access)
            w.releases.promote(w.releases.get(second), access)
        stop.set()
        for thread in threads:
            thread.join()
        assert errors == []
        assert {len(releases) for _, releases in answers} == {1}
        assert {count for count, _ in answers} == {12}
        assert {id for _, releases in answers for id in releases} == {first, second}
        assert len(w.stores.outbox.open()) == 20
