"""Text, rows, notebooks and encodings; and what a thing is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode import decoded
from ingest.formats import OLE, format_of
from ingest.processing import Processing, Processor
from ingest.readers.rows import sniffed
from sluice.access import AccessTags
from sluice.errors import DocumentError
from sluice.records import RawItem
from sluice.settings import LimitSettings
from tests.unit.ingest.reads import losses, read, reason, shape, steps, text

SENTENCES = {
    "windows-1250": "Każdy pracownik ma prawo do dwudziestu dni płatnego urlopu w roku; wnioski składa się wcześniej.",
    "windows-1251": "Каждый сотрудник имеет право на двадцать дней оплачиваемого отпуска в год.",
    "koi8-r": "Каждый сотрудник имеет право на двадцать дней оплачиваемого отпуска в год.",
    "windows-1252": "Chaque salarié dispose de vingt jours de congés payés — à demander à l’équipe.",
    "windows-1253": "Κάθε εργαζόμενος δικαιούται είκοσι ημέρες άδειας τον χρόνο.",
    "windows-1255": "כל עובד זכאי לעשרים ימי חופשה בשנה.",
    "shift_jis": "従業員は毎年二十日間の有給休暇を取ることができます。",
    "euc-jp": "従業員は毎年二十日間の有給休暇を取ることができます。",
    "gb18030": "每位员工每年享有二十天带薪年假，须提前两周申请。",
    "big5": "每位員工每年享有二十天帶薪年假，須提前兩週申請。",
    "euc-kr": "모든 직원은 매년 이십 일의 유급 휴가를 사용할 수 있습니다.",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_an_encoding_that_nobody_names_is_guessed_and_said(encoding: str) -> None:
    """One sentence of each of the Web's encodings is enough, and sure enough to be let in."""
    found = decoded(SENTENCES[encoding].encode(encoding))
    assert found.text == SENTENCES[encoding]
    assert found.confidence is not None
    assert found.confidence > LimitSettings().min_encoding_confidence


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("words", [*SENTENCES.values(), "Ab", "one\ntwo"])
def test_wide_text_without_a_mark_is_read(encoding: str, words: str) -> None:
    """In every script, with a line end."""
    assert decoded(f"{words}\n".encode(encoding)).text == f"{words}\n"


@pytest.mark.parametrize("bad", [b"\xff", b"\xe9", b"\xc3", b"\xf0\x9f"])
def test_one_bad_byte_costs_one_character(bad: bytes) -> None:
    """At the end, in the middle, in a short text."""
    for before, after in (("Größe und Maß, 日本", "ende"), ("Über ä", "")):
        content = before.encode() + bad + after.encode()
        assert text(content, "a.txt") == f"{before}\ufffd{after}"
        assert losses(content, "a.txt") == {"undecodable_byte": 1}


def test_what_only_a_terminal_shows_is_what_it_shows() -> None:
    """Colours of a log, letters typed over letters in a page of a manual."""
    assert text("\x1b[31mError\x1b[0m: no disk", "a.log") == "Error: no disk"
    assert text("N\bNA\bAM\bME\bE of the _\bf_\bi_\bl_\be", "a.txt") == "NAME of the file"


def test_json_has_its_letters() -> None:
    """Not their numbers; what JSON must escape, and what only looks like it, stays."""
    written = r'{"a": "\u00fcber \ud83d\ude00", "b": "\\u00fc \u0022 \n \ud83d"}'
    assert text(written, "a.json") == r'{"a": "über 😀", "b": "\\u00fc \" \n \ud83d"}'
    assert text(r"x = '\u00fc'", "a.py") == r"x = '\u00fc'"


def test_stray_zeros_and_old_line_ends_are_no_reason_to_refuse() -> None:
    """A NUL in a text of a page; CR alone as line end."""
    assert text(b"Page one.\0\n\nPage two is long enough to say that this is text." * 3, "a.txt").startswith("Page one.\n\n")
    assert shape(b"Leave\r\rEvery employee may take twenty days.\rAnd more.", "a.txt") == [
        ("title", "Leave"),
        ("text", "Every employee may take twenty days.\nAnd more."),
    ]


