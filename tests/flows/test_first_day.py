"""What a newcomer met on the first day: each said where they stood, with what to do next."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import sluice
from cli.main import main
from pipeline.operations.parts import ingest
from pipeline.progress import Silent
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.releases import held_until
from sluice.settings import load
from tests.flows.conftest import TOPICS, Index, golden_lines
from tests.mailroom import message


def test_a_live_release_that_fails_its_changed_gates_needs_a_person(index: Index) -> None:
    """The same documents, a gate that asks more: status names the release, the gate, its figures and the next commands."""
    live = index.run()["release"]
    assert index("status").out["attention"] == []
    line = {"id": "new", "query": "who waters the plants?", "relevant": [{"uri": "people/0.md", "quote": TOPICS["people"][0]}]}
    with (index.folder / "golden.jsonl").open("a", encoding="utf-8") as golden:
        golden.write(json.dumps(line | {"slice": ["plants"]}) + "\n")
    gate = index.settings["gates"][0] | {"k": 1, "min_recall": 1.0}
    index.configure(gates=[gate, *index.settings["gates"][1:]])
    index.run("unchanged")
    [said] = index("status").out["attention"]
    assert f"the live release {live} does not pass the gates that it has now (retrieval: " in said
    assert "Recall@1" in said
    assert f"sluice releases show {live}" in said
    assert "sluice rollback" in said


def test_a_quote_that_never_stood_anywhere_is_told_from_one_that_was_taken_away(index: Index) -> None:
    """An edit at the source, and a typing mistake: the same state, and each its own reason."""
    lines = [json.loads(line) for line in (index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    lines[0]["relevant"][0]["quote"] = "deploy the getaway on Thursdays at noon"
    (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    index.run()
    index.write("people/0.md", "# People note 0\n\nNothing that anybody asks for.\n")
    index("ingest")
    checked = index("golden", "check")
    assert checked.code == 3
    reasons = {label["id"]: label["reason"] for label in checked.out["stale"]}
    assert reasons == {
        "engineering-0": "the passage stands in no version of the document that Sluice has: a typing mistake?",
        "people-0": "the source no longer holds the passage",
    }


def test_a_release_that_retention_removed_is_said_to_be_removed_and_when(index: Index) -> None:
    """By every command that would read it: not a collection that is not there, but what became of it and what to do."""
    index.configure(retention={"keep": 1})
    first = index.run()["release"]
    for text in TOPICS["people"][1:3]:
        index.write("people/0.md", f"# People note 0\n\nParental leave lasts sixteen weeks; {text}.\n")
        live = index.run()["release"]
    for command in (
        ("releases", "diff", first, live),
        ("search", "leave", "--as", "people", "--release", first),
        ("evaluate", "--release", first),
        ("promote", first),
        ("rollback", "--to", first),
        ("releases", "pin", first),
        ("why", "leave", "people/0.md", "--as", "people", "--release", first),
        ("trace", "people/0.md", "--release", first),
    ):
        answer = index(*command)
        assert answer.code == 1, command
        message = answer.out["error"]["message"]
        assert re.match(rf"release {first} was removed by retention at \d{{4}}-\d\d-\d\d \d\d:\d\d UTC", message), (
            command,
            message,
        )
        assert "retention.keep" in answer.out["error"]["hint"]


def test_records_and_folders_of_mail_that_the_configuration_leaves_out_are_judged_first(index: Index) -> None:
    """Rejected, they stay; what the export or the mailbox deleted goes at once, also where an old archive has a copy."""
    exports, mails = index.folder / "exports", index.folder / "mails"
    for file, numbers in (("a.jsonl", (1, 2)), ("b.jsonl", (3,)), ("archive/a.jsonl", (1, 2))):
        (exports / file).parent.mkdir(parents=True, exist_ok=True)
        rows = [{"id": n, "body": f"Account number {n} buys turbines."} for n in numbers]
        (exports / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for folder, number in (("INBOX", 1), ("INBOX", 2), (".Offers", 3)):
        at = mails if folder == "INBOX" else mails / folder
        for part in ("cur", "new", "tmp"):
            (at / part).mkdir(parents=True, exist_ok=True)
        (at / "cur" / f"{number}.host:2,S").write_bytes(message(f"m{number}@example.org", f"Letter {number} offers cheese.\n"))
    crm = {"name": "crm", "type": "records", "path": "exports", "exclude": ["archive/**"], "key": "id", "text": "body"}
    post = {"name": "post", "type": "mail", "path": "mails"}
    index.configure(sources=[crm, post], access={"rules": [{"match": "**", "tags": ["staff"]}]}, gates=[])
    index.run()
    there = ["crm/1", "crm/2", "crm/3", "INBOX/m1@example.org", "INBOX/m2@example.org", "Offers/m3@example.org"]
    assert sorted(_served(index)) == sorted(there)
    asked = [{"id": uri, "query": uri, "relevant": [{"uri": uri}]} for uri in ("crm/3", "Offers/m3@example.org")]
    (index.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked), encoding="utf-8")
    index.configure(
        sources=[crm | {"exclude": ["archive/**", "b.jsonl"]}, post | {"exclude_folders": ["Offers"]}],
        gates=[{"type": "retrieval", "golden": "golden.jsonl", "k": 5, "min_recall": 0.9, "max_stale": 0.5}],
    )
    (exports / "a.jsonl").write_text(json.dumps({"id": 1, "body": "Account number 1 buys turbines."}) + "\n", encoding="utf-8")
    (mails / "cur" / "2.host:2,S").unlink()
    rejected = index.run("rejected")
    assert rejected["counts"]["crawl"]["dropped"] == {"deleted": 2, "not_asked_for": 2}
    assert sorted(_served(index)) == sorted(set(there) - {"crm/2", "INBOX/m2@example.org"})
    index.write("../exports/a.jsonl", json.dumps({"id": 1, "body": "Account number 1 buys wind turbines."}) + "\n")
    again = index.run("rejected")
    assert again["documents_deleted"] == 0
    index.configure(gates=[])
    index.run()
    assert sorted(_served(index)) == ["INBOX/m1@example.org", "crm/1"]


def test_a_question_whose_reader_may_not_read_the_answer_is_named_everywhere(index: Index) -> None:
    """Refused when it is added; where it is in the file already, `check`, `run` and `evaluate` say which and why."""
    words = (
        "--query",
        "badges of whom?",
        "--uri",
        "security/1.md",
        "--quote",
        "badges expire after ninety days",
        "--as",
        "people",
    )
    closed = "people may not read security/1.md (security may)"
    index.run()
    before = (index.folder / "golden.jsonl").read_text(encoding="utf-8")
    refused = index("golden", "add", *words)
    assert (refused.code, closed in refused.out["error"]["message"]) == (2, True)
    assert (index.folder / "golden.jsonl").read_text(encoding="utf-8") == before
    line = {"id": "shut", "query": "badges of whom?", "relevant": [{"uri": "security/1.md"}], "principal": ["people"]}
    (index.folder / "golden.jsonl").write_text(before + json.dumps(line) + "\n", encoding="utf-8")
    checked = index("golden", "check")
    assert (checked.code, checked.out["unreadable"]) == (3, [{"id": "shut", "uri": "security/1.md", "reason": closed}])
    [retrieval] = [verdict for verdict in index.run("unchanged")["verdicts"] if verdict["gate"] == "retrieval"]
    assert retrieval["passed"]
    assert f"1 label is a miss for ever: 'shut': {closed}" in retrieval["warnings"]
    assert retrieval["reason"] == "Recall@3 0.923 on 13 queries, this is the live release itself"
    measured = index("evaluate").out
    assert measured["missed"] == 1
    assert measured["missed_queries"] == [
        {"id": "shut", "query": line["query"], "uri": "security/1.md", "reason": "no_tag_in_common", "says": closed}
    ]
    more = "".join(json.dumps({**line, "id": f"shut-{number}"}) + "\n" for number in range(7))
    (index.folder / "golden.jsonl").write_text(before + more, encoding="utf-8")
    assert index("evaluate").out["missed_others"] == ["shut-5", "shut-6"]
    assert "and 2 more: shut-5, shut-6 (sluice why" in index.shown("evaluate")[1], "five are explained, the others named"


def test_a_source_that_failed_is_named_until_it_is_read_again(index: Index) -> None:
    """A run of another source that passes does not hide it; since when and why are said."""
    crm = {"name": "crm", "type": "records", "path": "crm", "key": "id", "text": "body"}
    (index.folder / "crm").mkdir()
    (index.folder / "crm" / "a.jsonl").write_text(json.dumps({"id": 1, "body": "Turbines."}) + "\n", encoding="utf-8")
    rules = [*index.settings["access"]["rules"], {"match": "**", "tags": ["staff"]}]
    index.configure(sources=[*index.settings["sources"], crm], access={"rules": rules}, gates=[])
    index.run()
    away = index.corpus.rename(index.folder / "away")
    assert index("run").code == 2
    index.run("unchanged", "--source", "crm")
    [said] = index("status").out["attention"]
    assert re.fullmatch(
        r"source notes failed since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(.*corpus.*\): sluice run --source notes", said
    )
    away.rename(index.corpus)
    index.run("unchanged", "--source", "notes")
    assert index("status").out["attention"] == []


def test_gates_that_changed_are_put_to_what_is_live_also_while_another_release_is_held(index: Index) -> None:
    """After a rollback: status says that they were not yet, the next run puts them, and what is held stays held."""
    live = index.run()["release"]
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts sixteen weeks now.\n")
    left = index.run()["release"]
    assert index("rollback").code == 0
    [held] = index("status").out["attention"]
    assert held.startswith(f"release {left} is held (rolled back")
    index.configure(gates=[{**index.settings["gates"][0], "slices": {"people": {"min_recall": 1.0}}}])
    line = {"id": "new", "query": "who waters the plants?", "relevant": [{"uri": "people/0.md"}], "slice": ["people"]}
    with (index.folder / "golden.jsonl").open("a", encoding="utf-8") as golden:
        golden.write(json.dumps(line | {"principal": ["security"]}) + "\n")
    said = index("status").out["attention"]
    assert said == [f"the gates changed since the live release {live} was judged: sluice run puts them to it", held]
    ran = index.run("unchanged")
    assert (ran["release"], ran["held"]["release"]) == (live, left)
    [retrieval] = [verdict for verdict in ran["verdicts"] if verdict["gate"] == "retrieval"]
    assert not retrieval["passed"]
    said = index("status").out["attention"]
    assert said[0].startswith(f"the live release {live} does not pass the gates that it has now (retrieval: ")
    assert said[1:] == [held]
    assert index.run("unchanged")["verdicts"] == []


def _served(index: Index) -> set[str]:
    """The uris that anybody finds in what is live."""
    return {hit["uri"] for hit in index("search", "account letter turbines cheese", "--as", "staff", "-k", "50").out["hits"]}


def test_held_is_explained_where_it_is_said(index: Index) -> None:
    """After a rollback: by the rollback itself, in the list of releases and of the release; with the command that ends it."""
    index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that parental leave lasts sixteen weeks now.\n")
    left = index.run()["release"]
    for command in (["rollback"], ["releases"], ["releases", "show", left], ["status"]):
        index.capture.readouterr()
        with pytest.raises(SystemExit):
            main(["--config", str(index.config), *command])
        said = index.capture.readouterr().out
        assert held_until(left, rejected=False) in said, said
    index.configure(gates=[{**index.settings["gates"][0], "min_recall": 1.0, "k": 1}])
    with (index.folder / "golden.jsonl").open("a", encoding="utf-8") as golden:
        golden.write(json.dumps({"id": "zebra", "query": "badges expire", "relevant": [{"uri": "people/3.md"}]}) + "\n")
    index.write("people/1.md", "# People note 1\n\nNothing of this is known.\n")
    left = index.run("rejected")["release"]
    for command in (["releases"], ["releases", "show", left]):
        said = index.shown(*command)[1]
        assert f"a changed golden set, gate or access rule has it judged again; to offer it now: sluice promote {left}" in said


def test_ids_are_offered_newest_first(index: Index) -> None:
    """Of releases and of runs, after a name that nobody knows or that begins several."""
    made = []
    for text in TOPICS["people"]:
        index.write("people/0.md", f"# People note 0\n\nParental leave lasts sixteen weeks; {text}.\n")
        made.append(index.run()["release"])
    newest = ", ".join(reversed(made))
    assert index("promote", "nosuch").out["error"]["hint"] == f"the newest releases are: {newest}"
    assert index("promote", "2").out["error"]["hint"] == f"say more of it: {newest}"
    runs = [run["run"] for run in index("runs").out["runs"]]
    unknown = index("runs", "show", runs[0][:-1] + "z").out["error"]
    assert "did you mean" in unknown["message"]
    assert unknown["hint"] == f"sluice runs lists them; the newest are: {', '.join(runs[:5])}"


def test_patterns_that_match_nothing_are_named_by_everything_that_meets_them(index: Index) -> None:
    """The pattern, how many files there are, one of them, and what would match; no command sends to another and back."""
    source = index.settings["sources"][0]
    index.configure(sources=[{**source, "include": ["*.md", "*.txt"]}])
    told = (
        f"source 'notes' lists no document: include '*.md' and '*.txt' match none of 12 files below {index.corpus}, "
        "e.g. engineering/0.md; * stops at /: '**/*.md' would match"
    )
    failed = index("run")
    assert (failed.code, told in failed.out["error"]["message"]) == (2, True), failed.out
    assert index("status").out["attention"][0] == "nothing is live: mend what the last run failed of, then sluice run"
    assert index("doctor").out["checks"][1]["hint"] == told
    assert "no document is known: sluice run takes them in" in index.shown("documents")[1]
    index.configure(gates=[])
    assert told in index.run("unchanged")["warnings"]
    assert "the last run found no document: sluice doctor" in index("status").out["attention"][0]
    index.configure(sources=[{**source, "exclude": ["people/**", "**/*.md"]}])
    [barred] = [w for w in index.run("unchanged")["warnings"] if "lists no document" in w]
    assert "exclude 'people/**' and '**/*.md' leave out all that include matches of 12 files" in barred
    shutil.rmtree(index.corpus)
    index.corpus.mkdir()
    assert f"lists no document: there is no file below {index.corpus}" in index.run("unchanged")["warnings"][0]


def test_what_is_printed_is_so_and_says_what_it_is(index: Index) -> None:
    """Readers that are nobody, a document in no release, a search without a reranker, hits without a log, a line of blocks."""
    first = index.run()["release"]
    page = Path(index("releases", "show", first).out["report"]).read_text(encoding="utf-8")
    assert ("search.mode" in page, "rerank_k" in page, "dense_weight" in page) == (True, False, False)
    (index.corpus / "people" / "0.md").unlink()
    live = index.run()["release"]
    audit = index.shown("access", "audit")[1]
    assert re.search(r"people/0\.md +│ people +│ nobody +│", audit), audit
    traced, printed = index("trace", "people/0.md").out, index.shown("trace", "people/0.md")[1]
    assert f"not in {live}" in traced["line"]
    assert (traced["release"], traced["collection"], traced["went_live"], traced["run"], traced["recipe"]) == (
        None,
        None,
        None,
        None,
        {},
    )
    assert not re.search(r"^(release|run|search) ", printed, re.MULTILINE), printed
    served = index.shown("trace", "people/1.md")[1]
    assert re.search(rf"^release +│ {live}, went live", served, re.MULTILINE), served
    assert re.search(r"^search +│ mode dense *$", served, re.MULTILINE), served
    measured = index.shown("evaluate")[1]
    assert "nobody judged: sluice golden add --query TEXT, or name a file under search.log" in measured
    log = index.folder / "searches.jsonl"
    index.configure(search={"mode": "dense", "log": log.name})
    assert f"or, once {log} has searches" in index.shown("evaluate")[1]
    index.find("leave", "people")
    assert f"nobody judged: sluice golden add --log {log} --next" in index.shown("evaluate")[1]
    status = index.shown("status")[1]
    assert "oldest first: ▁ the least of these values" in status
    assert "▁ the least" not in status.partition("retrieval: Recall@3")[0]


def test_doctor_says_ok_of_a_configuration_only_where_all_of_it_is(index: Index) -> None:
    """A wrong key of a gate: the gates fail, and so does the configuration, which names them; servers are not its matter."""
    index.configure(gates=[{**index.settings["gates"][0], "min_recall": 70}])
    answer = index("doctor")
    checks = {check["check"]: check for check in answer.out["checks"]}
    assert (answer.code, [name for name, check in checks.items() if not check["ok"]]) == (2, ["configuration", "gates"])
    assert checks["configuration"]["detail"].endswith("what it says of gates is wrong")
    index.configure(gates=[])
    assert index("doctor").out["checks"][0]["ok"]


def test_a_source_or_a_language_that_nobody_knows_is_said_and_answers_no_search(index: Index) -> None:
    """Nothing found would say that there is nothing; from Python it is the same error. What this principal may not read is as
    unknown to them."""
    text = "Wir tauschen jedes Passwort nach einem Jahr gegen ein neues aus, damit niemand es errät."
    index.write("security/de.md", f"# Hinweis\n\n{text} Das gilt für alle Rechner, die im Haus stehen.\n")
    index.run()
    for option, word, said in (
        ("--source", "nots", "no source is named 'nots'; did you mean notes?"),
        ("--language", "eng", "no document that people may read is in language 'eng'"),
        ("--language", "de", "no document that people may read is in language 'de'"),
    ):
        answer = index("search", "leave", "--as", "people", option, word)
        assert answer.code == 2
        assert said in answer.out["error"]["message"]
        assert "de," not in answer.out["error"]["hint"], "that there is one which they may not read is not theirs to know"
    assert index("search", "Passwort", "--as", "security", "--language", "de").out["hits"]
    assert index("search", "leave", "--as", "people", "--source", "notes").out["hits"]
    for command in (("forget",), ("forget", "--undo"), ("trace",), ("documents",)):
        answer = index(*command, "people/0.md", "--source", "nots")
        assert (answer.code, "did you mean notes?" in answer.out["error"]["message"]) == (2, True), (command, answer.out)
    with sluice.open(index.config) as opened, pytest.raises(ConfigurationError, match="did you mean notes"):
        opened.searcher().search("leave", Principal.of(["people"]), sources=["nots"])


def test_a_place_that_cannot_be_written_is_wrong_usage(index: Index) -> None:
    """Of every option and argument that names a file or a folder to write: which, why, and what to do."""
    live = index.run()["release"]
    (index.folder / "file").write_text("", encoding="utf-8")
    below = str(index.folder / "file" / "x")
    for command in (
        ("status", "--html", str(index.folder / "none" / "x.html")),
        ("status", "--html", below),
        ("export", live, "/proc/nope"),
        ("export", live, below),
        ("golden", "draft", "--to", below),
        ("golden", "add", "--golden", below, "--query", "who?", "--uri", "people/0.md"),
        ("demo", "--workplace", below),
    ):
        answer = index(*command)
        assert (answer.code, answer.out["error"]["type"]) == (2, "ConfigurationError"), (command, answer.out)
        assert f"{command[-1] if command[1] != 'add' else below} cannot be written: " in answer.out["error"]["message"]
        assert "make the folder" in answer.out["error"]["hint"]


def test_an_id_may_be_shortened_and_a_mistyped_one_is_wrong_usage_and_no_failed_run(index: Index) -> None:
    """Everywhere an id is asked for; what was mistyped is not in the record of what was done."""
    first = index.run()["release"]
    index.write("people/0.md", f"# People note 0\n\nRemember that we {TOPICS['people'][0]} now.\n")
    live = index.run()["release"]
    done = index("runs").out["runs"]
    for command in (
        ("promote", "20261126-21323"),
        ("rollback", "--to", "20261126-21323"),
        ("releases", "pin", "20261126-21323"),
        ("releases", "show", "20261126-21323"),
        ("releases", "diff", live, "20261126-21323"),
        ("search", "leave", "--as", "people", "--release", "20261126-21323"),
        ("export", "20261126-21323", str(index.folder / "out")),
    ):
        answer = index(*command)
        assert (answer.code, answer.out["error"]["type"]) == (2, "UnknownRelease"), command
        assert live in answer.out["error"]["hint"]
    assert index("runs").out["runs"] == done
    short = first[:-1]
    assert index("releases", "show", short).out["id"] == first
    assert index("releases", "diff", short, live[:-1]).out["b"] == live
    assert index("releases", "pin", short).out["release"] == first
    assert index("search", "leave", "--as", "people", "--release", short).out["hits"][0]["release"] == first
    assert index("rollback", "--to", short).out["release"] == first
    assert index("promote", live[:-1]).out["release"] == live
    assert "begins the ids of 2 releases" in index("promote", first[:2]).out["error"]["message"]
    assert index("runs", "show", done[0]["run"][:-1]).out["run"] == done[0]["run"]
    drafted = index.shown("golden", "draft", "--to", str(index.folder / "sets" / "d.jsonl"))[1]
    assert f"golden: {Path('sets') / 'd.jsonl'}, synthetic" in drafted or "0 questions drafted" in drafted, drafted


def test_what_is_met_first_says_what_to_do_next(index: Index) -> None:
    """A folder without a configuration, a document that nobody reads or that failed, a glob that stops too early."""
    index.write("elsewhere/deep/1.md", "# Elsewhere\n\nNobody has a rule for this note.\n")
    (index.corpus / "people" / "9.md").write_bytes(b"\x00\x01\x02" * 50)
    _, said, told = index.shown("run")
    assert "which failed, and why: sluice quarantine" in said
    assert "measuring" not in told
    source = index.settings["sources"][0]
    index.configure(sources=[source | {"limits": {"size_mb": 1}}])
    index.write("people/8.md", "# Long\n\n" + "word " * 210_000)
    index("ingest")
    index.configure(sources=[source])
    [entry] = [entry for entry in index("quarantine").out["entries"] if entry["uri"] == "people/8.md"]
    assert entry["error"] == "people/8.md: is 1.1 MB large; allowed: 1 MB"
    assert "raise the source's limits.size_mb" in entry["hint"]
    assert f"too_large: {entry['hint']}" in index.shown("quarantine")[1]
    assert index("why", "word", "people/8.md", "--as", "people").out["hint"] == entry["hint"]
    readers = next(check for check in index("doctor").out["checks"] if check["check"] == "readers")
    assert readers["ok"]
    assert "sluice documents --status unreadable" in readers["hint"]
    assert re.search(r"readers +│ look", index.shown("doctor")[1])
    assert "* stops at /: sluice documents 'else*/**'" in index.shown("documents", "else*")[1]
    assert "stops at /" not in index.shown("documents", "nowhere*")[1]
    index.config.unlink()
    missing = index("run").out["error"]
    index.config.write_text(missing["hint"].partition("\n")[2], encoding="utf-8")
    assert load(index.config).gates


def test_a_key_is_named_by_its_rule_or_gate_and_a_file_by_its_key(index: Index) -> None:
    """As a source is by its name; what has no name of its own by its number, from one."""
    gate, rules = index.settings["gates"][0], index.settings["access"]["rules"]
    for changes, said in (
        ({"gates": [gate | {"golden": "goldn.jsonl"}]}, "gates.retrieval.golden: "),
        ({"gates": [{"type": "data_quality"}, gate | {"min_recal": 1}]}, "unknown key 'gates.retrieval.min_recal'"),
        ({"gates": [gate, gate | {"min_recal": 1}]}, "unknown key 'gates.2.min_recal'"),
        ({"access": {"rules": [rules[0], {"match": "hr/**", "tags": "hr"}]}}, "access.rules.'hr/**'.tags: must be a list"),
    ):
        kept = {key: index.settings[key] for key in changes}
        index.configure(**changes)
        answer = index("run")
        assert (answer.code, said in answer.out["error"]["message"]) == (2, True), answer.out
        index.configure(**kept)


def test_in_eighty_columns_nothing_is_broken_within_a_word_and_no_heading_stands_over_nothing(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each command that people read: no raw names, no empty headings, dates in one piece, "live" for what is live."""
    first = index.run()["release"]
    index.configure(sources=[index.settings["sources"][0] | {"exclude": ["drafts/**"]}])
    index.write("people/0.md", f"# People note 0\n\nRemember that we {TOPICS['people'][0]} now.\n")
    live = index.run()["release"]
    monkeypatch.setenv("COLUMNS", "80")
    listed = index.shown("releases")[1]
    assert re.search(rf"{live} +│ live +│ .*\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", listed), listed
    shown = index.shown("releases", "show", live)[1]
    assert re.search(r"state +│ live", shown)
    assert "access root" in shown
    diff = index.shown("releases", "diff", first, live)[1]
    assert "exclude: [" in diff
    assert "{'" not in diff
    trace = index.shown("trace", "people/0.md")[1]
    assert re.search(r"bytes +│ [0-9a-f]{12}, \d+ bytes", trace), trace
    cost = index.shown("backfill", "--from", "chunk", "--dry-run")[1]
    assert "to build" in cost
    assert "━" not in cost  # no heading, so no line below one
    assert "Choose from: fetch, parse, chunk" in " ".join(index.shown("backfill")[2].split())
    index.shown("golden", "draft")
    report = index.shown("run")[1]
    assert not re.search(r"promote\n", report)
    for text in (listed, shown, diff, trace, cost, report):
        lines = [line for line in text.splitlines() if "/state/" not in line]  # a path is copied whole
        assert max(map(len, lines)) <= 80, text


