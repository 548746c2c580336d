"""PDF: what a page shows, in the order in which a person reads it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import readers
from ingest.poison.pdf import hidden
from ingest.readers import pdflayout
from ingest.readers.pdfglyphs import folded
from tests.crude import office as crude
from tests.crude.words import squeezed, words
from tests.unit.ingest.pdf_files import HELVETICA, at, made, mapped, table
from tests.unit.ingest.reading import holds, losses, read, refused

DATA = Path(__file__).parent / "data"
LEFT = ["The left column begins here and", "goes on with its story for some", "more lines until it has reached", "the very bottom of its column",
        "where it finally comes to an in-", "formed end."]  # fmt: skip
RIGHT = ["The right column tells another", "story of which the reader hears", "only after the left one is done", "and which ends as all stories do",
         "with the words that everybody", "already knows."]  # fmt: skip
THIRD = ["A third one stands beside them", "and is read when they both are", "read, as long as its lines look", "like prose and not like figures",
         "in the cells of a wide table."]  # fmt: skip
BEHIND = HELVETICA.replace(">>", "/ToUnicode 10 0 R >>")
NAMELESS = (
    "<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Secret /FirstChar 65 /LastChar 90 /Widths [" + "600 " * 26 + "] "
    "/Encoding << /Type /Encoding /Differences [65 " + " ".join(f"/g{n}" for n in range(26)) + "] >> >>"
)
IDENTITY = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Secret /Encoding /Identity-H /DescendantFonts [<< /Type /Font "
    "/Subtype /CIDFontType2 /BaseFont /ABCDEF+Secret /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
    "/DW 600 >>] >>"
)


def column(lines: list[str], x: float, top: float = 700) -> list[str]:
    return [at(x, top - 14 * n, line) for n, line in enumerate(lines)]


def interleaved(*columns: list[str]) -> str:
    """The columns as a program writes them that goes line by line across the page."""
    rows = max(map(len, columns))
    return "".join(column[n] for n in range(rows) for column in columns if n < len(column))


def prose(*columns: list[str]) -> list[str]:
    return [" ".join(lines).replace("in- formed", "informed") for lines in columns]


def test_ligatures_are_letters_and_offsets_hold() -> None:
    """By the font's own map: ﬁ and ﬃ are found as fi and ffi, in the text that offsets count."""
    text = "The o|ce con~rms every ~nal ~gure."
    document = read(
        made(at(72, 700, text, font="F2"), fonts={"F2": BEHIND}, extra=[mapped({"7E": "FB01", "7C": "FB03"})]), "a.pdf"
    )
    holds(document)
    assert document.text == "The office confirms every final figure."


@pytest.mark.parametrize(
    ("shown", "text"),
    [("ﬁﬂﬀﬃﬄ", "fiflffffiffl"), ("ﻣﺮﺣﺒﺎ", "مرحبا"), ("⽇⽉", "日月"), ("ｱﾊﾟｰﾄ", "アパート"), ("ＡＢＣ１２", "ABC12"), ("𝑥𝐀", "xA"),
     ("10² m", "10² m"), ("½", "½"), ("Ⅷ", "Ⅷ"), ("，。", "，。"), ("\uf0b7 item", "• item")],
)  # fmt: skip
def test_forms_for_a_look_are_folded_and_meanings_are_not(shown: str, text: str) -> None:
    """A power, a half and a full stop stay what they say."""
    assert folded(shown) == text


@pytest.mark.parametrize("order", ["columns", "lines", "backwards"])
def test_columns_are_read_one_after_the_other(order: str) -> None:
    """Two or three below a title, however the file orders them; a word cut at a line's end is whole."""
    columns = [column(LEFT, 40), column(RIGHT, 230), column(THIRD, 420)]
    for count in (2, 3):
        parts = columns[:count]
        body = {"columns": "".join(line for part in parts for line in part), "lines": interleaved(*parts)}
        body["backwards"] = "".join(line for part in reversed(parts) for line in reversed(part))
        content = made(at(40, 740, "A title across the whole of the page", size=18) + body[order])
        document = read(content, "a.pdf")
        assert document.text.split("\n\n") == ["A title across the whole of the page", *prose(LEFT, RIGHT, THIRD)[:count]]
        assert document.elements[-1].heading_path == ("A title across the whole of the page",)


