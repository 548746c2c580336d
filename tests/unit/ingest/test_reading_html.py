"""HTML and Markdown: every word that a browser shows, once, in reading order; list numbers, spans, formulas."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.markup import Node, visible_text, walked
from ingest.numerals import marker
from tests.unit.ingest.reads import losses, reason, shape, steps, text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<table><tr><td rowspan=2>N<td>1<tr><td>2<tr><td>S<td>3</table>", "N | 1\nN | 2\nS | 3"),
        ("<table><tr><th colspan=2>Preis<th>Ort<tr><td>1<td>2<td>K</table>", "Preis | Preis | Ort\n1 | 2 | K"),
        ("<table><tr><td colspan=3>Titel<tr><td>1<td>2<td>3</table>", "Titel\n1 | 2 | 3"),
        ("<table><tr><td rowspan=2 colspan=2>A<td>b<tr><td>c</table>", "A | A | b\nA | A | c"),
        ("<table><tr><td>a<td rowspan=0>b<tr><td>c<tr><td>d</table>", "a | b\nc | b\nd | b"),
        ("<table><thead><tr><th rowspan=9>H<th>I</thead><tbody><tr><td>1<td>2</tbody></table>", "H | I\n1 | 2"),
        ("<table><tr><td>a<td>b<td rowspan=2>c<tr><td>d</table>", "a | b | c\nd |  | c"),
        ("<table><caption>Sätze</caption><tr><td>a<td><ol start=3><li>x<li>y</ol></table>", "Sätze\na | 3. x 4. y"),
    ],
)
def test_cells_that_span_stand_in_each_row_and_column(html: str, expected: str) -> None:
    """As HTML lays a table out; a cell alone in its row is said once."""
    assert text(html, "a.html") == expected


@pytest.mark.parametrize("attribute", ["rowspan", "colspan"])
def test_spans_cannot_be_made_a_bomb(attribute: str) -> None:
    """What repeats is bounded by the table's own text."""
    row = "<tr>" + f"<td {attribute}=65000>{'x' * 100}</td>" * 20 + "</tr>"
    page = f"<table>{row}{'<tr><td>y</td><td>z</td></tr>' * 2000}</table>"
    assert len(text(page, "a.html")) < 40 * len(page)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ol start=5><li>a<li>b</ol>", ["5. a", "6. b"]),
        ("<ol><li>a<li value=7>b<li>c</ol>", ["1. a", "7. b", "8. c"]),
        ("<ol reversed><li>a<li>b</ol>", ["2. a", "1. b"]),
        ("<ol type=a start=26><li>a<li>b</ol>", ["z. a", "aa. b"]),
        ("<ol type=I><li>a<li>b</ol>", ["I. a", "II. b"]),
        ("<ol start=-1><li>a</ol>", ["-1. a"]),
        ("<ol start=x><li>a</ol>", ["1. a"]),
        ("<ol><li>a<ol><li>b</ol>c<li>d</ol>", ["1. a", "1. b", "c", "2. d"]),
        ("<ol><li><h2>T</h2>x<li><p>p</p><p>q</p></ol>", ["1. T", "x", "2. p", "q"]),
        ("<ul><li>a<li>b</ul><menu><li>c</menu>", ["a", "b", "c"]),
        ("<ul>x<li>a</li>y</ul>", ["x", "a", "y"]),
        ("<dl><dt>Frist<dd>30 Tage<dt>Ort<dd>Köln</dl>", ["Frist", "30 Tage", "Ort", "Köln"]),
        ("<p>• one</p><p>· two", ["one", "two"]),
    ],
)
def test_lists_are_numbered_as_they_are_shown(html: str, expected: list[str]) -> None:
    """`start`, `value`, `reversed`, `type`; lists in lists; items of several paragraphs."""
    assert [words for _, words in shape(html, "a.html")] == expected