def test_a_golden_set_can_be_made_before_anything_is_live(index: Index) -> None:
    """A gate names a file that is still to be made: empty, it refuses, and questions are judged in what it refused."""
    golden = index.folder / "golden.jsonl"
    golden.unlink()
    index.configure(
        gates=[{"type": "retrieval", "golden": "drafted.jsonl", "synthetic": True, "min_recall": 0.1}, *index.settings["gates"]]
    )
    assert "begins as an empty file" in index("run").out["error"]["hint"]
    golden.touch()
    (index.folder / "drafted.jsonl").touch()
    code, said, _ = index.shown("run")
    assert (code, f"{golden} holds no query" in said, "sluice golden add --log FILE" in said) == (3, True, True), said
    rejected = index("releases").out["releases"][0]["id"]
    assert f"sluice releases show {rejected}" in index("search", "leave", "--as", "people").out["error"]["hint"]
    assert (
        index("status").out["attention"][0] == "nothing is live: mend what the newest release was rejected for, then sluice run"
    )
    drafted = index("golden", "draft").out
    assert (drafted["live"], drafted["release"]) == (False, rejected)
    assert drafted["found_first"] + drafted["found_later"] == drafted["added"] > 0
    (index.folder / "questions.txt").write_text("parental leave?\n", encoding="utf-8")
    _, _, told = index.shown("golden", "add", "--log", str(index.folder / "questions.txt"))  # and nobody is at the terminal
    assert f"what is found is of release {rejected}" in told
    gates = index.settings["gates"]
    index.configure(gates=gates[:1])
    alone = index("golden", "add", "--query", "who?", "--uri", "people/0.md")
    assert (alone.code, "no gate names a golden set of other than drafted" in alone.out["error"]["message"]) == (2, True)
    index.configure(gates=gates)
    for line in golden_lines():
        label = line["relevant"][0]
        added = index("golden", "add", "--query", line["query"], "--uri", label["uri"], "--quote", label["quote"])
        assert added.out.get("golden") == str(golden), "not the drafted ones, whose gate comes first"
    measured = index.shown("evaluate", "--release", rejected, "--golden", str(index.folder / "drafted.jsonl"))[1]
    assert "all of them drafted: nobody asked them" in measured
    promoted = index.run()
    assert promoted["release"] == rejected
    assert f"{drafted['added']} drafted quer" in next(v["reason"] for v in promoted["verdicts"] if v["gate"] == "retrieval")


class _Steps(Silent):
    """How far the bar of a stage went, step by step."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def advance(self, units: int = 0, *, texts: int = 0) -> None:
        self.steps.append(units)


def test_the_bar_of_a_run_moves_with_every_document(index: Index) -> None:
    """Also where one partition holds them all."""
    told = _Steps()
    with Resources(load(index.config), progress=told) as r, holding(r, "ingest") as run:
        ingest(r, run)
    assert [step for step in told.steps if step] == [1] * 12
