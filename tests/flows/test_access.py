"""Access on the fast path: rules and source permissions, in every release, without a chunk or a vector; and on the record."""

from __future__ import annotations

import re
import sqlite3

import pytest

from cli.main import main
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

pytestmark = pytest.mark.slow


def said(index: Index, *arguments: str) -> str:
    """What a command tells people."""
    index.capture.readouterr()
    with pytest.raises(SystemExit) as exit:
        main(["--config", str(index.config), *arguments])
    assert exit.value.code == 0
    return index.capture.readouterr().out


def test_a_change_of_rules_is_measured_and_leaves_a_line_for_each_document(index: Index) -> None:
    """Revocations hold in both releases; how long that took, who did it and what was before is on the record."""
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave.\n")
    second = index.run()
    rules = [{"match": "security/**", "tags": ["people"]}, *({"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS)]
    index.configure(access={"rules": rules})
    result = index("access", "sync").out
    assert (result["access_changed"], result["embedded"], result["chunks"]) == (4, 0, 0)
    assert 0 < result["revocation_lag_s"] < 10
    for release in (first["release"], second["release"]):
        shown = index("releases", "show", release).out["access"]
        assert (shown["revoked"], shown["granted"]) == (4, 0)
        assert 0 < shown["revocation_lag_s"] <= result["revocation_lag_s"]
        assert index.find(TOPICS["security"][1], "people", release=release)[0] == "security/1.md"
    lines = [e for e in index("access", "audit").out["entries"] if e["after"]]
    assert {(e["uri"], *e["before"], *e["after"]) for e in lines} == {
        (f"security/{i}.md", "security", "people") for i in range(4)
    }
    assert all("access sync by" in e["actor"] for e in lines)
    assert index("access", "sync").out["revocation_lag_s"] is None
    assert said(index, "access", "sync") == "0 documents changed readers\n"
    index.configure(access={"rules": rules[1:]})
    changed = said(index, "access", "sync")
    assert re.fullmatch(r"4 documents changed readers; revocations held after \d+\.\d{3} s\n", changed), changed
    lines = said(index, "access", "audit", "-n", "1").splitlines()
    assert len(lines) == 3
    assert re.search(r"security/\d\.md │ people │ security │ sluice access sync by ", lines[-1]), lines
    index.configure(access={"rules": rules})
    assert index("access", "sync").out["access_changed"] == 4
    assert len(index("access", "audit").out["entries"]) == 12


def test_permissions_of_a_source_reach_every_release_before_its_texts_do(index: Index) -> None:
    """A row's tags are narrowed at the source: `access sync` revokes at once, and leaves the row's new text to the run."""
    database = sqlite3.connect(index.folder / "notes.db")
    database.execute("create table notes (id text primary key, body text, tags text)")
    rows = [("a", "The canteen serves soup.", "people,security"), ("b", "The lift is slow.", "people")]
    database.executemany("insert into notes values (?, ?, ?)", rows)
    database.commit()
    source = {"name": "rows", "type": "sql", "url": f"sqlite:///{index.folder}/notes.db", "query": "select * from notes"}
    source |= {"key": ["id"], "text": "body", "tags": "tags"}
    index.configure(
        sources=[*index.settings["sources"], source],
        access={"rules": [{"match": "**", "source": "rows", "tags": ["people", "security"]}, *index.settings["access"]["rules"]]},
    )
    index.run()
    uri = index.find("The canteen serves soup", "security")[0]
    database.execute("update notes set tags = 'people', body = 'The canteen serves stew.' where id = 'a'")
    database.commit()
    database.close()
    result = index("access", "sync").out
    assert (result["access_changed"], result["embedded"], result["warnings"]) == (1, 0, [])
    assert uri not in index.find("The canteen serves soup", "security", k=20)
    assert index.find("The canteen serves soup", "people")[0] == uri
    assert index.run()["counts"]["crawl"]["kept"] == 1
    (hit, *_) = index("search", "The canteen serves stew", "--as", "people").out["hits"]
    assert (hit["uri"], "stew" in hit["text"]) == (uri, True)


def test_the_flow_of_its_own_schedule_does_the_same_and_steps_aside_for_a_run(index: Index) -> None:
    """While another process holds the index the flow is skipped, not failed: the holder applies access itself."""
    from flows import deployed

    index.run()
    index.configure(access={"rules": [{"match": "**", "tags": ["people"]}]})
    assert deployed.access_sync(str(index.config)).access_changed == 8
    with Resources(load(index.config)) as r, holding(r, "run"):
        state = deployed.access_sync(str(index.config), return_state=True)
    assert (state.name, state.is_completed()) == ("Skipped", True)