@pytest.mark.parametrize("mode", ["elements", "verbatim"])
def test_too_unsure_or_too_lossy_is_quarantined(mode: str) -> None:
    """Limits that a source sets; what is above them is refused with a reason that counts."""

    def why(content: bytes, **limits: float) -> str:
        processing = Processing(mode=mode, limits=LimitSettings.model_validate(limits))  # type: ignore[arg-type]
        try:
            Processor(processing).parse(RawItem("a.txt", content, "v"), source="s")
        except DocumentError as error:
            return error.reason
        return ""

    guessed = "Chaque salarié".encode("cp1252")
    lossy = "Größe und Maß über alles ".encode() * 4 + b"\xff ab \xff cd \xff"
    assert [why(guessed), why(guessed, min_encoding_confidence=0.99)] == ["", "unsure_encoding"]
    assert [why(lossy), why(lossy, max_lost_share=0.01)] == ["", "lossy"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Reisekosten\n\nReisen werden über das Portal gebucht.", ["title", "text"]),
        ("Отпуск\n\nКаждый сотрудник имеет право на двадцать дней.", ["title", "text"]),
        ("休暇の申請\n\n従業員は毎年二十日間の休暇を取ることができます。", ["title", "text"]),
        ("วันลา\n\nพนักงานทุกคนมีสิทธิลาได้ยี่สิบวันต่อปีโดยได้รับค่าจ้าง", ["title", "text"]),
        ("الإجازات\n\nلكل موظف عشرون يوما من الإجازة المدفوعة كل سنة.", ["title", "text"]),
        ("छुट्टी\n\nहर कर्मचारी को साल में बीस दिन की छुट्टी मिलती है।", ["title", "text"]),
        ("每位员工都有假。\n\n每位员工每年享有二十天带薪年假，须提前两周申请。", ["text", "text"]),
        ("Il ferme à midi.\n\nChaque salarié dispose de vingt jours.", ["text", "text"]),
        ("und so weiter\n\nReisen werden über das Portal gebucht.", ["text", "text"]),
        ("Title\n=====\n\nText here.\n\nPart\n----\nMore text.", ["title", "text", "title", "text"]),
        ("Milk\n\nBread\n\nEggs\n\nAll of it is to be bought on Monday.", ["text", "text", "text", "text"]),
        ("1. Einleitung\n\nReisen werden über das Portal gebucht.", ["title", "text"]),
        ("Items:\n- one\n- two\n  lines", ["text", "list", "list"]),
        ("1986. A great year.\n1987. A good one.", ["list", "list"]),
        ("It was\n1986. A great year.", ["text"]),
    ],
)
def test_headings_and_lists_are_told_by_form(words: str, expected: list[str]) -> None:
    """In any language; no dictionary is asked."""
    assert [kind for kind, _ in shape(words, "a.txt")] == expected


def test_list_numbers_of_text_are_kept() -> None:
    """Bullets are no words; numbers are."""
    assert text("- eins\n- zwei", "a.txt") == "eins\nzwei"
    assert text("a) eins\nb) zwei", "a.txt") == "a) eins\nb) zwei"
    assert text("1986. Ein gutes Jahr", "a.txt") == text("1986. Ein gutes Jahr", "a.md") == "1986. Ein gutes Jahr"


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('"a; b";c\n"d, e, f";g\n', ["a; b | c", "d, e, f | g"]),
        ('a,b\n"x;1;2;3;4",2\n"y;5",3', ["a | b", "x;1;2;3;4 | 2", "y;5 | 3"]),
        ("sep=|\na|b,c\n1|2", ["a | b,c", "1 | 2"]),
        ("\ufeffName\tOrt\nAnn, Lee\tKöln", ["Name | Ort", "Ann, Lee | Köln"]),
        ('a,"two\nlines"\nb,c', ["a | two lines", "b | c"]),
        ("Preis;Menge\n1,50;2\n2,75;3\n1,20;4", ["Preis | Menge", "1,50 | 2", "2,75 | 3", "1,20 | 4"]),
        ("time,what\n10:30,meet\n11:45,eat", ["time | what", "10:30 | meet", "11:45 | eat"]),
        ("one\ntwo, and more\nthree", ["one", "two | and more", "three"]),
        ("年假,天数\n普通,二十", ["年假 | 天数", "普通 | 二十"]),
        ("time\n10:30\n11:45\n", ["time", "10:30", "11:45"]),
        ('a,b\n1,"open\n2,x\n3,z\n', ["a | b", '1 | "open', "2 | x", "3 | z"]),
        ('a,b\n1,"end', ["a | b", "1 | end"]),
        ("a,b\n1,2\n\x1a", ["a | b", "1 | 2"]),
    ],
)
def test_rows_are_cut_where_they_are_of_one_length(content: str, rows: list[str]) -> None:
    """Quotes, decimal commas, times of day, Excel's own line, line breaks in cells."""
    assert text(content, "a.csv").splitlines() == rows


