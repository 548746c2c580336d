"""The main job through the command line: publish, do nothing, change, reject, roll back; on a real Prefect server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.records import DocumentState
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index

pytestmark = pytest.mark.slow


def test_a_first_run_publishes_everything_and_its_counts_add_up(index: Index) -> None:
    """From a folder to a live, gated index; at every stage what was seen is accounted for."""
    result = index.run()
    assert result["counts"]["crawl"] == {"seen": 12, "kept": 12, "unchanged": 0, "dropped": {}, "failed": {}}
    assert result["counts"]["parse"]["kept"] == 12
    assert result["embedded"] == result["chunks"] == result["counts"]["stage"]["kept"] > 0
    assert [v["gate"] for v in result["verdicts"]] == ["reconciliation", "retrieval", "leaks"]
    assert (index.folder / "state" / "releases" / f"{result['release']}.html").samefile(result["report"])
    assert all(v["passed"] for v in result["verdicts"])
    shown = index("releases", "show", result["release"]).out
    assert shown["state"] == "promoted"
    assert shown["documents"] == 12
    assert shown["fingerprint"]
    assert shown["access_root"]


def test_a_second_run_does_nothing_and_starts_no_flow(index: Index) -> None:
    """Nothing changed: unchanged, nothing parsed, nothing embedded, the same release live."""
    first = index.run()
    second = index.run("unchanged")
    assert second["release"] == first["release"]
    assert second["counts"]["crawl"]["unchanged"] == 12
    assert second["counts"]["parse"]["kept"] == 0
    assert second["embedded"] == 0
    assert second["verdicts"] == []


def test_a_change_costs_what_changed_and_a_deletion_reaches_every_release(index: Index) -> None:
    """One edit parses one document and embeds its text only; a deleted document is found nowhere, old release included."""
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we changed parental leave to twenty weeks.\n")
    (index.corpus / "people/1.md").unlink()
    second = index.run()
    assert second["counts"]["parse"]["kept"] == 1
    assert second["documents_deleted"] == 1
    assert second["embedded"] == 1
    assert "people/1.md" not in index.find(TOPICS["people"][1], "people")
    assert "people/1.md" not in index.find(TOPICS["people"][1], "people", release=first["release"])
    assert index.find(TOPICS["people"][2], "people", release=first["release"])[0] == "people/2.md"
    diff = index("releases", "diff", first["release"], second["release"]).out
    assert (diff["changed"], diff["removed"], diff["added"]) == (["people/0.md"], ["people/1.md"], [])


def test_a_run_without_changes_does_not_open_the_points(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many it holds was noted when it was sealed; a file that lost bytes is noticed all the same."""
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we renamed parental leave.\n")
    second = index.run()

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    with monkeypatch.context() as closed:
        closed.setattr("stores.edge.shards.open_shard", opened)
        assert index.run("unchanged")["release"] == second["release"] != first["release"]
    (segment, *_) = (index.folder / "state" / "qdrant" / "collections").rglob(f"*{second['release']}*/*/segments/*/segment.json")
    segment.write_bytes(segment.read_bytes()[:-1])
    assert "missing or truncated" in index("run").out["error"]["message"]


def test_a_rejected_configuration_leaves_the_live_release_and_is_not_tried_again(index: Index) -> None:
    """A candidate below the floor exits 3, is kept for inspection, is held, and is offered again only when asked."""
    first = index.run()
    index.configure(gates=[{"type": "retrieval", "golden": "golden.jsonl", "k": 3, "min_recall": 0.8, "max_drop": 0.1}])
    index.configure(chunking={"strategy": "fixed", "max_tokens": 100, "overlap_tokens": 0, "context": "none"})
    (index.folder / "golden.jsonl").write_text(
        "".join(
            json.dumps({"id": f"q-{d}-{i}", "query": "zebra crossing", "relevant": [{"uri": f"{d}/{i}.md"}]}) + "\n"
            for d in DEPARTMENTS
            for i in range(4)  # one ranking, twelve different answers: at most 3 of 12 can be within the first 3
        )
    )
    answer = index("run")
    assert (answer.code, answer.out["outcome"]) == (3, "rejected")
    rejected = answer.out["release"]
    again = index.run("unchanged")
    assert again["held"]["release"] == rejected
    assert again["release"] == first["release"]
    assert index.find(TOPICS["people"][0], "people", release=rejected)
    offered = index("promote", rejected)
    assert (offered.code, offered.out["outcome"]) == (3, "rejected")
    forced = index("promote", rejected, "--force")
    assert (forced.code, forced.out["outcome"]) == (0, "promoted")