def test_a_table_is_read_row_by_row() -> None:
    """Cells are no columns of prose; each row is a line, also when the file draws it column by column."""
    cells = [(72 + 150 * c, 700 - 16 * r, f"cell {r}{c}") for c in range(3) for r in range(5)]
    document = read(made("".join(at(*place) for place in cells)), "a.pdf")
    assert document.text.split("\n") == [f"cell {r}0 | cell {r}1 | cell {r}2" for r in range(5)]
    assert [element.kind for element in document.elements] == ["table"]


def test_hyphens_at_line_ends() -> None:
    """A word's own hyphen stays where the document writes it elsewhere, or where both halves are words of it."""
    lines = [
        "We use a risk-based method and infor-",
        "mation of many kinds, and a risk-",
        "based plan of the state-of-the-",
        "art kind.",
    ]
    assert read(made("".join(column(lines, 72))), "a.pdf").text == (
        "We use a risk-based method and information of many kinds, and a risk-based plan of the state-of-the-art kind."
    )
    assert pdflayout.joined(["Anglo-", "Saxon"], ()) == "Anglo-Saxon"
    assert pdflayout.joined(["10-", "20 days"], ()) == "10-20 days"
    assert pdflayout.joined(["日本", "語"], ()) == "日本語"
    assert pdflayout.joined(["Donau\u00ad", "dampf"], ()) == "Donaudampf"


def test_sideways_and_slanted_text_is_read() -> None:
    """After the page's own text; a page that is turned as a whole is upright; one scanned askew too."""
    upright = at(72, 700, "Upright words stand here in a line.")
    turned = at(40, 100, "Sideways label", turn="0 1 -1 0") + at(580, 500, "Down label", turn="0 -1 1 0")
    slanted = at(150, 200, "Draft copy only", size=40, turn="0.7071 0.7071 -0.7071 0.7071")
    document = read(made(turned + slanted + upright), "a.pdf")
    assert document.text.split("\n\n") == [
        "Upright words stand here in a line.",
        "Draft copy only",
        "Sideways label",
        "Down label",
    ]
    whole = made("".join(at(100 + 14 * n, 100, line, turn="0 1 -1 0") for n, line in enumerate(LEFT)), about="/Rotate 90")
    assert read(whole, "a.pdf").text == prose(LEFT)[0]
    askew = made("".join(at(72, 700 - 14 * n, line, turn="0.9998 0.02 -0.02 0.9998") for n, line in enumerate(LEFT)))
    assert read(askew, "a.pdf").text == prose(LEFT)[0]


@pytest.mark.parametrize("font", ["names", "identity", "private"])
def test_fonts_that_do_not_say_which_letters_they_show_need_ocr(font: str) -> None:
    """Glyphs by number, character ids without a map, a map to private characters: no garbage is text."""
    fonts = {"names": NAMELESS, "identity": IDENTITY, "private": BEHIND}
    extra = [mapped({f"{65 + n:02X}": f"{0xE000 + n:04X}" for n in range(26)})]
    garbled = (
        at(72, 700, "ABCDEFGH IJKLMN OPQRST", font="F2")
        if font != "identity"
        else "BT /F2 12 Tf 72 700 Td <000100020003000400050006> Tj ET"
    )
    plain = at(72, 700, "This page can be read by everybody who reads.")
    assert refused(made(garbled, fonts={"F2": fonts[font]}, extra=extra), "a.pdf") == "needs_ocr"
    some = read(made(plain, garbled, plain, fonts={"F2": fonts[font]}, extra=extra), "a.pdf")
    assert words(some.text)["everybody"] == 2
    assert losses(some)["page_without_text"] == 1
    assert some.metadata["losses"][0]["where"] == "page 2"
    few = read(
        made(
            plain + garbled.replace("ABCDEFGH IJKLMN OPQRST", "ABCD").replace("00050006", ""),
            fonts={"F2": fonts[font]},
            extra=extra,
        ),
        "a.pdf",
    )
    assert losses(few) == {"unreadable_characters": 4}


