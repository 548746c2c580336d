"""What the command line prints: any text is text there, in tables, panels, messages and JSON."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType
from rich.panel import Panel
from rich.text import Text

from cli.safe_console import SafeConsole
from cli.tables import table
from sluice.display import counted, json_text

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    [
        "[/b]",
        "[red]x",
        "[link=http://x]y[/link]",
        "\x1b[2J\x1b]0;owned\x07",
        "a\rb",
        "\u202egnp.exe",
        ":bomb:",
        "\ud800",
        "[bold]",
    ]
)


def shown(renderable: RenderableType, **how: Any) -> str:
    kept = io.BytesIO()
    file = io.TextIOWrapper(kept, encoding="utf-8", newline="")
    SafeConsole(file=file, width=200, highlight=False, force_terminal=False).print(renderable, **how)
    file.flush()
    return kept.getvalue().decode("utf-8")


def acts(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]


@given(ANY)
def test_no_text_acts_wherever_it_stands(text: str) -> None:
    """As a message with and without markup, a cell, a title, a panel: printed, in UTF-8, without a control character."""
    head = Text(text)
    whole = [shown(text), shown(text, markup=False), shown(f"[bold]{text}"), shown(table(text, ["a", "#b"], [(text, 1)]))]
    whole += [shown(Panel(Text(text), title=head, subtitle=Text(text)))]
    assert not [c for part in whole for c in acts(part)]


@pytest.mark.parametrize("name", ["[/b].md", "[red]x[/red].md", "a[0].md", ":bomb:.md", "[bold]"])
def test_a_cell_is_what_it_is_called(name: str) -> None:
    """A file's name that looks like markup or an emoji's code is shown as it is; our own coloured word is coloured."""
    assert name in shown(table("documents", ["document"], [(name,)]))
    assert name in shown(table(name, ["document"], [("x" * 40,)]))
    assert "[red]" not in shown(table("", ["a"], [("[red]FAIL[/red]",)]))


@given(st.dictionaries(ANY, ANY, max_size=3))
def test_json_is_the_same_value_and_does_not_act(value: dict[str, str]) -> None:
    """It can be encoded, read back it is what it was, and a terminal sees nothing but characters."""
    text = json_text(json.dumps(value, ensure_ascii=False, indent=2))
    text.encode("utf-8")
    assert json.loads(text) == value
    assert not acts(text)


def test_prose_on_a_terminal_breaks_between_words_and_never_within_a_uri_or_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below where its words began; elsewhere it is one line, for a log or grep."""
    monkeypatch.delenv("COLUMNS", raising=False)  # xdist sets it
    uri = "company/a-folder-with-a-long-name/and-a-page-with-a-name-that-is-longer-than-the-line.md"
    text = f"the label of {uri} is stale; mend it, or say: sluice golden repair --accept q-17 to take what is proposed"
    for width in (40, 80):
        out = io.StringIO()
        SafeConsole(file=out, width=width, highlight=False, force_terminal=True, color_system=None).prose(
            text, "note  ", "yellow"
        )
        lines = out.getvalue().rstrip("\n").split("\n")
        assert " ".join(line.strip() for line in lines) == f"note  {text}"
        assert all(len(line) <= width or line.strip() == uri for line in lines), lines
        assert all(line.startswith("      ") for line in lines[1:])
        assert any("sluice golden repair --accept q-17" in line for line in lines) or width == 40
    out = io.StringIO()
    SafeConsole(file=out, width=40, highlight=False, force_terminal=False).prose(text, "note  ")
    assert out.getvalue() == f"note  {text}\n"


def test_a_counted_noun_goes_with_its_number() -> None:
    """One of it, many of it, thousands of it; with its verb where there is one."""
    assert [counted(n, "document") for n in (0, 1, 2, 1200)] == ["0 documents", "1 document", "2 documents", "1,200 documents"]
    assert [counted(2, noun) for noun in ("query", "search", "alias", "day")] == [
        "2 queries",
        "2 searches",
        "2 aliases",
        "2 days",
    ]
    assert [counted(n, "label is", "labels are") for n in (1, 2)] == ["1 label is", "2 labels are"]