def test_numerals() -> None:
    """Letters go on after z as columns of a sheet do; what cannot be written so is a number."""
    assert [marker(n, "a") for n in (1, 26, 27, 703, 0)] == ["a.", "z.", "aa.", "aaa.", "0."]
    assert [marker(n, "I") for n in (4, 1986, 4000)] == ["IV.", "MCMLXXXVI.", "4000."]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("a<br>b", "a b"),
        ("<div>a</div>b<section>c</section>d", "a\n\nb\n\nc\n\nd"),
        ("<b>a</b>b <i>c</i><u>d</u> do<wbr>nau&shy;dampf", "ab cd donaudampf"),
        ("<p>a<script>x()</script>b<style>p{}</style><template>t</template><noscript>n</noscript>", "ab"),
        ("<select><option>Rot<option selected>Grün<optgroup label=Mehr><option>Blau</select>", "Rot, Grün, Mehr, Blau"),
        ("<p>Name: <textarea>schon da</textarea></p><datalist><option>x</datalist>", "Name: schon da"),
        ("<details><summary>Mehr</summary>zugeklappt</details>", "Mehr\n\nzugeklappt"),
        ("<dialog>zu</dialog><dialog open>offen</dialog>", "offen"),
        ("<figure><img src=x alt='Ein Bild'><figcaption>Unterschrift</figcaption></figure>", "Ein Bild\n\nUnterschrift"),
        ("<svg><style>x</style><text>Achse</text><g><text>Wert</text></g></svg>", "Achse Wert"),
        ("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>を", "漢字(かんじ)を"),
        ("<ruby>明日<rp>(</rp><rt>あした</rt><rp>)</rp></ruby>", "明日(あした)"),
        ("<span aria-hidden=true>★</span> x", "★ x"),
        ("a&nbsp;b&amp;c&#8211;d&euro;", "a b&c–d€"),
        ("<address>Weg 1<br>Ort</address>", "Weg 1 Ort"),
        ("<s>alt</s> <del>weg</del> <ins>neu</ins>", "alt neu"),
        ("<label>Name</label> <input value=x> <meter>5</meter>", "Name x"),
        ("<x-card>eigen</x-card>", "eigen"),
        ("<pre>a\n  b<br>c</pre>", "a\n  b\nc"),
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", "a | b\n\nc"),
        ("<frameset><noframes><body>alt</body></noframes></frameset>", "alt"),
        ("<table><tfoot><tr><td>Sum<td>3</tfoot><thead><tr><th>N<th>V</thead><tr><td>a<td>3</table>", "N | V\na | 3\nSum | 3"),
        ("<h2>Setup<a class=headerlink href='#s'>¶</a></h2><h3><a href='#u'>Use</a> C<a href=x>#</a></h3>", "Setup\n\nUse C#"),
        ("<h2>Plan<span class=mw-editsection>[<a href=e>edit</a>]</span></h2>", "Plan"),
        (
            "<p>so <span class=katex><span class=katex-mathml><math><msup><mi>x</mi><mn>2</mn></msup></math></span>"
            "<span class=katex-html aria-hidden=true>x2</span></span> is",
            "so x^2 is",
        ),
        (
            "<ul><li><label><input type=checkbox checked>ok</label><li><input type=checkbox> open</ul><p><input type=checkbox>x",
            "☒ ok\n☐ open\n\nx",
        ),
        ("<p>a <span class=katex><span class=katex-html>x2</span></span>", "a x2"),
    ],
)
def test_what_a_browser_shows_is_text(html: str, expected: str) -> None:
    """Once, and with no two words joined that are shown apart."""
    assert text(html, "a.html") == expected