def test_forms_notes_and_attachments() -> None:
    """What was filled in stands beside its label; typed notes are text; comments and what is hidden are not."""
    field = "<< /Type /Annot /Subtype /Widget /FT {} /T (x) {} /Rect [{}] >>"
    annotations = [
        field.format("/Tx", "/V (Ada Lovelace)", "110 695 300 712"),
        field.format("/Btn", "/AS /Yes", "60 635 70 645"),
        field.format("/Btn", "/AS /Off", "60 605 70 615"),
        field.format("/Ch", "/V (de) /Opt [[(de) (Germany)] [(fr) (France)]]", "72 560 300 572"),
        field.format("/Tx", "/V (gone) /F 2", "72 500 300 512"),
        field.format("/Tx", "/V (gone) /Ff 8192", "72 500 300 512"),
        "<< /Type /Annot /Subtype /FreeText /Rect [72 400 300 430] /Contents (Typed first\rTyped second) /DA (/Helv 12 Tf) >>",
        "<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (gone) >>",
        "<< /Type /Annot /Subtype /FileAttachment /Rect [10 10 30 30] >>",
    ]
    content = made(at(72, 700, "Name:") + at(80, 637, "Agreed") + at(80, 607, "Refused"), annotations=annotations)
    document = read(content, "a.pdf")
    assert document.text.split() == [
        "Name:",
        "Ada",
        "Lovelace",
        "☒",
        "Agreed",
        "☐",
        "Refused",
        "Germany",
        "Typed",
        "first",
        "Typed",
        "second",
    ]
    assert losses(document) == {"attachment": 1, "comment": 1}


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("4 Tc 72 700 Td (SPACED TITLE) Tj 0 Tc", "SPACED TITLE"),
        ("72 700 Td [(S) -350 (p) -350 (a) -350 (c) -350 (e) -350 (d) -800 (t) -350 (o) -350 (o)] TJ", "Spaced too"),
        ("72 700 Td [(1) -350 (2) -350 (3) -350 (4) -350 (5) -350 (6)] TJ", "1 2 3 4 5 6"),
        ("72 700 Td [(Some) -350 (words) -350 (a) -350 (b) -350 (apart)] TJ", "Some words a b apart"),
        ("72 700 Td [(a) -350 (b) -350 (c)] TJ", "a b c"),
    ],
)
def test_a_word_that_is_set_wide_is_a_word(drawn: str, text: str) -> None:
    """As headings are; numbers and words that stand apart are not joined."""
    assert read(made(f"BT /F1 11 Tf {drawn} ET"), "a.pdf").text == text


def test_what_is_painted_over_is_no_text() -> None:
    """A box over words that were to be taken out, whatever its colour; not a line, a frame or a box below, clipped or slanted."""
    said = at(72, 700, "Salary of Anna is ") + at(180, 700, "gone")
    for box in ("0 g 178 696 80 14 re f", "1 1 1 rg 178 696 80 14 re f", "0 g 178 696 m 258 696 l 258 710 l 178 710 l h f"):
        document = read(made(said + box + " " + at(72, 660, "Next line.")), "a.pdf")
        assert document.text == "Salary of Anna is\n\nNext line."
        assert losses(document) == {"covered_text": 1}
    seen = at(72, 700, "Seen words")
    for drawn in (
        "0.9 g 70 690 200 20 re f 0 g " + seen,
        seen + "0 g 70 702 200 1 re f",
        seen + "0 G 70 690 200 20 re S",
        seen + "q 300 300 10 10 re W n 0 g 70 690 200 20 re f Q",
        seen + "0 g 70 690 m 270 690 l 170 720 l f",
    ):
        assert read(made(drawn), "a.pdf").text == "Seen words"