@pytest.mark.parametrize(
    ("content", "uri", "rows"),
    [
        ('1,"He said \\"hi, you\\", ok",x\n2,"plain",y\n', "a.csv", ['1 | He said "hi, you", ok | x', "2 | plain | y"]),
        ('"1","line one\\\nline two","x"\n"2",\\N,"y"\n', "a.csv", ["1 | line one line two | x", "2 |  | y"]),
        ('id,text\n1,"a \\"yes, no\\" b"\n2,"c ""ok"""\n', "a.csv", ["id | text", '1 | a "yes, no" b', '2 | c "ok"']),
        ("1\ta\\tb\t\\N\n2\tc\\nd\tx\n", "a.tsv", ["1 | a b", "2 | c d | x"]),
        ('a,"C:\\temp\\",b\nc,"D:\\new\\",d\n', "a.csv", ["a | C:\\temp\\ | b", "c | D:\\new\\ | d"]),
        ('name,pattern\nx,"\\d+\\.\\d+"\n', "a.csv", ["name | pattern", "x | \\d+\\.\\d+"]),
    ],
)
def test_a_backslash_is_what_the_program_meant_that_wrote_it(content: str, uri: str, rows: list[str]) -> None:
    """MySQL's quotes, line breaks and sign for nothing; a path and a pattern keep theirs."""
    assert text(content, uri).splitlines() == rows


def test_a_cell_may_be_of_any_size() -> None:
    """Beyond the standard library's 128 KiB."""
    assert len(text("a,b\n1," + "word " * 60_000, "a.csv")) > 290_000


CELL = st.text(st.characters(categories=("L", "N"), exclude_characters="\ufffd"), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=2, max_size=8)),
    st.sampled_from(",;\t|"),
)
def test_every_cell_comes_back(rows: list[list[str]], delimiter: str) -> None:
    """Whatever delimits them, quoted with foreign delimiters inside."""
    import unicodedata

    content = "\n".join(delimiter.join(f'"{cell}, x;y"' for cell in row) for row in rows)
    assert sniffed(content) == delimiter
    found = text(content, "a.csv")
    assert all(
        " ".join(unicodedata.normalize("NFC", cell).split()) in unicodedata.normalize("NFC", found)
        for row in rows
        for cell in row
    )


def notebook(*cells: dict[str, object], **more: object) -> str:
    return json.dumps({"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, "metadata": {}, **more})


def code(source: str, *outputs: dict[str, object]) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}, "execution_count": 1}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}, "1\n2"),
        ({"output_type": "execute_result", "data": {"text/plain": ["42"]}}, "42"),
        (
            {
                "output_type": "display_data",
                "data": {"text/html": "<table><tr><td>a</td><td>b</td></tr></table>", "text/plain": "x"},
            },
            "a | b",
        ),
        ({"output_type": "stream", "text": "50%|##  |\r100%|####|\ndone\r\n"}, "100%|####|\ndone"),
        ({"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]}, "E: v"),
        ({"output_type": "display_data", "data": {"text/markdown": "**fett**"}}, "fett"),
    ],
)
def test_what_a_cell_printed_is_read(output: dict[str, object], expected: str) -> None:
    """As it is shown: colours of a terminal are none of its words."""
    assert text(notebook(code("f()", output)), "a.ipynb") == f"f()\n\n{expected}"