@pytest.mark.parametrize(
    ("math", "expected"),
    [
        ("<mi>F</mi><mo>=</mo><mn>3</mn><mi>d</mi>", "F=3d"),
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>", "(a+b)/c".replace("(a+b)/c", "(a+b)/c")),
        ("<msup><mi>x</mi><mn>2</mn></msup><msub><mi>y</mi><mi>i</mi></msub>", "x^2y_i"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt><mroot><mi>x</mi><mn>3</mn></mroot>", "√(x+1)3√x"),
        ("<semantics><mi>E</mi><annotation>\\TeX</annotation></semantics>", "E"),
        ("<semantics><mrow></mrow><annotation>a_b</annotation></semantics>", "a_b"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mtext>Summe</mtext>", "∑_i^n Summe"),
    ],
)
def test_formulas_are_read_in_a_line(math: str, expected: str) -> None:
    """Fractions, powers, roots; the notes of a formula only where there is nothing else."""
    assert text(f"<p><math>{math}</math></p>", "a.html") == expected
    assert text("<p><math alttext='x = 1'></math></p>", "a.html") == "x = 1"


@pytest.mark.parametrize(
    "html",
    [
        "<p>Seen<sup><a href='#cmnt1' id='cmnt_ref1'>[a]</a></sup></p><div><a href='#cmnt_ref1' id='cmnt1'>[a]</a>gone</div>",
        "<p>Seen<span class=MsoCommentReference><a class=msocomanchor href='#_msocom_1'>[A1]</a></span></p>"
        "<div style='mso-element:comment-list'><div style='mso-element:comment'><div class=msocomtxt><p>gone</div></div></div>",
    ],
    ids=["Google Docs", "Word"],
)
def test_comments_that_programs_export_are_none_of_its_text(html: str) -> None:
    """They are said, as in the program's own files."""
    assert text(html, "a.html") == "Seen"
    assert losses(html, "a.html") == {"comment": 1}


def test_a_page_as_confluence_stores_it_is_read_as_it_is_shown() -> None:
    """Code and links in sections of character data, titles of panels, boxes of tasks; settings are not shown."""
    page = (
        '<p>See <ac:link><ri:page ri:content-title="Other &amp; page" /></ac:link> or <ac:link><ri:page ri:content-title="x"/>'
        "<ac:plain-text-link-body><![CDATA[these words]]></ac:plain-text-link-body></ac:link>.</p>"
        '<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">py</ac:parameter>'
        '<ac:parameter ac:name="title">Title</ac:parameter><ac:plain-text-body><![CDATA[if a < b:\n    c]]></ac:plain-text-body>'
        '</ac:structured-macro><ac:structured-macro ac:name="info"><ac:rich-text-body><p>Note</p></ac:rich-text-body>'
        "</ac:structured-macro><ac:task-list><ac:task><ac:task-id>7</ac:task-id><ac:task-status>complete</ac:task-status>"
        "<ac:task-body>Done</ac:task-body></ac:task></ac:task-list>"
    )
    assert shape(page, "a.html") == [
        ("text", "See Other & page or these words."),
        ("text", "Title"),
        ("code", "if a < b:\n    c"),
        ("text", "Note"),
        ("text", "☒ Done"),
    ]


def test_what_is_around_a_page_is_said() -> None:
    """Navigation, buttons, what lies outside `main`, pictures without a word, pages of others."""
    page = "<nav>Home</nav><p>outside it</p><main><p>core <img src=a.png> <button>Buy</button></p><iframe src=https://x></iframe></main>"
    assert text(page, "a.html") == "core"
    found = losses(page, "a.html")
    assert found.pop("outside_main") >= 2
    assert found == {"picture": 1, "button": 1, "embedded_page": 1}
    assert losses("<p>a <img src=x alt=''> <img src=y width=1 height=1>", "a.html") == {}


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("text[^1]\n\n[^1]: kurz", "text[^1]\n\n[^1]: kurz"),
        ("[^a]: eins\n[^b]: zwei\n\nEnde", "[^a]: eins\n\n[^b]: zwei\n\nEnde"),
        ("[Frist]: morgen\n\nText", "[Frist]: morgen\n\nText"),
        ("see [x]\n\n[x]: http://e.org 'T'", "see x"),
        ("[//]: # (a comment)\n[comment]: <> (another)\n\nText", "Text"),
        ("a {/* gone */} b `{/* c */}`\n\n{/*\n\ngone\n\n*/}\n\n```\n{/* d */}\n```", "a b {/* c */}\n\n{/* d */}"),
        (
            "{{/* gone */}}\n{{< comment >}} gone {{< /comment >}}\n{% comment %}gone{% endcomment %}Text {/* stays",
            "Text {/* stays",
        ),
        ("Text {>>gone<<}and {--gone--}more -- and {-- no end", "Text and more -- and {-- no end"),
        ("%%\ngone\n%%\n\nText %% gone %% and 100%% or %%i", "Text and 100%% or %%i"),
        ("| a | b |\n|---|---|\n| 1 | `c|d` |\n| 2 |", "a | b\n1 | `c | d`\n2"),
        ("> | a |\n> |---|\n> | 1 | 2 |", "a\n1 | 2"),
        ("1986. Ein Jahr\n1987. Noch eins", "1986. Ein Jahr\n1987. Noch eins"),
        ("3) drei\n4) vier", "3. drei\n4. vier"),
        ("- [x] erledigt", "[x] erledigt"),
        ("| a | b |\n|---|---|\n| 1 |", "a | b\n1"),
        ("<table><tr><td rowspan=2>N</td><td>1</td></tr><tr><td>2</td></tr></table>", "N | 1\nN | 2"),
        ("Term\n: Definition", "Term : Definition"),
        ("$a_b$ und <math><mi>x</mi></math>", "$a_b$ und x"),
    ],
)
def test_markdown_keeps_short_notes_and_numbers(markdown: str, expected: str) -> None:
    """Footnotes, definitions that nothing refers to, numbers of lists; comments stay comments."""
    assert text(markdown, "a.md") == expected