def test_a_rollback_is_one_step_and_what_was_left_does_not_come_back_by_itself(index: Index) -> None:
    """Rollback returns to the release before; the next run does not offer the one left until someone does."""
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we renamed parental leave.\n")
    second = index.run()
    back = index("rollback").out
    assert (back["outcome"], back["release"], back["left"]) == ("rolled back", first["release"], second["release"])
    third = index.run("unchanged")
    assert third["release"] == first["release"]
    assert third["held"]["release"] == second["release"]
    assert back["warnings"] == []
    assert index("promote", second["release"]).out["outcome"] == "promoted"
    assert index.run("unchanged")["held"] is None


def test_who_rolls_back_to_what_was_held_is_told_so(index: Index) -> None:
    """A second step back leads to the release that the first one left: never in silence."""
    first = index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we renamed parental leave.\n")
    second = index.run()
    index("rollback")
    again = index("rollback").out
    assert (again["release"], again["left"]) == (second["release"], first["release"])
    assert (
        f"release {second['release']} serves again, though it was held (rolled back to {first['release']})"
        in again["warnings"][0]
    )


def test_floors_hold_for_the_golden_set_that_is_named(index: Index) -> None:
    """`evaluate --golden OTHER --gate` asks OTHER, and ends with 3 where that does not reach the configured floors."""
    index.run()
    other = index.folder / "other.jsonl"
    label = {"uri": "security/1.md"}
    other.write_text(
        "".join(json.dumps({"id": f"q{n}", "query": "parental leave", "relevant": [label]}) + "\n" for n in range(3))
    )
    assert index("evaluate", "--golden", str(other)).code == 0
    answer = index("evaluate", "--golden", str(other), "--gate")
    assert (answer.code, len(answer.out["below"])) == (3, 1), answer
    assert index("evaluate", "--gate").code == 0


