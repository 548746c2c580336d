"""What a person sees: ids and uris whole at any width, what was probably meant, and as little as was asked for."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from cli.commands.golden_drafted import review
from cli.console import for_people
from cli.main import main, to_the_front, wants_json
from cli.tables import table

URIS = ["content/handbook/engineering/on-call/runbooks/the-gateway-does-not-answer.md", "a.md"]
IDS = ["20261126-151859-018795ff", "20261126-151859-018795ff-2"]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_ids_and_uris_are_never_broken(width: int) -> None:
    """Whatever the terminal: a row becomes two where a table has no room; nothing of the rest is lost either."""
    out = io.StringIO()
    rows = [(id, uri, "promoted", 12_345, "why it is so, at some length") for id, uri in zip(IDS, URIS, strict=True)]
    columns = ["release", "document", "state", "#chunks", "why"]
    Console(file=out, width=width, force_terminal=False).print(table("", columns, rows))
    seen = out.getvalue()
    assert all(id in seen for id in IDS)
    if width >= len(URIS[0]):
        assert all(uri in seen for uri in URIS)
    else:  # longer than a line: broken at separators only
        assert URIS[0] in seen.replace("/\n", "/")
    assert " ".join(seen.split()).count("at some") + " ".join(seen.replace("│", "").split()).count("some length") >= 1


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    found = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, found.out, found.err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["serch", "x"], "search"),
        (["golden", "chek"], "check"),
        (["releases", "dif"], "diff"),
        (["run", "--sorce", "x"], "--source"),
    ],
)
def test_what_was_probably_meant_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], meant: str) -> None:
    """Of commands, commands within groups, and options."""
    code, _, err = said(capsys, *arguments)
    assert code == 2
    assert meant in err
    assert "mean" in err


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("retension: {keep: 3}", "retention"),
        ("schedule: {crom: '* * * * *'}", "cron"),
        ("access: {rules: [{mach: '**', tags: [a]}]}", "match"),
        ("embedding: {modl: x}", "model"),
    ],
)
def test_a_misspelt_key_is_told_its_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, meant: str) -> None:
    """At every depth of the configuration."""
    config = tmp_path / "sluice.yaml"
    config.write_text(f"index: a\nsources: [{{name: a, type: files, root: .}}]\ngates: []\n{key}\n")
    code, _, err = said(capsys, "releases", "--config", str(config))
    assert code == 2
    assert f"did you mean '{meant}'?" in err


@pytest.mark.parametrize("command", [["releases"], ["status"], ["run"], ["serve"]])
def test_a_wrong_cron_is_found_by_whatever_reads_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """Wrong configuration, by its key, and what is right; not at night, by `serve` alone."""
    config = tmp_path / "sluice.yaml"
    config.write_text("index: a\nsources: [{name: a, type: files, root: .}]\ngates: []\nschedule: {access_cron: '*/15 * * *'}\n")
    code, _, err = said(capsys, *command, "--config", str(config))
    assert code == 2
    assert "schedule.access_cron: '*/15 * * *' is no cron expression: it has 4 fields, and needs 5" in " ".join(err.split())


@pytest.mark.parametrize("group", [[], ["golden"], ["access"]])
def test_a_command_that_is_not_named_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str], group: list[str]
) -> None:
    """The first thing that anybody types: a list to read, not an error with all of it in one line."""
    code, _, err = said(capsys, *group)
    assert (code, "\nerror:" in err) == (2, False)
    assert len(err.splitlines()) > 5
    code, out, _ = said(capsys, "--json", *group)
    assert (code, "no command is named" in out or "--json" in out) == (2, True), out


def test_options_of_sluice_itself_are_understood_after_the_command() -> None:
    """Whatever is after `--` is left alone, and so is everything else."""
    assert to_the_front(["search", "q", "--config", "a.yaml", "-v", "--as", "x"]) == [
        "--config",
        "a.yaml",
        "-v",
        "search",
        "q",
        "--as",
        "x",
    ]
    assert to_the_front(["run", "--config=a.yaml", "--quiet"]) == ["--config=a.yaml", "--quiet", "run"]
    assert to_the_front(["search", "--", "--config", "x"]) == ["search", "--", "--config", "x"]
    assert to_the_front(["--json", "-v", "releases", "show", "x"]) == ["-v", "releases", "show", "x", "--json"]
    assert to_the_front(["releases", "--json", "show", "--", "x"]) == ["releases", "show", "--json", "--", "x"]
    assert to_the_front(["search", "--", "--json"]) == ["search", "--", "--json"]
    assert (wants_json(["--json", "run"]), wants_json(["search", "--", "--json"])) == (True, False)


def test_a_command_that_takes_long_says_at_once_that_it_began(capsys: pytest.CaptureFixture[str]) -> None:
    """Before its module is imported; not where quiet was asked for."""
    began = time.monotonic()
    _, _, err = said(capsys, "run", "--config", "/no/such.yaml")
    assert err.startswith("· run: /no/such.yaml\n")
    assert time.monotonic() - began < 5
    _, _, err = said(capsys, "run", "--config", "/no/such.yaml", "--quiet")
    assert err.startswith("error: ")


def test_what_stands_below_is_broken_between_words_and_a_long_uri_in_it_after_a_slash() -> None:
    """An error that quotes a uri longer than the line: no word in two."""
    uri = "company-info-and-process/half-written-front-matter-of-a-page-with-a-long-name.md"
    error = f"{uri}: front matter: 'acess_tags' is nearly 'access_tags', and so the document is kept out until it is mended"
    out = io.StringIO()
    Console(file=out, width=70, force_terminal=False).print(table("", ["document", "stage", "error"], [[uri, "parse", error]]))
    shown = out.getvalue()
    assert all(len(line) <= 70 for line in shown.splitlines()), shown
    words = {word for line in shown.splitlines() for word in line.split()}
    assert words <= {
        *error.split(),
        *["stage:", "parse", "·", "error:"],
        "company-info-and-process/",
        uri.split("/")[1],
        f"{uri.split('/')[1]}:",
    }


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_heading_and_no_word_of_a_table_is_broken(width: int) -> None:
    """Figures in blocks of columns, words one row below the other: whatever there is room for."""
    names = ["Recall@5", "Success@5", "Recall@10", "MRR@10", "nDCG@10", "TokenRecall@5", "TokenPrecision@5", "TokenIoU@5"]
    figures = table("measures of both", ["slice", *(f"#{n}" for n in names)], [["a-long-name-of-a-slice", *["0.123"] * 8]])
    ids = "20261126-205623-75ea1b8a"
    rows = [("rollback", "2026-11-26 20:57:29", "1", "rolled back", ids)]
    words = table("last runs of all", ["command", "started (UTC)", "#seconds", "outcome", "release or error"], rows)
    for made, whole in ((figures, [*names, "a-long-name-of-a-slice", "measures of both"]), (words, [ids, "last runs of all"])):
        out = io.StringIO()
        Console(file=out, width=width, force_terminal=False).print(made)
        assert all(word in out.getvalue() for word in whole), out.getvalue()
        assert max(map(len, out.getvalue().splitlines())) <= width


@pytest.mark.parametrize(("columns", "widest"), [("80", 80), (None, 10_000)])
def test_a_pipe_keeps_to_columns_and_else_gets_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str | None, widest: int
) -> None:
    """What is printed through a pipe is as wide as COLUMNS says; where nothing says, no line is broken."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    text = "word " * 60
    console = for_people()
    console.print(table("", ["document", "why"], [("a.md", text)]))
    console.prose(text, "note  ")
    seen = capsys.readouterr().out.splitlines()
    assert max(map(len, seen)) <= widest
    assert any(text.strip() in line for line in seen) == (columns is None)


def test_the_list_of_commands_says_whole_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """Of `sluice` and of every group: nothing ends in dots."""
    for group in ([], ["golden"], ["releases"], ["runs"], ["access"], ["quarantine"]):
        assert "..." not in said(capsys, *group, "--help")[1].split("Commands:")[1], group


def test_who_reviews_is_told_which_keys_there_are_and_the_total_has_a_line_of_its_own(tmp_path: Path) -> None:
    """A wrong key does not only ask again; where the input ends, what is said next does not stand behind the prompt."""
    file = tmp_path / "drafted.jsonl"
    lines = [
        {"id": f"d-{n}", "query": f"who waters plant {n}?", "relevant": [{"uri": "a.md"}], "synthetic": True} for n in (1, 2)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    result = CliRunner().invoke(review, [str(file)], input="x\nt\n", obj=tmp_path / "sluice.yaml")
    assert result.exit_code == 0, result.output
    assert "'x' is none of the keys: t, m, d, s or q" in result.stderr
    assert result.stderr.endswith("\n")
    assert result.stdout.startswith("1 taken, 0 mended, 0 dropped, 1 left: ")