WORD = st.from_regex(r"w[a-z]{5,9}\d{3}", fullmatch=True)
SHOWN = (
    "<p>{}</p>", "<h3>{}</h3>", "<li>{}</li>", "<ol><li>{}</ol>", "<td>{}</td>", "<table><tr><th>x<td>{}</table>", "<dd>{}</dd>",
    "<pre>{}</pre>", "<b>{} </b>", "<img alt='{}'>", "<select><option>{}</select>", "<textarea>{}</textarea>", "<br>{} ",
    "<details>{}</details>", "<figcaption>{}</figcaption>", "<blockquote>{}</blockquote>", "<form><label>{} </label></form>",
    "<svg><text>{}</text></svg>", "<math><mtext>{}</mtext></math>", "<ruby>x<rt>{}</rt></ruby> ", "<x-y>{} </x-y>",
    "<center>{}</center>",
    "<table><tr><td><table><tr><td>{}<td>x</table></table>", "<table><caption>{}</caption><tr><th>h</table>", "<a href=x>{} </a>",
)  # fmt: skip
NESTED = (
    "<div>{}</div>",
    "<ul><li>{}</ul>",
    "<table><tr><td>{}<td>z</table>",
    "<section>{}</section>",
    "<span>{}</span>",
    "<h2>{}</h2>",
)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A page, and the words in it in order."""
    words = draw(st.lists(WORD, min_size=1, max_size=10, unique=True))
    parts = [draw(st.sampled_from(SHOWN)).format(word) for word in words]
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(parts) - 1))
        parts[start:] = [draw(st.sampled_from(NESTED)).format("".join(parts[start:]))]
    return "".join(parts), words


@settings(max_examples=300, deadline=None)
@given(pages(), st.sampled_from(["a.html", "a.md", "a.eml"]))
def test_every_word_in_every_construct_comes_back_once(page: tuple[str, list[str]], uri: str) -> None:
    """In whatever it is wrapped, however that is nested, as a page, in Markdown, in a mail."""
    html, words = page
    source = f"Subject: s\nContent-Type: text/html\n\n{html}" if uri == "a.eml" else html
    found = text(source, uri)
    for word in words:
        assert found.count(word) == 1, (word, found)


def test_what_is_too_deep_is_refused_not_cut() -> None:
    """The parser's limit is a reason, never a silent end."""
    assert reason("<div>" * 3000 + "x", "a.html") == "malformed"


UNCLOSED = ("<div>x", "<b>x", "<br>x", "<li>x", "<img alt=x>", "[a]: b\n", "[^a]: b\n", "<ol><li>x</ol>", "<td>x", "<table>x")


@pytest.mark.parametrize("piece", UNCLOSED)
def test_work_is_linear(piece: str) -> None:
    """1×, 4×: at most five times as many steps, also of what is never closed; what nests without end is refused."""

    def taken(count: int) -> int:
        return steps(lambda: reason(piece * count, "a.md" if piece[0] == "[" else "a.html"))

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(30_000)  # from the beginning: Python ends tracing where it ends a recursion
    try:
        taken(10)  # imports
        assert taken(1000) < 5 * taken(250)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<video>none</video><audio>none</audio><canvas>none</canvas><progress>30%</progress><meter>60%</meter>seen", "seen"),
        ("<div><template shadowrootmode=open><p>seen</p></template></div><template>none</template>", "seen"),
        ("Name: <input value='Ada'> <input type=hidden value=none><input type=checkbox value=none>", "Name: Ada"),
        ("He said <q>yes</q>.", "He said “yes”."),
    ],
)
def test_what_a_browser_shows_of_fields_and_components(body: str, expected: str) -> None:
    """What stands in a player or a bar is for browsers that do not know them."""
    assert text(body, "a.html") == expected


