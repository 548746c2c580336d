"""Access on the fast path: rules and source permissions, in every release, without a chunk or a vector; and on the record."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

import pytest

from cli.console import NEWEST
from cli.main import main
from pipeline.resources import Resources
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
    there = len(index("access", "audit").out["entries"])
    assert lines[3:] == [f"1 of {there} shown, the newest: -n {there} shows all"], "nothing is cut off in silence"
    assert re.search(r"security/\d\.md │ people │ security │ sluice access sync by ", lines[2]), lines
    for again in (rules, rules[1:], rules, rules[1:]):
        index.configure(access={"rules": again})
        assert index("access", "sync").out["access_changed"] == 4
    entries = index("access", "audit").out["entries"]
    assert len(entries) == there + 16 > NEWEST, "a program has all of them"
    assert index("access", "audit", "-n", "3").out["entries"] == entries[:3]
    assert said(index, "access", "audit").splitlines()[-1].startswith(f"{NEWEST} of {len(entries)} shown")


def test_permissions_of_a_source_reach_every_release_before_its_texts_do(index: Index) -> None:
    """A row's tags are narrowed at the source: `access sync` revokes at once, and leaves the row's new text to the run."""
    database = sqlite3.connect(index.folder / "notes.db")
    database.execute("create table notes (id text primary key, body text, tags text)")
    rows = [("a", "The canteen serves soup.", "people,security"), ("b", "The lift is slow.", "people")]
    database.executemany("insert into notes values (?, ?, ?)", rows)
    database.commit()
    source: dict[str, Any] = {
        "name": "rows",
        "type": "sql",
        "url": f"sqlite:///{index.folder}/notes.db",
        "query": "select * from notes",
    }
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
    synced: Any = deployed.access_sync(str(index.config))
    assert synced.access_changed == 8
    with Resources(load(index.config)) as r, r.stores.lease.acquire("run"):
        state: Any = deployed.access_sync(str(index.config), return_state=True)
    assert (state.name, state.is_completed()) == ("Skipped", True)


def test_a_rule_that_begins_above_the_root_is_told_of_wherever_rules_are_looked_at(index: Index) -> None:
    """`corpus/people/**` holds for nothing, and another rule opens those documents: `doctor`, `access sync` and `run` say so; and
    `doctor` says also what nobody could read any more, before it is so.
    """
    index.run()
    rules = [{"match": "corpus/people/**", "tags": ["people"]}, {"match": "**", "tags": ["security"]}]
    index.configure(access={"rules": rules})
    doubt = next(check for check in index("doctor").out["checks"] if check["check"] == "access")
    assert "'corpus/people/**' matches no document; 'people/**' would match 4 documents" in json.dumps(doubt)
    synced = index("access", "sync").out
    assert any("Write 'people/**'" in warning for warning in synced["warnings"])
    assert "Write 'people/**'" in " ".join(said(index, "access", "sync").split())
    assert any("Write 'people/**'" in warning for warning in index.run("unchanged")["warnings"])
    index.configure(access={"rules": [{"match": "security/**", "tags": ["security"]}]})
    silent = next(check for check in index("doctor").out["checks"] if check["check"] == "readers")
    assert "no rule under access.rules matches it" in json.dumps(silent)
    assert any("no rule under access.rules matches it" in warning for warning in index("access", "sync").out["warnings"])


def test_a_name_typed_on_another_keyboard_is_the_same_name(index: Index) -> None:
    """A folder that macOS wrote in NFD: rule, leak case, backfill's slice and forget hold for it in NFC; `HR/` is warned of."""
    nfd, nfc = "Geha\u0308lter/liste.md", "Gehälter/liste.md"
    index.write(nfd, "# Liste\n\nThe salary of the head of sales is secret.\n")
    index.write("HR/pay.md", "# Pay\n\nBonuses are paid in March.\n")
    rules = [{"match": "**/Gehälter/**", "tags": ["hr"]}, {"match": "hr/**", "tags": ["hr"]}, {"match": "**", "tags": ["people"]}]
    index.configure(access={"rules": rules}, gates=[{"type": "leaks", "cases": "leaks.jsonl"}])
    case = {"id": "pay", "query": "salary of the head of sales", "principal": ["people"], "forbidden_uri": nfc}
    (index.folder / "leaks.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    result = index.run()
    (warning,) = [w for w in result["warnings"] if "spelled almost like" in w]
    assert "'hr/**'" in warning
    assert "'HR/pay.md'" in warning
    (access,) = [c for c in index("doctor").out["checks"] if c["check"] == "access"]
    assert "'HR/pay.md'" in access["detail"]
    assert index.find("salary of the head of sales", "hr")[0] == nfd
    assert nfd not in index.find("salary of the head of sales", "people", k=20)
    assert index("backfill", "--match", "Gehälter/*", "--from", "parse").out["selected"] == 1
    verdicts = {v["gate"]: v for v in index("releases", "show", result["release"]).out["verdicts"]}
    assert verdicts["leaks"]["reason"] == "0 forbidden hits in 1 case"
    assert index("forget", nfc).out["uri"] == nfd
    (index.corpus / nfc).parent.mkdir()
    (index.corpus / nfd).rename(index.corpus / nfc)
    counts = index("ingest").out["counts"]["crawl"]
    assert counts["dropped"] == {"forgotten": 1}, "copied to another disk, it is the same forgotten document"
    assert index("forget", nfc, "--undo").code == 0


def test_permissions_that_no_longer_parse_take_the_document_out(index: Index) -> None:
    """Its old version is out of every release in the same run, which says so; a release without it may or may not follow."""
    index.run()
    query = TOPICS["people"][0]
    assert index.find(query, "people")[0] == "people/0.md"
    index.write("people/0.md", f"---\nacess_tags: [hr]\n---\n# Note\n\n{query}\n")
    result = index("run").out
    (warning,) = [w for w in result["warnings"] if "permissions" in w]
    assert "people/0.md" in warning
    assert "people/0.md" not in index.find(query, "people", k=20)