def test_a_notebook_may_begin_with_front_matter() -> None:
    """As Quarto and Jupyter Book write it; in another raw cell, or nearly one, it keeps the notebook out."""

    def cell(kind: str, source: str) -> dict[str, object]:
        return {"cell_type": kind, "source": source}

    block, body = "---\ntitle: Plan\naccess_tags: [hr]\n---", cell("markdown", "Body")
    found = read(notebook(cell("raw", block), body), "a.ipynb")
    assert (found.title, found.tags, found.text) == ("Plan", AccessTags(["hr"]), "Body")
    assert reason(notebook(body, cell("raw", block)), "a.ipynb") == "bad_front_matter"
    assert reason(notebook(cell("raw", "acess_tags: [hr]"), body), "a.ipynb") == "bad_front_matter"
    assert read(notebook(cell("markdown", "# Plan"), cell("code", "access_tags = 1")), "a.ipynb").tags is None


def test_pictures_and_widgets_of_a_notebook_are_said() -> None:
    """Never their bytes, nor the text that stands for a picture."""
    figure: dict[str, object] = {
        "output_type": "display_data",
        "data": {"image/png": "iVBORw0KGgo=" * 99, "text/plain": "<Figure size 640x480>"},
    }
    widget: dict[str, object] = {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": {"data": []}}}
    content = notebook(code("plot()", figure, widget, figure))
    assert text(content, "a.ipynb") == "plot()"
    assert losses(content, "a.ipynb") == {"picture": 2, "widget": 1}
    assert reason("{}", "a.ipynb") == reason("no json", "a.ipynb") == "malformed"
    old = {
        "nbformat": 3,
        "worksheets": [
            {"cells": [{"cell_type": "heading", "level": 1, "source": "Alt"}, {"cell_type": "code", "input": "x", "outputs": []}]}
        ],
    }
    assert shape(json.dumps(old), "a.ipynb") == [("title", "Alt"), ("code", "x")]


def test_what_styles_hide_in_a_notebook_is_no_text() -> None:
    """The poison rules look at pages and mail; a notebook's own HTML is cut where it is read, and said."""
    hidden = "<p>shown</p><p style='display:none'>secret</p>"
    content = notebook(
        {"cell_type": "markdown", "source": hidden}, code("f()", {"output_type": "display_data", "data": {"text/html": hidden}})
    )
    assert text(content, "a.ipynb") == "shown\n\nf()\n\nshown"
    assert losses(content, "a.ipynb") == {"hidden": 2}


WORD = st.from_regex(r"w[a-z]{5,9}\d{3}", fullmatch=True)
CELLS: dict[str, Callable[[str], dict[str, object]]] = {
    "markdown": lambda word: {"cell_type": "markdown", "source": [f"# {word}\n"], "metadata": {}},
    "raw": lambda word: {"cell_type": "raw", "source": word, "metadata": {}},
    "code": code,
    "output": lambda word: code("f", {"output_type": "stream", "text": [word]}),
    "html": lambda word: code("f", {"output_type": "execute_result", "data": {"text/html": [f"<p>{word}"]}}),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(CELLS)), WORD), min_size=1, max_size=8, unique_by=lambda one: one[1]))
def test_every_word_of_a_notebook_comes_back(cells: list[tuple[str, str]]) -> None:
    """In every kind of cell, in order."""
    found = text(notebook(*(CELLS[kind](word) for kind, word in cells)), "a.ipynb")
    places = [found.find(word) for _, word in cells]
    assert -1 not in places
    assert places == sorted(places)


