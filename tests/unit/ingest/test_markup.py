"""Each way in which words were lost between Markdown or HTML and unstructured's elements, and are no longer."""

from __future__ import annotations

import pytest

from ingest.parse import UnstructuredParser
from sluice.errors import DocumentError
from sluice.records import Document, RawItem

PARSER = UnstructuredParser()


def parsed(text: str, uri: str = "a.md") -> Document:
    return PARSER.parse(RawItem(uri, text.encode(), "v"), source="s")


def shape(text: str, uri: str = "a.md") -> list[tuple[str, str]]:
    document = parsed(text, uri)
    return [(e.kind, document.text[e.start : e.end]) for e in document.elements]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Intro:\n- one\n- two\n  1. deep", [("text", "Intro:"), ("list", "one"), ("list", "two"), ("list", "1. deep")]),
        ("- item\n\n  ```sh\n  if x:\n      y\n  ```", [("list", "item"), ("code", "if x:\n    y")]),
        ("- one\n\n  - two\n\n  more", [("list", "one"), ("list", "two"), ("text", "more")]),
        ("    indented\n      code", [("code", "indented\n  code")]),
        ("| a | b |\n|---|---|\n| c `\\|` | **d**, e |", [("table", "a | b\nc | | d, e")]),
        ("one <b>b</b>old, *it*alic and [li](x)nk.", [("text", "one bold, italic and link.")]),
        ("a\u00a0b&nbsp;c", [("text", "a b c")]),
        ("see ![the chart](x.png) here", [("text", "see the chart here")]),
        ("~~old~~ new", [("text", "old new")]),
        ("run <command> with <your-name>", [("text", "run <command> with <your-name>")]),
        ("the <script> tag, the <title> tag and more", [("text", "the <script> tag, the <title> tag and more")]),
        ("<details><summary>More</summary>\n\nhidden text\n\n</details>", [("text", "More"), ("text", "hidden text")]),
        ("<figure><img src=x alt=Alt><figcaption>Caption</figcaption></figure>", [("text", "Alt"), ("text", "Caption")]),
        ("<style>p {color: red}</style>\n\n<!-- note -->\n\nshown", [("text", "shown")]),
        ('<iframe src="x"></iframe>\n\nshown', [("text", "shown")]),
        ('<video src="x">\n\n## Next\n\nshown', [("title", "Next"), ("text", "shown")]),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", [("table", "a | b\nc | d")]),
        ("<table><tr><td><ul><li>x</li><li>y</li></ul></td><td>z</td></tr></table>", [("table", "x y | z")]),
        (
            "<table><tr><td>a1</td><td>b2\n\n## Next\n\nshown",
            [("text", "a1"), ("text", "b2"), ("title", "Next"), ("text", "shown")],
        ),
        ("<main>in</main>\n\nout", [("text", "in"), ("text", "out")]),
        ("{{generator:reporting}}", [("text", "{{generator:reporting}}")]),
        ("5", [("text", "5")]),
    ],
)
def test_markdown_keeps_its_words_and_structure(markdown: str, expected: list[tuple[str, str]]) -> None:
    """What a reader of the rendered page sees is in the text, in one piece."""
    assert shape(markdown) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<nav>Home</nav><p>text</p><button>Buy</button>", ["text"]),
        ("<form><p>a whole page in a form</p><input value=x></form>", ["a whole page in a form", "x"]),
        ("<p>aside</p><main><p>core</p></main>", ["core"]),
        ("<main></main><p>rendered elsewhere</p>", ["rendered elsewhere"]),
        ("<p>one<br>line</p><div>first<br><br>second</div>", ["one line", "first", "second"]),
        ("<table><tr><td><p>prose</p><p>in a layout</p></td></tr></table>", ["prose", "in a layout"]),
        ("<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td><td>c</td></tr></table>", ["a | b", "c"]),
        ("<table><caption>Cap</caption><tr><th>h</th></tr><tr><td>v</td></tr></table>", ["Cap\nh\nv"]),
        ("<table><tr><td>a</td><td></td><td>c</td><td></td></tr><tr><td> </td></tr></table>", ["a |  | c"]),
        ("<pre>  a\n    b</pre>", ["  a\n    b"]),
        ("<?xml version='1.0' encoding='utf-8'?><html><body><p>x&amp;y</p></body></html>", ["x&y"]),
        ("<div>7</div><div>days</div>", ["7", "days"]),
    ],
)
def test_html_keeps_its_text_and_drops_its_chrome(html: str, expected: list[str]) -> None:
    """Navigation and controls go; forms, layout tables and odd pages keep their text."""
    assert [text for _, text in shape(html, "a.html")] == expected


def test_csv_cells_are_as_written() -> None:
    """Leading zeros, NA, quotes, ragged rows and other delimiters survive."""
    assert parsed('id;region\n007;NA\n1.0;"a; b"\n\nx;y;z', "a.csv").text == "id | region\n007 | NA\n1.0 | a; b\nx | y | z"
    assert parsed("a\tb\n1\t2", "a.tsv").text == "a | b\n1 | 2"
    assert parsed("one\ntwo", "a.csv").text == "one\ntwo"


def test_xml_keeps_text_between_tags() -> None:
    """An element with text of its own is one paragraph, with the tails that a leaf-by-leaf reading loses."""
    document = parsed("<r><a>one <b>two</b> three</a><c><d>four</d></c><!-- no --></r>", "a.xml")
    assert document.text == "one two three\n\nfour"


def test_xml_entities_of_other_files_are_not_resolved() -> None:
    """A file's words are never read: who refers to one is refused, and nothing of it is text. Its own entities are its words."""
    bomb = "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY y 'yyy'>]><r><a>text &{}; end</a></r>"
    with pytest.raises(DocumentError) as error:
        parsed(bomb.format("x"), "a.xml")
    assert error.value.reason == "malformed"
    assert "root:" not in str(error.value)
    assert parsed(bomb.format("y"), "a.xml").text == "text yyy end"
    laughs = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10 if n else 'ha'}'>" for n in range(20))
    with pytest.raises(DocumentError):
        parsed(f"<!DOCTYPE r [{laughs}]><r>&a19;</r>", "a.xml")