def test_a_change_of_access_rules_alone_takes_effect_at_once_and_embeds_nothing(index: Index) -> None:
    """Tags change in every existing collection without a flow, a chunk or a vector."""
    first = index.run()
    assert index.find(TOPICS["security"][1], "people") != ["security/1.md"]
    rules = [{"match": "security/1.md", "tags": ["people"]}, *({"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS)]
    index.configure(access={"rules": rules})
    result = index.run("unchanged")
    assert (result["access_changed"], result["embedded"], result["release"]) == (1, 0, first["release"])
    assert index.find(TOPICS["security"][1], "people")[0] == "security/1.md"
    assert "security/1.md" not in index.find(TOPICS["security"][1], "security")
    assert index("access", "sync").out["access_changed"] == 0


def test_a_deleted_document_is_counted_as_deleted_and_not_as_one_whose_access_changed(index: Index) -> None:
    """Beside one whose readers did change: each is what happened to it, for people and for programs."""
    index.run()
    (index.corpus / "people" / "0.md").unlink()
    (index.corpus / "people" / "1.md").unlink()
    rules = [{"match": "security/1.md", "tags": ["people"]}, *({"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS)]
    index.configure(access={"rules": rules})
    said = index.shown("run")[1]
    assert "deleted 2 · access changed 1\n" in said
    (index.corpus / "people" / "2.md").unlink()
    result = index("run").out
    assert (result["documents_deleted"], result["access_changed"]) == (1, 0)


def test_a_change_of_gates_alone_judges_the_live_release_again_and_publishes_nothing(index: Index) -> None:
    """New gates are run on what is live; the release stays the same."""
    first = index.run()
    index.configure(gates=[{"type": "retrieval", "golden": "golden.jsonl", "k": 5, "min_recall": 0.5}])
    result = index.run("unchanged")
    assert result["release"] == first["release"]
    assert [v["gate"] for v in result["verdicts"]] == ["reconciliation", "retrieval"]
    assert index.run("unchanged")["verdicts"] == []


def test_an_unreadable_document_is_quarantined_and_the_run_goes_on(index: Index) -> None:
    """One broken file costs one quarantine entry; it is not tried again until its bytes change."""
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    result = index.run()
    assert sum(result["counts"]["parse"]["failed"].values()) == 1
    entries = index("quarantine").out["entries"]
    assert [e["uri"] for e in entries] == ["people/broken.md"]
    again = index.run("unchanged")
    assert sum(again["counts"]["parse"]["failed"].values()) == 1
    assert index("quarantine").out["entries"][0]["attempts"] == 1
    index.write("people/broken.md", "# Mended\n\nNow it parses.\n")
    index.run()
    assert index("quarantine").out["entries"] == []


def test_a_backfill_touches_exactly_its_slice(index: Index) -> None:
    """`--from parse` with a glob parses those documents and no others; a dry run changes nothing."""
    first = index.run()
    dry = index("backfill", "--match", "security/**", "--from", "parse", "--dry-run").out
    assert (dry["documents"], dry["to_build"], dry["to_embed"]) == (4, 0, 0)
    result = index("backfill", "--match", "security/**", "--from", "parse").out
    assert (result["selected"], result["counts"]["parse"]["kept"], result["embedded"]) == (4, 4, 0)
    assert (result["outcome"], result["release"]) == ("unchanged", first["release"])
    assert index("backfill", "--match", "nothing/**", "--from", "parse").code == 2


def test_an_estimate_says_what_the_backfill_then_does(index: Index) -> None:
    """Documents, chunks, texts and tokens to the last one; where a setting changes every document, so does the estimate."""
    index.run()
    index.configure(chunking={"strategy": "recursive", "max_tokens": 8, "overlap_tokens": 0, "context": "none"})
    dry = index("backfill", "--match", "security/**", "--from", "chunk", "--dry-run").out
    assert (dry["documents"], dry["to_build"]) == (4, 12)
    done = index("backfill", "--match", "security/**", "--from", "chunk").out
    assert done["outcome"] == "promoted"
    assert (done["counts"]["chunk"]["seen"], done["counts"]["stage"]["seen"]) == (dry["to_build"], dry["chunks"])
    assert (done["embedded"], done["tokens"]) == (dry["to_embed"], dry["tokens"]) > (12, 0)
    again = index("backfill", "--from", "chunk", "--dry-run").out
    assert (again["to_build"], again["to_embed"], again["chunks"]) == (0, 0, dry["chunks"])


def test_the_parts_do_what_run_does(index: Index) -> None:
    """ingest, index and promote, one after the other, publish what run would."""
    assert index("ingest").out["outcome"] == "ingested"
    staged = index("index").out
    assert staged["outcome"] == "staged"
    assert index("search", "anything", "--as", "people").code == 1
    promoted = index("promote", staged["release"]).out
    assert promoted["outcome"] == "promoted"
    assert index.run("unchanged")["release"] == staged["release"]


def held(index: Index) -> tuple[list[DocumentState], list[tuple[str, Mapping[str, Any]]], dict[str, Any]]:
    """All that the index knows and serves: document states, the live release's points with their tags, the releases."""
    with Resources(load(index.config)) as w:
        live = w.releases.live()
        assert live is not None
        points = sorted((p.id, p.payload) for p in w.stores.qdrant.scan(live.collection, ["uri", "text", "access_tags"]))
        states = w.stores.documents.read()
    return states, points, index("releases").out


def test_a_source_that_returns_a_third_of_what_it_did_stops_the_run(index: Index) -> None:
    """No document, point, tag or release is touched; the message says how many, and the flag that overrules does."""
    for i in range(24):
        index.write(f"people/more-{i}.md", f"# More {i}\n\nNumber {i} of many.\n")
    with Resources(load(index.config)) as w, holding(w, "run") as by:
        nightly.reindex(w, by)
    before = held(index)
    assert (len(before[0]), len(before[1])) == (36, 36)
    for i in range(24):
        (index.corpus / f"people/more-{i}.md").unlink()
    index.write("people/0.md", "# People note 0\n\nAn edit that must wait.\n")
    stopped = index("run")
    error = stopped.out["error"]
    assert (stopped.code, error["type"]) == (1, "MassDeletion")
    assert "source 'notes' listed 12 documents; 24 of the 36 known ones are gone (67%, allowed: 25%)" in error["message"]
    assert "if the deletions are meant, sluice run --allow-deletions notes" in error["hint"]
    [told] = [line for line in index("status").out["attention"] if line.startswith("source notes")]
    assert told.startswith("source notes is held back since ")
    assert told.endswith(": is it whole? then sluice run --allow-deletions notes"), "another run of it would be refused again"
    assert held(index) == before
    assert "people/more-3.md" in index.find("Number 3 of many", "people", k=40)
    assert index("ingest").out["error"]["type"] == "MassDeletion"
    assert held(index) == before
    mistyped = index("run", "--allow-deletions", "note")
    assert (mistyped.code, "did you mean notes?" in mistyped.out["error"]["message"]) == (2, True)
    assert index.run("promoted", "--allow-deletions", "notes")["documents_deleted"] == 24
    assert "people/more-3.md" not in index.find("Number 3 of many", "people", k=40)


def test_what_a_failed_run_revoked_is_told_and_one_flag_for_each_source_that_is_held_back(index: Index) -> None:
    """Two sources lose most of their documents, a third one document: that is revoked, told at once, and the hint is enough."""
    sources = [{"name": name, "type": "files", "root": name} for name in ("a", "b", "c")]
    for name in ("a", "b", "c"):
        (index.folder / name).mkdir()
        for number in range(24):
            (index.folder / name / f"{name}{number}.md").write_text(f"# {name} {number}\n\nNumber {number}.\n", encoding="utf-8")
    index.configure(sources=sources, access={"rules": [{"match": "**", "tags": ["all"]}]}, gates=[])
    index.run()
    for name, lost in (("a", 20), ("b", 20), ("c", 1)):
        for number in range(lost):
            (index.folder / name / f"{name}{number}.md").unlink()
    refused = index("run").out["error"]
    assert "sluice run --allow-deletions a --allow-deletions b" in refused["hint"]
    assert "c0.md" not in index.find("c 0 number 0", "all", k=60)
    with Resources(load(index.config)) as w:
        assert w.stores.outbox.open() == [], "it waited for the next command"
    assert index.run("promoted", "--allow-deletions", "a", "--allow-deletions", "b")["documents_deleted"] == 40


def test_retention_keeps_what_rollback_needs(index: Index) -> None:
    """Older releases lose their collection, never the live one or the one before it; their manifests stay."""
    index.configure(retention={"keep": 1})
    ids = []
    for i in range(3):
        index.write("people/0.md", f"# People note 0\n\nEdition {i}: parental leave lasts sixteen weeks.\n")
        ids.append(index.run()["release"])
    listed = {r["id"]: r for r in index("releases").out["releases"]}
    assert listed[ids[0]]["removed"]
    assert not listed[ids[1]]["removed"]
    assert not listed[ids[2]]["removed"]
    assert index("rollback").out["release"] == ids[1]
    assert index("gc", "--dry-run").code == 0
    assert index("gc").code == 0
    assert index.find(TOPICS["people"][2], "people")[0] == "people/2.md"


def test_a_source_that_is_not_configured_any_more_leaves_the_index(index: Index) -> None:
    """It is a decision about the next release: promoted, that is without them; the release before it still has them."""
    (index.folder / "wiki").mkdir()
    (index.folder / "wiki" / "people.md").write_text("# Wiki\n\nThe canteen serves soup on Mondays.\n")
    rules = [*index.settings["access"]["rules"], {"match": "*.md", "tags": ["people"]}]
    index.configure(
        sources=[*index.settings["sources"], {"name": "wiki", "type": "files", "root": "wiki"}], access={"rules": rules}
    )
    first = index.run()
    assert "people.md" in index.find("soup in the canteen on Mondays", "people")
    index.configure(sources=index.settings["sources"][:1])
    second = index.run()
    assert (second["documents_deleted"], second["counts"]["crawl"]["dropped"]) == (0, {"not_asked_for": 1})
    assert "people.md" not in index.find("soup in the canteen on Mondays", "people")
    assert "people.md" in index.find("soup in the canteen on Mondays", "people", release=first["release"])


def test_a_change_of_configuration_is_judged_before_it_takes_anything_away(index: Index) -> None:
    """An exclude that the gate rejects leaves live search as it was; what the source deleted is gone all the same, at once."""
    index.run()
    source = index.settings["sources"][0]
    index.configure(sources=[source | {"exclude": ["people/**"]}])
    (index.corpus / "security/3.md").unlink()
    rejected = index.run("rejected")
    assert rejected["documents_deleted"] == 1
    assert index.find(TOPICS["people"][1], "people")[0] == "people/1.md"
    assert "security/3.md" not in index.find(TOPICS["security"][3], "security", k=20)
    index.configure(sources=[source])
    again = index("run").out
    assert again["counts"]["crawl"]["dropped"].get("not_asked_for") is None
    assert index.find(TOPICS["people"][1], "people")[0] == "people/1.md"


def test_with_now_a_change_of_configuration_takes_away_before_it_is_judged(index: Index) -> None:
    """An exclude and a source taken out: gone though the gate rejects, counted as deleted, back when asked for."""
    wiki = index.folder / "wiki"
    wiki.mkdir()
    (wiki / "soup.md").write_text("# Wiki\n\nThe canteen serves soup on Mondays.\n", encoding="utf-8")
    source = index.settings["sources"][0]
    rules = [*index.settings["access"]["rules"], {"match": "*.md", "tags": ["people"]}]
    both = [source, {"name": "wiki", "type": "files", "root": "wiki"}]
    index.configure(sources=both, access={"rules": rules})
    index.run()
    index.configure(sources=[source | {"exclude": ["people/**"]}])
    rejected = index.run("rejected", "--now")
    assert (rejected["documents_deleted"], rejected["counts"]["crawl"]["dropped"]) == (5, {"deleted": 5})
    for query in (TOPICS["people"][1], "soup in the canteen on Mondays"):
        assert index.find(query, "people", "all", k=20) == []
    index.configure(sources=both)
    assert index("ingest", "--now").out["documents_deleted"] == 0
    assert index("run").code == 0
    assert index.find(TOPICS["people"][1], "people")[0] == "people/1.md"


def test_no_secret_of_the_environment_is_kept_in_a_manifest(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest keeps the configuration as written: a variable's name, never its value."""
    monkeypatch.setenv("CORPUS_FOLDER", str(index.corpus))
    index.configure(sources=[{"name": "notes", "type": "files", "root": "${CORPUS_FOLDER}", "include": ["**/*.md"]}])
    shown = index("releases", "show", index.run()["release"]).out
    assert shown["configuration"]["sources"][0]["root"] == "${CORPUS_FOLDER}"


def test_who_mends_a_leak_by_a_rule_is_judged_again(index: Index) -> None:
    """Access rules are in no fingerprint, but they are an input of the gates: what leaked under others is not held."""
    rules = index.settings["access"]["rules"]
    index.configure(access={"rules": [{"match": "**", "tags": ["people", "security", "engineering"]}]})
    rejected = index("run")
    assert (rejected.code, rejected.out["outcome"]) == (3, "rejected")
    assert index.run("unchanged")["held"]["release"] == rejected.out["release"]
    index.configure(access={"rules": rules})
    assert index.run()["release"] == rejected.out["release"]
    assert index.run("unchanged")["held"] is None