def test_what_nests_deeply_is_read() -> None:
    """Fonts that nobody closed, quotations of quotations, layouts within layouts: 256 levels are the parser's own end."""
    assert text("<div>" * 600 + "deep words", "a.html") == "deep words"
    fonts = text("".join(f"<font>w{n} " for n in range(600)), "a.html")
    assert fonts.split() == [f"w{n}" for n in range(600)]
    assert text("".join(f"<blockquote><p>line {n}</p>" for n in range(300)), "a.html").count("line") == 300
    assert text("<table><tr><td>" * 300 + "core", "a.html") == "core"


def test_a_line_may_be_as_long_as_a_file() -> None:
    """10 MB without a line's end, beyond what a parser of HTML allows a text by itself."""
    assert len(text(b"word " * (2 << 20), "a.md")) == 5 * (2 << 20) - 1


@pytest.mark.parametrize("levels", [20, 84, 120, 250, 255, 260, 500, 1000])
def test_no_depth_is_refused_that_a_deeper_one_is_not(levels: int) -> None:
    """Up to the parser's own end, whatever was read before in the process, in each of the ways in which an element is read."""
    for opened in ("<div>", "<table><tr><td>", "<ul><li>", "<h1>", "<a href=x>", "<q>", "<svg><text>", "<math><mrow>", "<ruby>"):
        count = levels // opened.count("<")
        assert "core" in text(opened * count + "core", "a.html"), opened
        assert "core" in visible_text(opened * count + "core"), opened


def test_a_deep_page_leaves_nothing_behind_for_what_is_read_next() -> None:
    """How many calls within calls may be is the whole process's, as it was before once the last of its threads is done."""
    before = sys.getrecursionlimit()
    together = threading.Barrier(2, timeout=60)
    seen: list[int] = []

    def walk(root: Node) -> str:
        if sys.getrecursionlimit() == before:
            raise RecursionError
        together.wait()
        seen.append(sys.getrecursionlimit())
        together.wait()
        return str(root.text_content())

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda page: walked(page, walk), ["<div>x", "<div>y"])) == ["x", "y"]
    assert min(seen) > 20_000
    assert sys.getrecursionlimit() == before

    def broken(_: Node) -> None:
        raise RecursionError if sys.getrecursionlimit() == before else ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        walked("<div>x", broken)
    assert sys.getrecursionlimit() == before


def test_tables_and_headings_that_are_so_by_their_roles() -> None:
    """WAI-ARIA: what programs for the Web make of elements that say nothing to a browser; a table within is a layout."""
    row = '<div role="row"><span role="{0}">{1}</span><span role="{0}">{2}</span></div>'
    rows = row.format("columnheader", "Name", "Age") + row.format("cell", "Ada", "36")
    page = f'<div role="heading" aria-level="1">Staff</div><div role="table"><div role="rowgroup">{rows}</div></div>'
    assert shape(page, "a.html") == [("title", "Staff"), ("table", "Name | Age\nAda | 36")]
    nested = '<div role="grid"><div role="row"><b role="cell">a</b><b role="cell"><table><tr><td>b<td>c</table></b></div></div>'
    assert shape(nested, "a.html")[-1] == ("table", "b | c")
    listed = '<div role="list"><div role="listitem">one</div><div role="listitem">two</div></div>'
    assert shape(listed, "a.html") == [("list", "one"), ("list", "two")]


def test_what_has_lines_of_its_own_touches_nothing() -> None:
    """By its style, and as a part of a drawing's text with a place of its own."""
    page = (
        '<span style="display:block">Alpha</span><b style="color:red; display: flex">Beta</b><i style="display:inline">Ga</i>mma'
    )
    assert text(page, "a.html") == "Alpha\n\nBeta\n\nGamma"
    drawing = '<svg><text>On<tspan font-weight="bold">e</tspan><tspan x="0" dy="1em">Two</tspan></text></svg>'
    assert text(drawing, "a.html") == "One Two"


def test_a_heading_beside_the_main_text_is_the_pages_where_it_is_its_title() -> None:
    """Its title begins with it; another is the name of the site."""
    page = "<title>{} | ACME</title><body><header><h1>Leave</h1></header><main><p>Twenty days.</p></main>"
    assert shape(page.format("Leave"), "a.html") == [("title", "Leave"), ("text", "Twenty days.")]
    assert shape(page.format("Travel"), "a.html") == [("text", "Twenty days.")]


def test_markdown_that_is_a_page_is_read_as_one() -> None:
    page = (
        "<!DOCTYPE html>\n<html lang='de'><head><title>T</title></head><body><nav>N</nav>\n<h1>H</h1>\n\n<p>x</p></body></html>"
    )
    assert shape(page, "a.md") == [("title", "H"), ("text", "x")]