MARKS = ["", "- ", "1. ", "# ", "    ", "> ", "年假：", "* ", "(a) ", "From ", "Title\n=====\n", "``", "\ufeff", "\x0b", "\xa0"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(MARKS), min_size=1, max_size=12),
    st.sampled_from(["\n", "\n\n", "\r\n", "\r", "\f", "\n \t\n"]),
    st.sampled_from(["a.txt", "a.py", "a.log", "a.json", "a.rst"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"]),
)
def test_every_word_of_a_text_comes_back_once(marks: list[str], between: str, uri: str, encoding: str) -> None:
    """Whatever stands before it, however lines end, in order; of code too."""
    words = [f"wört{number}x" for number in range(len(marks))]
    found = text(between.join(mark + word for mark, word in zip(marks, words, strict=True)).encode(encoding), uri)
    assert [found.count(word) for word in words] == [1] * len(words)
    places = [found.index(word) for word in words]
    assert places == sorted(places)


CELL_FORMS: dict[str, Callable[[str], str]] = {
    "bare": lambda word: word,
    "quoted": lambda word: f'"{word}"',
    "with every delimiter": lambda word: f'"a,b;c\t{word}|d"',
    "with quotes": lambda word: f'"say ""{word}"""',
    "of two lines": lambda word: f'"line\n{word}"',
    "spaced": lambda word: f" {word} ",
    "with a number before": lambda word: f"007 {word}",
    "long": lambda word: f"{'x' * 200_000}{word}",
}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(sorted(CELL_FORMS)), min_size=3, max_size=3), min_size=2, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_every_cell_comes_back_once_in_its_row(rows: list[list[str]], delimiter: str, end: str, is_said: bool) -> None:
    """Whatever delimits, quotes and ends; a row is a line, and its cells are as many as were written."""
    words = [[f"wört{row}y{column}x" for column in range(3)] for row in range(len(rows))]
    lines = [[CELL_FORMS[form](word) for form, word in zip(*pair, strict=True)] for pair in zip(rows, words, strict=True)]
    written = [delimiter.join(line) for line in [["eins", "zwei", "drei"], *lines]]
    found = text((f"sep={delimiter}{end if end != chr(13) else chr(10)}" if is_said else "") + end.join(written), "a.csv")
    shown = found.split("\n")
    assert [line.count(" | ") for line in shown] == [2] * (len(rows) + 1)
    for line, of_row in zip(shown[1:], words, strict=True):
        places = [line.find(word) for word in of_row]
        assert -1 not in places
        assert places == sorted(places)


XML_FORMS: dict[str, Callable[[str], str]] = {
    "element": lambda word: f"<a>{word}</a>",
    "nested": lambda word: f"<a><b><c>{word}</c></b></a>",
    "tail": lambda word: f"<a><b>x</b>{word}</a>",
    "before": lambda word: f"<a>{word}<b>x</b></a>",
    "own name space": lambda word: f'<n:a xmlns:n="urn:x" n:id="unseen">{word}</n:a>',
    "cdata": lambda word: f"<a><![CDATA[<{word}>]]></a>",
    "letters by number": lambda word: f"<a>{''.join(f'&#x{ord(letter):x};' for letter in word)}</a>",
    "entity of its own": lambda word: f"<a>&own; {word}</a>",
    "entity of HTML": lambda word: f"<a>&nbsp;{word}&hellip;</a>",
    "after a comment": lambda word: f"<a><!-- unseen -->{word}<?php unseen ?></a>",
    "in words": lambda word: f"<a>{word[:3]}<i>{word[3:]}</i></a>",
    "control character": lambda word: f"<a>\x0b{word}\x08</a>",
    "loose": lambda word: word,
}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(XML_FORMS)), min_size=1, max_size=8),
    st.sampled_from(["utf-8", "utf-16", "windows-1252", "iso-8859-1"]),
    st.booleans(),
)
def test_every_word_of_an_xml_comes_back_once(forms: list[str], encoding: str, is_declared: bool) -> None:
    """In every construct and encoding, in order; what XML forbids and people write costs itself, not the document."""
    words = [f"wört{number}x" for number in range(len(forms))]
    inside = "\n".join(XML_FORMS[form](word) for form, word in zip(forms, words, strict=True))
    declared = f"<?xml version='1.0' encoding='{encoding}'?>" if is_declared else ""
    source = f"{declared}<!DOCTYPE r [<!ENTITY own 'Acme'>]><r>{inside}</r>"
    label = "application/xml" if is_declared or encoding == "utf-16" else f"application/xml; charset={encoding}"
    found = text(source.encode(encoding), "a.xml", media_type=label)
    assert [found.count(word) for word in words] == [1] * len(words)
    places = [found.index(word) for word in words]
    assert places == sorted(places)
    assert found.count("Acme") == forms.count("entity of its own")
    assert "unseen" not in found


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<?xml version='1.0' encoding='iso-8859-1'?><a>Grüße €</a>", "Grüße €"),
        ("<rss><item><description>&lt;p&gt;Hi &lt;b&gt;u&lt;/b&gt;&lt;p style='display:none'&gt;gone</description></item></rss>",
         "Hi u"),
        ("<rss><item><description>a &lt; b</description></item></rss>", "a < b"),
        ("<doc><code>&lt;p&gt;</code></doc>", "<p>"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><style>.gone{}</style><text>Axis</text><script>gone</script></svg>", "Axis"),
    ],
)  # fmt: skip
def test_an_xml_says_what_is_seen_of_it(xml: str, expected: str) -> None:
    """UTF-8 whatever it declares; a feed's HTML is HTML, other text that looks like it is text; styles of drawings are none."""
    assert text(xml, "a.xml") == expected


