"""An upstream system says what changed; the run between two nights does that and no more."""

from __future__ import annotations

import os

import kombu
import pytest

from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


def test_a_run_between_two_nights_does_what_the_queue_says(index: Index) -> None:
    """One named edit is fetched and published, another waits for the night, and the message is gone afterwards."""
    name = f"changes-{os.urandom(4).hex()}"
    of = {"type": "files", "root": "corpus", "include": ["**/*.md"]}
    index.configure(sources=[{"name": "notes", "type": "changes", "of": of, "url": "memory://", "queue": name}])
    index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts twenty weeks now.\n")
    index.write("people/1.md", "# People note 1\n\nRemember that the travel budget is gone.\n")
    with kombu.Connection("memory://") as connection:
        connection.Producer().publish({"uri": "people/0.md"}, routing_key=name, declare=[kombu.Queue(name, durable=True)])
    told = index.run()
    assert (told["counts"]["crawl"]["kept"], told["counts"]["parse"]["kept"]) == (1, 1)
    assert index.find(TOPICS["people"][1], "people")[0] == "people/1.md"
    night = index.run()
    assert night["counts"]["crawl"]["kept"] == 1
    assert index.run("unchanged")["counts"]["crawl"]["kept"] == 0