def test_rows_behind_an_empty_line_are_rows_in_markdown() -> None:
    """Indented, they would be code that shows their tags."""
    table = "<table>\n  <tr>\n    <th>A</th>\n\n    <th>B</th>\n  </tr>\n\n    <tr><td>1</td><td>2</td></tr>\n</table>\n"
    assert shape(table, "a.md") == [("table", "A | B\n1 | 2")]
    assert shape("    <th>B</th>", "a.md") == [("code", "<th>B</th>")]


def test_what_markdown_holds_in_lines() -> None:
    """A drawing in one line; a picture in letters that nothing refers to; what is bold beside letters without spaces."""
    assert text("<svg width=9><text>words</text></svg> and <text>", "a.md") == "words and <text>"
    assert text("a\n\n[img]: data:image/png;base64,AAAA\n[Deadline]: tomorrow", "a.md") == "a\n\n[Deadline]: tomorrow"
    assert text("**注意：**这是。**「重要」**です", "a.md") == "注意：这是。「重要」です"


def test_headings_and_code_that_are_all_of_a_cell_part_no_rows() -> None:
    """What editors write into the cells of a table's head; a heading above other text in a cell is of a layout."""
    headed = "<table><tr><th><h4>Name</h4></th><th><h4>Age</h4></th></tr><tr><td>Ada</td><td>36</td></tr></table>"
    assert shape(headed, "a.html") == [("table", "Name | Age\nAda | 36")]
    code = "<table><tr><th>Command<th>Does<tr><td><pre>ls -l</pre><td>lists</table>"
    assert shape(code, "a.html") == [("table", "Command | Does\nls -l | lists")]
    layout = "<table><tr><td><h1>T</h1><p>text</p></td><td>side</td></tr><tr><td>a</td><td>b</td></tr></table>"
    assert shape(layout, "a.html")[:2] == [("title", "T"), ("text", "text")]


def test_a_picture_that_says_what_it_shows_is_text_of_a_cell() -> None:
    """Ticks and crosses of a comparison."""
    row = '<tr><td><img src="x" alt="{}"></td><td>{}</td></tr>'
    assert shape(f"<table>{row.format('Yes', 'Fast')}{row.format('No', 'Cheap')}</table>", "a.html") == [
        ("table", "Yes | Fast\nNo | Cheap")
    ]
    assert shape(f"<table>{row.format('Logo', 'Name')}</table>", "a.html") == [("text", "Logo"), ("text", "Name")]


def test_text_that_is_quoted_for_xml_is_text_in_xhtml_only() -> None:
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><pre><![CDATA[a < b && c]]></pre></body></html>'
    assert shape(page, "a.xhtml") == [("code", "a < b && c")]
    assert text("<p>a <![CDATA[unseen]]> c</p>", "a.html") == "a c"


def test_boxes_say_which_of_them_are_ticked() -> None:
    """In a table and in a form, as in a list of tasks."""
    rows = "<tr><td>A<td><input type=checkbox checked><tr><td>B<td><input type=checkbox>"
    assert text(f"<table><tr><th>Task<th>Done{rows}</table>", "a.html") == "Task | Done\nA | ☒\nB"
    assert text("Plan: <input type=radio> Basic <input type=radio checked>Gold", "a.html") == "Plan: Basic ☒ Gold"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<html><body><p>a</p></body></html><p>b</p>c <i>d</i>", ["a", "b", "c d"]),
        ("<html><body><p>a</p></body></html>\n<html><body><p>b</p></body></html>", ["a", "b"]),
        ("<body><p>a</p></body>b<body><p>c</p></body>", ["a", "b", "c"]),
        ("<title>t</title><p>a</p></html><!-- x --><p>b</p>", ["a", "b"]),
        ("<head><title>t</title><details>a</details><p>b</p>", ["a", "b"]),
        ("<html><body><main><p>a</p></main></body></html><main>b</main>", ["a", "b"]),
    ],
)
def test_what_stands_beside_the_body_is_read(html: str, expected: list[str]) -> None:
    """Behind `</html>`, where mailing lists and proxies write, in a second body, in a head that was never closed."""
    assert [said for _, said in shape(html, "a.html")] == expected