def test_a_bad_byte_of_an_xml_costs_one_character() -> None:
    """Of a document that says that it is UTF-8 and nearly is; the loss is said."""
    content = "<?xml version='1.0' encoding='utf-8'?><r>Grüße aus Köln, wie jedes Jahr. ".encode() * 1 + b"\xff Ende.</r>"
    found = read(content, "a.xml")
    assert found.text == "Grüße aus Köln, wie jedes Jahr. \ufffd Ende."
    assert [loss["what"] for loss in found.metadata["losses"]] == ["undecodable_byte"]


# ── what a thing is ──────────────────────────────────────────────────────────────────────────────────────────────────


def word_file() -> bytes:
    document = docx.Document()
    document.add_paragraph("A contract of ten words that says what is right.")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/"), content)
    return stream.getvalue()


RTF = b"{\\rtf1\\ansi Hello}"
PAGE = b"<html><body><p>hello</p></body></html>"


@pytest.mark.parametrize(
    ("uri", "media_type", "content", "expected"),
    [
        ("report.xls", None, b"Region\tSales\nNorth\t1200\n", "csv"),
        ("report.xls", "application/vnd.ms-excel", PAGE, "html"),
        ("report.xls", None, b"<?xml version='1.0'?><Workbook/>", "xml"),
        ("report.xlsx", None, "Region;Sales\nNord;1,5\nSüd;2".encode("cp1252"), "csv"),
        ("letter.doc", None, RTF, "rtf"),
        ("letter.doc", None, PAGE, "html"),
        ("letter.doc", None, b"Dear all, this is plain text.", "text"),
        ("page.html", None, b"From: <Saved by a browser>\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\n<p>x", "email"),
        ("book.xls", None, b"MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: text/html\n\n<p>x;y", "email"),
        ("1759.M1P2.host", None, b"Return-Path: <a@b>\nReceived: by x;\n\tMon\nMIME-Version: 1.0\n\nx", "email"),
        ("notes", None, b"Note: this\nMIME-Version is said here", "text"),
        ("letter.doc", None, b"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>x", "email"),
        ("letter.doc", None, word_file(), "docx"),
        ("letter.pdf", None, word_file(), "docx"),
        ("letter.txt", "text/plain", word_file(), "docx"),
        ("letter.docx", None, OLE + b"\0" * 600, "docx"),
        ("letter.docx", None, RTF, "rtf"),
        ("page.pdf", "application/pdf", PAGE, "html"),
        ("photo.png", None, b"<!doctype html><p>not found", "html"),
        ("archive.zip", None, word_file(), "docx"),
        ("book.zip", None, archive(mimetype=b"application/epub+zip"), "epub"),
        ("sheet", None, archive(xl__workbook=b"<x/>"), "xlsx"),
        ("README", None, b"just text", "text"),
        ("page", None, b"<!-- c -->\n<!DOCTYPE html><p>x", "html"),
        ("notes.md", "text/plain", b"# Title", "markdown"),
        ("notes.md", "text/html", b"# Title", "html"),
        ("notes.py", None, b"<html>", "code"),
        ("https://example.org", "text/plain", b"text", "text"),
        ("https://example.org/feed.xml?x=a.pdf", None, b"<a/>", "xml"),
        ("invite", "text/calendar; method=REQUEST", b"BEGIN:VCALENDAR", "calendar"),
        ("unknown.qqq", None, b"BEGIN:VCALENDAR\n", "calendar"),
    ],
)
def test_a_thing_is_what_its_bytes_say_then_its_type_then_its_name(
    uri: str, media_type: str | None, content: bytes, expected: str
) -> None:
    """Files that are called something else are read as what they are."""
    assert format_of(uri, media_type, content) == expected