LAYERS = ("<< /Type /OCG /Name (Draft) >>", "<< /Type /OCG /Name (Final) >>")
OFF = "/OCProperties << /OCGs [10 0 R 11 0 R] /D << /OFF [10 0 R] >> >>"
BASE_OFF = "/OCProperties << /OCGs [10 0 R 11 0 R] /D << /BaseState /OFF /ON [11 0 R] >> >>"


@pytest.mark.parametrize(
    ("page", "catalog"),
    [
        ("/OC /A BDC {gone} EMC /OC /B BDC {seen} EMC", OFF),
        ("/OC /A BDC {gone} EMC /OC /B BDC {seen} EMC", BASE_OFF),
        ("/OC /M BDC /Span BMC {gone} EMC EMC /OC /B BDC {seen} EMC", OFF),
        ("/Hidden Do {seen}", OFF),
        ("/Both Do", OFF),
    ],
)
def test_layers_that_are_off_are_not_read(page: str, catalog: str) -> None:
    """By marks on the page or in a form, by a membership, by a form that is on the layer as a whole."""
    texts = {"gone": at(72, 700, "gone"), "seen": at(72, 680, "Seen words")}
    both = "/OC /A BDC {gone} EMC {seen}".format(**texts)
    form = "<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] {} /Resources << /Properties << /A 10 0 R >> /Font << /F1 {} >> >> /Length {} >>\nstream\n{}\nendstream"
    content = made(
        page.format(**texts),
        extra=(
            *LAYERS,
            "<< /Type /OCMD /OCGs [10 0 R] /P /AllOn >>",
            form.format("/OC 10 0 R", HELVETICA, len(texts["gone"]), texts["gone"]),
            form.format("", HELVETICA, len(both), both),
        ),
        catalog=catalog,
        resources="/Properties << /A 10 0 R /B 11 0 R /M 12 0 R >> /XObject << /Hidden 13 0 R /Both 14 0 R >>",
    )
    document = read(content, "a.pdf")
    assert document.text == "Seen words"
    assert losses(document) == {"hidden_layer": 1}


@pytest.mark.parametrize("pages", [4, 9])
def test_what_every_page_repeats_is_out_and_said(pages: int) -> None:
    """Headers (of left and right pages apart), page numbers in any language; a body that repeats stays."""
    heads, said = ["Acme Annual Report", "Chapter on Sums"], "The same sentence is on each of these pages."
    content = made(*(
        at(72, 770, heads[n % 2 if pages > 5 else 0]) + at(72, 700, f"Body number {n}.") + at(72, 600, said) + at(72, 500, "Closing words.") + at(72, 480, f"x{n}.")
        + at(72, 460, f"y{n}.") + at(300, 20, f"Seite {n + 1} von {pages}") for n in range(pages)
    ))  # fmt: skip
    document = read(content, "a.pdf")
    found = words(document.text)
    assert found["acme"] == found["seite"] == 0
    assert found["sentence"] == pages
    assert {f"x{n}" for n in range(pages)} <= set(found)
    assert losses(document)["repeated_line"] >= pages - 1
    assert losses(document)["page_number"] == pages
    assert read(made(*[at(72, 770, "Only this.")] * 3), "a.pdf").text.count("Only this.") == 3


