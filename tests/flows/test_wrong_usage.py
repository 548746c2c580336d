"""What a user gets wrong: one clear message, the exit code of the contract, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from stores.locks import FileLock
from tests.flows.conftest import Index


def test_a_second_serve_of_an_index_is_refused(index: Index) -> None:
    """The one that ends pauses the schedules of both: the nightly run would be lost without a word."""
    with FileLock(index.folder / "state" / "serve.lock") as first:
        assert first.acquire()
        code, _, said = index.shown("serve")
        assert (code, "another `sluice serve`" in " ".join(said.split())) == (4, True), said


def _unknown_key(index: Index) -> None:
    index.configure(chunking={"strategy": "recursive", "max_tokens": 100, "overlap": 5})


def _missing_root(index: Index) -> None:
    index.configure(sources=[{"name": "notes", "type": "files", "root": "nowhere"}])


def _malformed_golden(index: Index) -> None:
    (index.folder / "golden.jsonl").write_text('{"id": "q1", "query": "fine", "relevant": []}\n{"id": "q2", "query": \n')


def _missing_gates(index: Index) -> None:
    del index.settings["gates"]
    index.configure()


def _unknown_strategy(index: Index) -> None:
    index.configure(chunking={"strategy": "magic", "max_tokens": 100})


def _window_too_small(index: Index) -> None:
    index.configure(chunking={"strategy": "fixed", "max_tokens": 400})


def _unknown_source_type(index: Index) -> None:
    index.configure(sources=[{"name": "notes", "type": "carrier-pigeon"}])


def _percentage(index: Index) -> None:
    first, *others = index.settings["gates"]
    index.configure(gates=[{**first, "min_recall": 70}, *others])


def _ambiguous(index: Index) -> None:
    (index.folder / "other").mkdir()
    (index.folder / "other" / "people").mkdir()
    (index.folder / "other" / "people" / "0.md").write_text("# Other\n\nThe same uri in another source.\n")
    index.configure(sources=[*index.settings["sources"], {"name": "other", "type": "files", "root": "other"}])


CASES: dict[str, tuple[Callable[[Index], None], str]] = {
    "an unknown key": (_unknown_key, "overlap"),
    "a missing root": (_missing_root, "nowhere"),
    "a malformed golden line": (_malformed_golden, "golden.jsonl:2"),
    "a missing gates key": (_missing_gates, "gates"),
    "an unknown strategy": (_unknown_strategy, "magic"),
    "chunks beyond the window": (_window_too_small, "max_tokens"),
    "an unknown source type": (_unknown_source_type, "carrier-pigeon"),
    "a percentage for a share": (_percentage, "gates.retrieval.min_recall: 70 is not a share between 0 and 1; 70 % is 0.70"),
    "an ambiguous uri": (_ambiguous, "people/0.md"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_configuration_exits_2_and_names_what_is_wrong(index: Index, case: str) -> None:
    """Each mistake is found before anything is changed, and the message names the key, path, line or uri."""
    spoil, named = CASES[case]
    spoil(index)
    answer = index("run")
    assert answer.code == 2, answer
    assert named in answer.out["error"]["message"]
    assert answer.out["error"]["type"] == "ConfigurationError"


def test_an_unreachable_server_exits_1_and_names_it(index: Index) -> None:
    """The message names the host and port, never a password."""
    index.configure(stores={"mongodb": {"uri": "mongodb://user:secret@127.0.0.1:9/?serverSelectionTimeoutMS=300"}})
    answer = index("run")
    assert answer.code == 1
    assert answer.out["error"]["type"] == "StoreUnavailable"
    assert "127.0.0.1:9" in answer.out["error"]["message"]
    assert "secret" not in json.dumps(answer.out) + answer.err


def test_wrong_usage_exits_2(index: Index) -> None:
    """An unknown option, an unknown command and a missing principal are usage errors, also as JSON."""
    assert index("run", "--no-such-option").code == 2
    assert index("no-such-command").code == 2
    assert index("search", "query").code == 2
    assert index("search", "query", "--as", " , ").code == 2
    assert index("run", "--source", "nobody").code == 2


def test_what_there_is_nothing_of_is_said_in_words(index: Index) -> None:
    """No release yet, no document yet, dates that are crossed, a golden set that asks nothing: each with what to do next."""
    assert index("releases", "show", "x").out["error"]["hint"] == "there is none yet: sluice run makes the first"
    empty = index("backfill", "--from", "parse").out["error"]
    assert (empty["message"], empty["hint"]) == ("no document is there to be done again", "sluice run takes documents in first")
    index.run()
    none = index("backfill", "--from", "parse", "--match", "nope/**").out["error"]
    assert none["message"] == "no document is there to be done again: none matches --match 'nope/**'"
    crossed = index("backfill", "--from", "parse", "--since", "2027-01-01", "--until", "2026-01-01")
    assert (crossed.code, "is not before --until" in crossed.out["error"]["message"]) == (2, True)
    late = index("backfill", "--from", "parse", "--since", "2127-01-01").out["error"]
    assert "dates are of last modification" in late["hint"]
    crossed = index("search", "leave", "--as", "people", "--since", "2027-01-01", "--until", "2026-01-01")
    assert (crossed.code, "lies before --since" in crossed.out["error"]["message"]) == (2, True)
    today = datetime.now(UTC).date().isoformat()  # of the files' last change
    assert index("search", "leave", "--as", "people", "--since", today, "--until", today).out["hits"]
    nothing = index.folder / "nothing.jsonl"
    nothing.touch()
    measured = index("evaluate", "--golden", str(nothing))
    assert (measured.code, "holds no question" in measured.out["error"]["message"]) == (2, True)
    checked = index("golden", "check", "--golden", str(nothing))
    assert not checked.out["healthy"]
    (index.folder / "plain").mkdir()
    (index.folder / "plain" / "a.md").write_text("Just so.\n", encoding="utf-8")
    index.configure(sources=[{"name": "notes", "type": "files", "root": "plain"}], gates=[])
    index("run", "--allow-deletions", "notes")
    _, stale, _ = index.shown("evaluate", "--golden", str(index.folder / "golden.jsonl"))
    assert "none of its questions can be scored: sluice golden check says why" in stale
    code, said, _ = index.shown("golden", "draft")
    assert (code, said.startswith("no question drafted"), (index.folder / "drafted.jsonl").exists()) == (0, True, False), said
    (index.folder / "plain" / "a.md").unlink()
    code, said, _ = index.shown("run", "--allow-deletions", "notes")
    assert (code, "no document is left for a release" in " ".join(said.split())) == (3, True), said
    assert "sluice backfill" not in said, "there is nothing to build"


def test_what_is_begun_is_what_was_named(index: Index) -> None:
    """An experiment names its configuration itself; and whoever looks for `init` is told where to begin."""
    assert "compare: trial.yaml" in index.shown("compare", "--adopt=a", "trial.yaml")[2]
    assert "shows the shortest" in index("init").out["error"]["message"]


def test_a_token_is_for_the_index_of_the_configuration_on_a_server_with_a_key(index: Index) -> None:
    """Another index's name, and the embedded store, are refused with what to write; with a server's key there is one."""
    assert index("token", "other").code == 2
    embedded = index("token", "small")
    assert embedded.code == 2
    assert "jwt_rbac" in embedded.out["error"]["hint"]
    index.configure(stores={"qdrant": {"url": "http://localhost:6333", "api_key": "a key"}})
    made = index("token", "small", "--days", "7").out
    assert made["token"].count(".") == 2
    assert made["url"] == "http://localhost:6333"
