"""Golden sets that mislead are found out before they measure anything."""

from __future__ import annotations

import json

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow


def ask(index: Index, **line: object) -> None:
    with (index.folder / "golden.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def test_a_label_on_a_document_that_no_source_has_is_an_error_at_run(index: Index) -> None:
    """Before anything is changed, with what was probably meant; one that was deleted or erased is stale, as ever."""
    ask(index, id="typo", query="parental leave", relevant=[{"uri": "people/O.md"}])
    answer = index("run")
    assert answer.code == 2
    assert "1 of 13 labels name a document that no source has, e.g. 'typo': 'people/O.md'" in answer.out["error"]["message"]
    assert "did you mean 'people/" in answer.out["error"]["message"]
    assert index("documents").out["documents"] == []
    lines = (index.folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    (index.folder / "golden.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    index.run()
    (index.corpus / "people" / "1.md").unlink()
    index.configure(gates=[{**index.settings["gates"][0], "max_stale": 0.5}])
    index.run()
    assert index("forget", "people/2.md").code == 0
    index.write("people/3.md", "# People note 3\n\nRemember that reviews happen in June, or so.\n")
    index.run()


def test_a_check_that_finds_something_exits_3(index: Index) -> None:
    """A script can heed it; in order it exits 0."""
    index.run()
    healthy = index("golden", "check")
    assert (healthy.code, healthy.out["healthy"]) == (0, True)
    ask(index, id="again", query="parental leave lasts sixteen weeks", relevant=[{"uri": "people/0.md"}])
    doubtful = index("golden", "check")
    assert (doubtful.code, doubtful.out["healthy"]) == (3, False)


def test_a_quote_that_is_only_nearly_there_is_refused_unless_confirmed(index: Index) -> None:
    """The message shows the words that stand there; --nearly keeps the quote as it was said."""
    index.run()
    before = (index.folder / "golden.jsonl").read_text(encoding="utf-8")
    words = ("golden", "add", "--query", "how long is leave?", "--uri", "people/0.md", "--quote")
    refused = index(*words, "that we parental leaves lasts sixteen weeks")
    assert refused.code == 2
    assert "parental leave lasts sixteen weeks" in refused.out["error"]["message"]
    assert "--nearly" in refused.out["error"]["hint"]
    assert (index.folder / "golden.jsonl").read_text(encoding="utf-8") == before
    assert index(*words, "that we parental leaves lasts sixteen weeks", "--nearly").code == 0


def test_the_same_option_has_the_same_name(index: Index) -> None:
    """`--golden` names the golden set everywhere; `--to`, as it was, still does for those that write one."""
    table = index.folder / "questions.csv"
    table.write_text("question,document\n", encoding="utf-8")
    for option in ("--golden", "--to"):
        answer = index("golden", "import", str(table), "--format", "csv", option, str(index.folder / f"new{option}.jsonl"))
        assert "No such option" not in str(answer.out), answer