def test_a_page_that_is_written_within_a_page_is_read() -> None:
    """Not one that lies elsewhere, nor what its own styles hide: the poison rules do not look into an attribute."""
    inner = "&lt;p&gt;in &amp;amp; out&lt;/p&gt;&lt;p style='display:none'&gt;gone&lt;/p&gt;"
    page = f'<p>a</p><iframe srcdoc="{inner}"></iframe><iframe src="x"></iframe><p>b</p>'
    assert text(page, "a.html") == "a\n\nin & out\n\nb"
    assert losses(page, "a.html") == {"hidden": 1, "embedded_page": 1}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<style>.r{display:block}</style><b class=r>a</b><b class='x R'>b</b><b>c</b><b>d</b>", ["a", "b", "cd"]),
        ("<style>/* .r{display:block} */ @media print{.r{display:block}}</style><b class=r>a</b><b class=r>b</b>", ["ab"]),
        ("<style>i, #one{color:red;display:flex}</style><i>a</i><i>b</i><b id=one>c</b><b>d</b>", ["a", "b", "c", "d"]),
        ("<style>.r{display:inline-block}</style><b class=r>a</b><b class=r>b</b>", ["ab"]),
        ("<style>.r{display:block}</style><a class=r>a</a><a class=r>b</a><a style='display:block'>c</a><a>d</a>", [*"abcd"]),
        ("<span style='display:table-cell'>a</span><span style='display:table-cell'>b</span>", ["a b"]),
    ],
)
def test_lines_by_a_style_sheet_are_lines(html: str, expected: list[str]) -> None:
    """Those that one tag, class or id gets from the page's own sheets, whatever the screen."""
    assert [said for _, said in shape(html, "a.html")] == expected


def test_boxes_that_styles_draw_are_said() -> None:
    """Of Notion, Confluence, and editors that keep them in attributes."""
    notion = "<ul><li><div class='checkbox checkbox-on'></div>a</li><li><div class='checkbox checkbox-off'></div>b</li></ul>"
    confluence = "<ul class=inline-task-list><li class=checked>c</li><li>d</li></ul>"
    other = "<ol><li data-list=unchecked>e</li><li data-list=bullet>f</li></ol><span role=checkbox aria-checked=true></span>g"
    assert text(notion + confluence + other, "a.html").split("\n") == [
        *("☒ a", "☐ b", "☒ c", "☐ d", "☐ e", "2. f"),
        *("", "☒ g"),
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<p>so <script type="math/tex">E=mc^2</script>.</p>', "so E=mc^2 ."),
        ('<script type="math/tex; mode=display">% <![CDATA[\na<b %]]></script>', "a<b"),
        ('<span class="MathJax">E=mc2</span><script type="math/tex">E=mc^2</script>', "E=mc2"),
        ('a<script type="text/javascript">b</script><script>c</script>', "a"),
    ],
)
def test_a_formula_for_mathjax_is_read_once(html: str, expected: str) -> None:
    assert text(html, "a.html") == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h3><button aria-expanded=false>What is it?</button></h3><p>a</p>", [("title", "What is it?"), ("text", "a")]),
        ("<button>How do I reset?</button><div>Press</div>", [("text", "How do I reset?"), ("text", "Press")]),
        ("<button aria-expanded=false>Leave of absence rules</button>a", [("text", "Leave of absence rules"), ("text", "a")]),
        ("<button>Sign up</button><button aria-expanded=true>Menu</button>a", [("text", "a")]),
    ],
)
def test_buttons_that_open_an_answer_are_words(html: str, expected: list[tuple[str, str]]) -> None:
    """Headings of what is folded below them, and questions; a button that does something is said as ever."""
    assert shape(html, "a.html") == expected


def test_a_list_counts_as_its_style_wants() -> None:
    """Editors write how a list counts into its style, and where it does not."""
    page = "<ol style='list-style-type: lower-alpha' start=2><li>x<li style='list-style:upper-roman'>y</ol>"
    assert text(f"{page}<ol style='list-style: none outside'><li>z</ol>", "a.html").split() == ["b.", "x", "III.", "y", "z"]


def test_the_sign_that_links_to_a_name_is_no_word() -> None:
    page = "<dl><dt>run(x)<a class=headerlink href='#run'>¶</a></dt><dd>a <a href='#b'>#</a> <a href='#c'>c</a></dd></dl>"
    assert text(page, "a.html") == "run(x)\n\na # c"