@pytest.mark.parametrize(
    "key", ["invoice.pdf", "example.org", "setup.exe", "photo.png", "plan.xlsx", "script.py", "list.csv", "x.md", "~$a"]
)
@pytest.mark.parametrize(
    ("media_type", "expected"),
    [("text/plain", "text"), ("text/markdown", "markdown"), ("message/rfc822", "email"), (None, "text")],
)
def test_what_is_no_file_name_has_no_extension(key: str, media_type: str | None, expected: str) -> None:
    """Keys of rows, ids of messages and tickets."""
    assert format_of(f"t/{key}", media_type, b"Subject: x\n\nbody", named=False) == expected
    assert read(b"Subject: x\n\nbody", f"t/{key}", media_type="text/plain", named=False).title == key


@pytest.mark.parametrize("uri", ["~$plan.docx", "a/~$Gehälter.xlsx", "b/.~lock.budget.ods#"])
def test_lock_files_are_left_out(uri: str) -> None:
    """With a reason that counts; a document that is only called so is not."""
    assert reason(b"\x03Ann\0\0" + b" " * 150, uri) == "lock_file"
    assert reason(b"Every employee may take twenty days. " * 99, "a/~$notes.txt") == ""


GROWING = {
    "a.csv": ("a;b;c\n", "x;y;z\n"),
    "a.txt": ("", "Title\n\n- one\n- two\n\n[^1]: note\n\nA paragraph of some words.\n\n"),
    "a.md": ("", "# Title\n\n- one\n- two\n\n[^1]: note\n\n[x]: y\n\nA paragraph of some words.\n\n"),
    "a.html": ("", "<ol><li><b>x</b> y</ol><table><tr><td rowspan=3>a<td>b</tr><tr><td>c</table>"),
    "a.xml": ("", "<a>x<b>y</b>z</a><c><d/></c>"),
    "a.ics": ("", "BEGIN:VEVENT\nSUMMARY:x\nATTENDEE:mailto:a@b\nDESCRIPTION:first\\nsecond\nEND:VEVENT\n"),
    "a.eml": ("Subject: s\nContent-Type: multipart/mixed; boundary=X\n\n", "--X\nContent-Type: text/html\n\n<p>x y z</p>\n"),
}


@pytest.mark.parametrize("uri", [*GROWING, "a.ipynb"])
def test_work_grows_with_the_size(uri: str) -> None:
    """Four times as much takes at most five times as many steps, of many small parts."""

    def taken(count: int) -> int:
        if uri == "a.ipynb":
            content = notebook(*[code("f()")] * count)
        else:
            head, unit = GROWING[uri]
            content = head + unit * count
            content = f"<r>{content}</r>" if uri == "a.xml" else content
        return steps(lambda: read(content, uri))

    taken(10)  # imports
    assert taken(400) < 5 * taken(100)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<r><p>x<l><i>a</i><i>b</i></l></p></r>", "x a b"),
        ("<r><p>H<sub>2</sub>O und <b>m</b>ehr</p></r>", "H2O und mehr"),
        ("<r><a>eins</a><b><c>zwei</c><d/>drei</b></r>", "eins\n\nzwei drei"),
        ("<?xml version='1.0' encoding='windows-1251'?><r><a>Отпуск</a></r>", "Отпуск"),
        ("<r><![CDATA[roh & frei]]></r>", "roh & frei"),
    ],
)
def test_xml_joins_no_two_elements(xml: str, expected: str) -> None:
    """Elements with nothing between them are apart; one within a word is not."""
    assert text(xml.encode("windows-1251" if "1251" in xml else "utf-8"), "a.xml") == expected