WORD = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=2, max_size=6)  # none reaches over the paper's edge
PLACED = st.tuples(WORD, st.integers(0, 23), st.sampled_from([8, 11, 20]), st.sampled_from(["1 0 0 1", "0 1 -1 0", "0 -1 1 0"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(PLACED, max_size=20, unique_by=lambda drawn: drawn[1]))
def test_no_letter_on_a_page_is_lost_or_doubled(drawn: list[tuple[str, int, int, str]]) -> None:
    """Words in any place, size and turn: exactly their letters are in the text, as pdfminer sees them."""
    places = [(text, 120 + place % 4 * 125, 130 + place // 4 * 120, size, turn) for text, place, size, turn in drawn]
    content = made("".join(at(x, y, text, size=size, turn=turn) for text, x, y, size, turn in places))
    assert Counter(squeezed(read(content, "a.pdf").text)) == crude.pdf(content)


def test_what_libreoffice_prints_is_read() -> None:
    """The PDF of the document that the other readers' tests read: every letter, numbers with their items."""
    content = (DATA / "rich.pdf").read_bytes()
    document = read(content, "rich.pdf")
    assert Counter(squeezed(document.text)) == crude.pdf(content) - Counter("b")  # in a text box of no height: nobody sees it
    assert "1. numbered one\n1.a) numbered sub\n2. numbered two" in document.text


def test_scripts_that_run_the_other_way_are_read_in_their_own_order() -> None:
    """Hebrew and Arabic (with its ligature of lam and alef), Japanese, Russian, as LibreOffice prints them."""
    document = read((DATA / "lang.pdf").read_bytes(), "lang.pdf")
    assert document.text.split("\n\n") == [
        "מדיניות החופשה של החברה מפרטת את הזכויות",
        "سياسة الإجازة في الشركة",
        "休暇規定は四月に改定された。",
        "Отпуск оформляется заранее, не позднее чем за две недели до начала.",
    ]


@pytest.mark.parametrize("kind", ["scattered", "lines"])
def test_the_time_of_a_page_grows_with_what_stands_on_it(kind: str) -> None:
    """Sixteen times the words cost at most forty times the time (n log n), scattered or in lines."""

    def content(count: int) -> bytes:
        places = [(10 + n * 13 % 590, 10 + n * 7 % 770) if kind == "scattered" else (72, 780 - n % 700) for n in range(count)]
        return made("".join(at(x, y, "word") for x, y in places))

    def seconds(count: int) -> float:
        made_before, started = content(count), time.process_time()
        read(made_before, "a.pdf")
        return time.process_time() - started

    seconds(200)
    assert seconds(16_000) < 40 * max(seconds(1000), 0.02)


WRAPPED = [
    [["Product"], ["Price of", "one unit"], ["Left"]],
    [["Juicy", "apples"], ["1.99"], ["739"]],
    [["Bananas from", "Costa Rica"], ["1.89", "(was 2.10)"], ["6"]],
]
ROWS = "Product | Price of one unit | Left\nJuicy apples | 1.99 | 739\nBananas from Costa Rica | 1.89 (was 2.10) | 6"


def test_cells_with_lines_around_them_are_read_cell_by_cell() -> None:
    """A cell of several lines is one cell, in its place between the paragraphs, whoever sees the lines."""
    above, below = (
        at(72, 700, "Prices of this week, as agreed with all of our shops."),
        at(72, 500, "Ask the buyers about others."),
    )
    content = made(above + table(72, 680, (110, 90, 50), WRAPPED) + below)
    fast, ruled = (readers.read("pdf", content, "a.pdf", pdf_tables=way) for way in ("fast", "pdfplumber"))
    assert [(piece.kind, piece.text) for piece in ruled.pieces] == [
        ("text", "Prices of this week, as agreed with all of our shops."),
        ("table", ROWS),
        ("text", "Ask the buyers about others."),
    ]
    assert fast.pieces == ruled.pieces


def _stroke(*ends: float) -> str:
    return "{} {} m {} {} l S ".format(*ends)


CELLS = (
    at(75, 665, "Prices and stocks") + at(75, 645, "Juicy") + at(75, 630, "apples") + at(175, 645, "1.99 per") + at(175, 630, "piece")
    + at(275, 640, "739") + at(75, 605, "Pears") + at(175, 605, "2.10") + at(275, 605, "8")
)  # fmt: skip
LEVEL, UPRIGHT = (680, 660, 620, 580), {72: 680, 172: 660, 272: 660, 372: 680}
STROKES = "".join(_stroke(72, y, 372, y) for y in LEVEL) + "".join(_stroke(x, 580, x, top) for x, top in UPRIGHT.items())
BOXES = "".join(f"72 {y} 300 0.7 re f " for y in LEVEL) + "".join(f"{x} 580 0.7 {top - 580} re f " for x, top in UPRIGHT.items())


@pytest.mark.parametrize("drawn", [STROKES, BOXES, f"q 1 0 0 1 10 -20 cm {STROKES}Q "], ids=["strokes", "thin boxes", "moved"])
def test_a_grid_is_a_table_however_its_lines_are_drawn(drawn: str) -> None:
    """Strokes and thin boxes; a heading over all columns is said once, and what is cut into lines is one cell."""
    moved = "q 1 0 0 1 10 -20 cm " if drawn.startswith("q") else "q "
    document = read(made(drawn + moved + CELLS + "Q"), "a.pdf")
    assert document.text == "Prices and stocks\nJuicy apples | 1.99 per piece | 739\nPears | 2.10 | 8"


def test_an_empty_cell_between_words_is_a_cell() -> None:
    """Without lines too, where the columns of the rows that have all cells tell which one it is."""
    rows = {
        "Name": (72, 700),
        "Q1": (200, 700),
        "Q2": (300, 700),
        "Ada": (72, 684),
        "5": (300, 684),
        "Bob": (72, 668),
        "3": (200, 668),
    }
    assert (
        read(made("".join(at(*place, text) for text, place in rows.items())), "a.pdf").text
        == "Name | Q1 | Q2\nAda |  | 5\nBob | 3"
    )


def test_lines_of_a_table_of_contents_are_lines() -> None:
    """Whatever leads to their number."""
    content = at(72, 700, "Chapter one ............................ 12") + at(72, 686, "Chapter two . . . . . . . . . . . . . 34")
    assert len(read(made(content), "a.pdf").elements) == 2


@pytest.mark.parametrize(
    ("end", "begin", "expected"),
    [
        ("This sentence has a hyphen-", "ated word over the page.", ["This sentence has a hyphenated word over the page."]),
        ("This sentence goes", "on over the page.", ["This sentence goes on over the page."]),
        ("This sentence ends.", "on it goes.", ["This sentence ends.", "on it goes."]),
        ("This is a Heading", "Another begins here.", ["This is a Heading", "Another begins here."]),
    ],
)
def test_a_paragraph_goes_on_over_the_page(end: str, begin: str, expected: list[str]) -> None:
    """Where its last line is full and no sentence ends there, and the next page begins small."""
    assert read(made(at(72, 40, end), at(72, 740, begin)), "a.pdf").text.split("\n\n") == expected


def test_a_page_number_is_no_end_of_a_paragraph() -> None:
    """At the outer edge of the paper it ends where lines do."""
    page = at(72, 60, "The last line of this page has many words, and it is") + at(340, 30, "1")
    assert "1 on over" not in read(made(page, at(72, 740, "on over the page goes the rest of the words.")), "a.pdf").text


def test_what_is_clipped_away_is_no_text() -> None:
    """A window of the page, and text beside it; one that it reaches into is text."""
    content = "q 60 600 100 150 re W n " + at(300, 700, "gone") + at(72, 700, "seen") + "Q " + at(72, 500, "too")
    document = read(made(content), "a.pdf")
    assert words(document.text).keys() == {"seen", "too"}
    assert losses(document) == {"covered_text": 1}


def test_a_table_across_the_columns_ends_those_above_it() -> None:
    """Both columns above it are read before it, both below it behind it."""
    prose = ["column with some words one", "column with some words two", "column with more words in", "column that ends here."]

    def column(x: float, y: float, name: str) -> str:
        return "".join(at(x, y - 14 * n, f"{name} {line}") for n, line in enumerate(prose))

    ruled = table(72, 660, (200, 200, 60), [[["Cell"], ["over"], ["all"]], [["x"], ["y"], ["z"]]])
    content = column(72, 740, "A") + column(320, 740, "B") + ruled + column(72, 590, "C") + column(320, 590, "D")
    assert [part[:4] for part in read(made(content), "a.pdf").text.split("\n\n")] == ["A co", "B co", "Cell", "C co", "D co"]


def test_an_address_that_a_line_cuts_in_two_is_one() -> None:
    """Where it goes on as one; a word behind a whole address is a word."""
    cut = at(72, 700, "See https://a.example/very/long/") + at(72, 686, "path/page.html for details.")
    whole = at(72, 700, "Look at the page https://a.example/very/") + at(72, 686, "and tell us what you think of it.")
    assert read(made(cut), "a.pdf").text == "See https://a.example/very/long/path/page.html for details."
    assert read(made(whole), "a.pdf").text == "Look at the page https://a.example/very/ and tell us what you think of it."


def test_an_open_grid_is_no_table() -> None:
    """Lines that do not close their cells are a drawing."""
    steps = "".join(_stroke(72, y, 372, y) for y in LEVEL) + _stroke(172, 640, 172, 600) + _stroke(272, 580, 272, 680)
    assert "Juicy apples | 1.99" not in read(made(steps + CELLS), "a.pdf").text


def test_frames_that_are_no_tables_change_nothing() -> None:
    """Empty boxes of a picture, a page laid out in boxes, and a file that pdfminer cannot read: all as the fast way reads them."""
    essay = [[[f"{part} line {n} of a long column of words, which goes on" for n in range(12)] for part in ("Left", "Right")]] * 2
    frames = table(72, 700, (40, 40, 40), [[[""], [""], [""]]] * 3) + at(72, 600, "A picture stands above.")
    for content in (made(frames), made(table(72, 700, (250, 250), essay)), made(at(72, 700, "Plain."), about="/CropBox [a b]")):
        fast, ruled = (readers.read("pdf", content, "a.pdf", pdf_tables=way) for way in ("fast", "pdfplumber"))
        assert ruled.pieces == fast.pieces


def test_graph_paper_is_read_the_fast_way_and_in_no_time() -> None:
    """300 lines across 300 would take pdfplumber minutes: the page has no cells then, and says so."""
    lines = "".join(f"0 {2.6 * n} m 600 {2.6 * n} l S {2 * n} 0 m {2 * n} 780 l S " for n in range(300))
    content = made("0.2 w " + lines + at(72, 700, "A drawing on graph paper."))
    began = time.process_time()
    ruled = readers.read("pdf", content, "a.pdf", pdf_tables="pdfplumber")
    assert time.process_time() - began < 10
    assert [piece.text for piece in ruled.pieces] == ["A drawing on graph paper."]
    assert [(loss.what, loss.count) for loss in ruled.losses] == [("table_lines_unread", 1)]


def test_a_large_first_letter_is_of_its_word() -> None:
    """It reaches down into the lines below, which are no column beside it."""
    beside = ["nce upon a time there was a", "small village in the hills that", "nobody knew about for years."]
    below = ["The people lived there for long and", "were happy with what they had."]
    page = at(72, 672, "O", size=40) + "".join(at(104, 700 - 14 * n, line) for n, line in enumerate(beside))
    page += "".join(at(72, 658 - 14 * n, line) for n, line in enumerate(below))
    assert read(made(page), "a.pdf").text == f"O{' '.join(beside + below)}"


def test_what_ocr_has_read_is_read_wherever_its_scan_is_drawn() -> None:
    """Over it or under it, in one picture or in strips; what is invisible without a scan is hidden."""
    words = "BT /F1 11 Tf 3 Tr 72 700 Td (Scanned words of a letter) Tj ET\n"
    strips = "".join(f"q 612 0 0 132 0 {132 * n} cm /I0 Do Q\n" for n in range(6))
    picture = "<< /Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 4 >>"
    for page in (words + strips, strips + words):
        content = made(page, extra=[f"{picture}\nstream\nabcd\nendstream"], resources="/XObject << /I0 10 0 R >>")
        assert hidden(content, (), ("hidden_style",))[0] == {}
    assert hidden(made(words), (), ("hidden_style",))[0] == {"hidden_style": 1}


def without_lines(rows: Sequence[Sequence[str]], steps: Sequence[float], columns: Sequence[float] = (72, 200, 350)) -> bytes:
    """A table of which nothing is drawn but its words; `steps` are from each line to the next."""
    page, y = "", 700.0
    for row, step in zip(rows, [*steps, 0.0], strict=True):
        page += "".join(at(x, y, text) for x, text in zip(columns, row, strict=False) if text)
        y -= step
    return made(page)


@pytest.mark.parametrize(
    ("rows", "steps", "expected"),
    [
        (
            [
                ("Item", "Description", "Price"),
                ("Bolt", "A long bolt that", "5.00"),
                ("", "needs two lines"),
                ("Nut", "Short", "7"),
            ],
            [14, 14, 14],
            "Item | Description | Price\nBolt | A long bolt that needs two lines | 5.00\nNut | Short | 7",
        ),
        (
            [
                ("Id", "Text of it", "N"),
                ("1", "This is a demon-", "5"),
                ("", "stration of a"),
                ("", "longer cell"),
                ("2", "b", "6"),
            ],
            [14, 14, 14, 14],
            "Id | Text of it | N\n1 | This is a demonstration of a longer cell | 5\n2 | b | 6",
        ),
        (
            [
                *(("Item name", "Description", "Remark"), ("Bolt of steel with", "A long bolt that", "remark that goes")),
                *(("a long name", "needs two lines", "on here"), ("Nut", "Short one", "none"), ("", "or another", "one")),
                ("Key", "x", "y"),
            ],
            [24, 13, 24, 13, 24],
            "Item name | Description | Remark\nBolt of steel with a long name | A long bolt that needs two lines | remark that goes on here"
            "\nNut | Short one or another | none one\nKey | x | y",
        ),
        (
            [
                ("Team", "Name", "Role"),
                ("Ops", "Ada Lovelace", "team lead role"),
                ("", "Bob Marley", "team member role"),
                ("X", "y", "z"),
            ],
            [14, 14, 14],
            "Team | Name | Role\nOps | Ada Lovelace | team lead role\n | Bob Marley | team member role\nX | y | z",
        ),
        (
            [("term words", "meaning"), ("annual leave", "time off with pay"), ("sick leave", "time off when ill")],
            [14, 14],
            "term words | meaning\nannual leave | time off with pay\nsick leave | time off when ill",
        ),
        (
            [("Item", "Number", "Price"), ("a", "1", "2"), ("b", "3", "4"), ("c", "5", "6"), ("d", "7", "8")],
            [27, 27, 27, 27],
            "Item | Number | Price\na | 1 | 2\nb | 3 | 4\nc | 5 | 6\nd | 7 | 8",
        ),
    ],
    ids=["one cell", "hyphen", "all cells", "empty first cells", "no rest", "far apart"],
)
def test_cells_without_lines_go_on_below(rows: list[tuple[str, ...]], steps: list[float], expected: str) -> None:
    """Where a word had no room in its column, or lines stand closer than rows do; rows far apart are one table all the same."""
    found = [line.strip(" |") for line in read(without_lines(rows, steps), "a.pdf").text.split("\n")]
    assert found == [line.strip(" |") for line in expected.split("\n")]


def test_labels_far_apart_are_no_column_of_prose() -> None:
    """They are read with what stands beside them, however long both are."""
    rows = [
        ("Responsible person", "Ada Lovelace, Analytical Engine"),
        ("", "Department, third floor, office"),
        ("", "number 312"),
    ]
    rows += [
        ("Deputy of that person", "Bob"),
        ("Address of the office", "Fourteenth Street 5, Oslo"),
        ("Telephone number", "5 55 01 23"),
    ]
    found = read(without_lines(rows, [14, 14, 24, 24, 24], (72, 306)), "a.pdf").text
    assert found == (
        "Responsible person | Ada Lovelace, Analytical Engine Department, third floor, office number 312\n"
        "Deputy of that person | Bob\nAddress of the office | Fourteenth Street 5, Oslo\nTelephone number | 5 55 01 23"
    )