@pytest.mark.parametrize(
    ("content", "uri", "expected"),
    [
        ("<xliff><source>Hello</source><target>Hallo</target></xliff>", "a.xlf", "Hello\n\nHallo"),
        ("<x-list>\n<name>Ada</name><name>Bob</name>\n</x-list>\n", "a.unknown", "Ada\n\nBob"),
        ("<opml><body><outline text='One'><outline text='Two'/></outline></body></opml>", "a.opml", "One\nTwo"),
        ("<tt><p>Hello<br/>there</p></tt>", "a.ttml", "Hello there"),
        ("<name> is what you write\nhere", "a.unknown", "<name> is what you write\nhere"),
        ("key=Gr\\u00fc\\u00dfe", "a.properties", "key=Grüße"),
        ("a = '\\u00fc'", "a.py", "a = '\\u00fc'"),
    ],
)
def test_xml_is_known_by_its_root_and_properties_by_their_name(content: str, uri: str, expected: str) -> None:
    """Whatever they are called; Java's letters as numbers are letters."""
    assert text(content, uri) == expected


def test_a_late_heading_is_no_title_of_plain_text() -> None:
    """What only its form makes a heading is the title where the text begins; else the file's name is."""
    prose = "Prose that begins the file, goes on for a good while longer than a line is wide, and ends in a stop.\n\n"
    assert read(f"Annual leave\n\n{prose}", "a.txt").title == "Annual leave"
    late = read(f"{prose * 4}END OF TERMS\n\n{prose}", "LICENSE")
    assert late.title == "LICENSE"
    assert "title" in {element.kind for element in late.elements}


def test_a_heading_of_markdown_in_plain_text_is_without_its_marks() -> None:
    assert shape("## Part two\n\nWords of the part that end in a stop.", "a.txt")[0] == ("title", "Part two")
    assert shape("# a comment of a script\nx = 1", "a.txt") == [("text", "# a comment of a script\nx = 1")]


def test_every_kind_of_line_end_ends_a_line() -> None:
    """Unicode's line and paragraph separators and the next line of mainframes; words on both sides never touch."""
    assert text("one\u2028two\x85three\u2029four", "a.txt") == "one\ntwo\nthree\n\nfour"


def test_what_a_cell_prints_in_parts_is_one_text() -> None:
    def out(name: str, said: str) -> dict[str, str]:
        return {"output_type": "stream", "name": name, "text": said}

    script = {"output_type": "display_data", "data": {"application/javascript": "x()", "text/plain": "<Javascript object>"}}
    outputs = [out("stdout", "Proc"), out("stdout", "essed\n"), out("stderr", "warned"), script]
    cell = {"cell_type": "code", "source": "run()", "outputs": outputs}
    about = {"title": "A forecast", "authors": [{"name": "Ada"}, {"name": "Bob"}]}
    found = read(json.dumps({"cells": [cell], "metadata": about, "nbformat": 4}), "a.ipynb")
    assert found.text == "run()\n\nProcessed\n\nwarned"
    assert (found.title, found.metadata["author"]) == ("A forecast", "Ada, Bob")


def test_what_was_encoded_twice_is_read_once() -> None:
    """UTF-8 that was taken for Latin-1, where that left what nobody sees; what a person can see stays as it is."""
    written = "1986–90, it’s “Grüße” à 日本"
    twice = written.encode().decode("latin-1")
    assert text(twice, "a.txt") == text(twice, "a.md") == text(f"<p>{twice}</p>", "a.html") == written
    about = "The file shows Ã¼ and â€™ in place of ü and ’"
    assert text(about, "a.txt") == about
