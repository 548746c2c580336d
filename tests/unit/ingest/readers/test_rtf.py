"""RTF: groups, control words, code pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.rtf import rtf as read_rtf
from sluice.errors import DocumentError
from tests.crude.words import words
from tests.unit.ingest.reading import holds, losses, read

DATA = Path(__file__).parent / "data"
HEAD = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset2 Symbol;}"
    r"{\f3\fcharset128 MS Mincho;}{\f4\fcharset2 Wingdings;}}{\colortbl;\red0\green0\blue0;}"
    r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}}{\info{\title Titleword}{\author Ada}}"
    r"{\*\generator unseen;}"
)


def rtf(body: str) -> bytes:
    return (HEAD + body + "}").encode("latin-1")


INLINE: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "bold": lambda text: rf"{{\b {text}}}",
    "inserted": lambda text: rf"{{\revised\revauth1 {text}}}",
    "link": lambda text: rf"{{\field{{\*\fldinst HYPERLINK unseen}}{{\fldrslt {text}}}}}",
    "old field": lambda text: rf"{{\field{{\fldinst unseen}}{{\fldrslt{{\ul {text}}}}}}}",
    "bookmark": lambda text: rf"{{\*\bkmkstart unseen}}{text}{{\*\bkmkend unseen}}",
    "unknown": lambda text: rf"{{\*\unknownthing unseen}}{{\unknownword1 {text}}}",
    "letters": lambda text: "".join(f"\\u{ord(letter)}?" for letter in text),
    "codes": lambda text: "".join(f"\\'{ord(letter):02x}" for letter in text),
    "note": lambda text: rf"{{\super\chftn}}{{\footnote\pard\plain{{\super\chftn}} {text}}}",
    "starred note": lambda text: rf"\chftn {{\*\footnote\chftn {text}}}",
    "shape": lambda text: (
        rf"{{\shp{{\*\shpinst{{\sp{{\sn unseen}}{{\sv unseen}}}}{{\shptxt\pard {text}\par}}}}{{\shprslt{{\*\do{{\dptxbxtext\pard unseen\par}}}}}}}}"
    ),
    "old box": lambda text: rf"{{\*\do\dobxpage{{\dptxbxtext\pard {text}\par}}}}",
    "after an index entry": lambda text: rf"{{\xe {{unseen}}}}{text}",
}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.sampled_from(sorted(INLINE)), min_size=1, max_size=4), max_size=5), st.booleans())
def test_every_word_is_read_once(paragraphs: list[list[str]], in_table: bool) -> None:
    """Whatever groups and codes it is written with, in paragraphs and in cells."""
    body = ""
    for n, names in enumerate(paragraphs):
        inside = "".join(INLINE[name](f"word{n}x{m}") + " " for m, name in enumerate(names))
        row = rf"\trowd\cellx2000\pard\intbl {inside}\cell\row\pard "
        body += row if in_table else rf"\pard {inside}\par "
    document = read(rtf(body), "a.rtf")
    holds(document)
    found = words(document.text)
    expected = [f"word{n}x{m}" for n, names in enumerate(paragraphs) for m in range(len(names))]
    assert {text: found[text] for text in expected} == dict.fromkeys(expected, 1)
    assert "unseen" not in found


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"Gr\'f6\'dfe", "Größe"), (r"{\f1\'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"), (r"{\f3\'93\'fa\'96\'7b}", "日本"),
        (r"\uc1\u8364?5", "€5"), (r"{\uc2\u26085\'93\'fa x}", "日 x"), (r"\uc0\u-10179 \u-8704 ok", "😀ok"),
        (r"a\~b\_c\-d\emdash e\lquote f\rquote", "a b-cd—e‘f’"), (r"one\line two\tab three", "one\ntwo\tthree"),
        (r"{\f2 a\'b7}", "α•"), (r"{\f4\'fc} done", "✓ done"), (r"\{x\}\\", "{x}\\"), ("split\r\nword", "splitword"),
        (r"{\upr{gone}{\*\ud{kept}}}", "kept"), (r"{\pict\pngblip\bin3 }}{}x", "x"), (r"a{\v gone}b{\deleted gone}{\mvf gone}c", "abc"),
        (r"a{\shp{\*\shpinst{\sp{\sn fHidden}{\sv 1}}{\shptxt gone\par}}}b{\shp{\*\shpinst{\sp{\sn fHidden}{\sv 0}}{\shptxt box\par}}}", "ab\n\nbox"),
        (r"{\mmath{\*\moMath{\mf{\mnum{\mr x}}{\mden{\mr y}}}}{\*\mmathPict gone}}", "xy"),
    ],
)  # fmt: skip
def test_signs_and_code_pages(body: str, text: str) -> None:
    """Bytes in the font's code page (of two bytes too), Unicode with its fallbacks passed over, symbols, dashes, escapes."""
    assert read(rtf(body), "a.rtf").text == text


def test_structure() -> None:
    """Headings by style, printed numbers, merged cells, headers and footers once, notes after their paragraph; losses said."""
    body = (
        r"{\header\pard Headword\par}{\headerf\pard Headword\par}{\footer\pard Bottomword\par}\pard\s1 First\par\pard\s2 Second\par"
        r"\pard{\listtext 1.\tab}item one\par{\pntext a)\tab}item two\par\pard Body{\super\chftn}{\footnote{\super\chftn} Footword} end.\par"
        r"\trowd\clvmgf\cellx1\cellx2\cellx3\pard\intbl Nord\cell a\cell 1\cell\row\trowd\clvmrg\cellx1\clmgf\cellx2\clmrg\cellx3"
        r"\pard\intbl\cell b\par c\cell\cell\row\pard {\v hidden}{\*\annotation gone}{\pict 0102}{\object{\*\objdata 00}{\result gone}}"
    )
    document = read(rtf(body), "a.rtf")
    assert document.text == (
        "Headword\n\nFirst\n\nSecond\n\n1. item one\na) item two\n\nBody[1] end.\n\n[1] Footword\n\nNord | a | 1\nNord | b c | b c"
        "\n\nBottomword"
    )
    assert (document.title, document.metadata["author"]) == ("First", "Ada")
    assert losses(document) == {"comment": 1, "embedded_object": 1, "hidden_text": 1, "picture": 1}
    assert document.elements[3].heading_path == ("First", "Second")


def test_what_libreoffice_writes_is_read() -> None:
    """Every word that the ODT of the same document has (LibreOffice leaves the text box out of its RTF)."""
    ours, other = (words(read((DATA / f"rich.{kind}").read_bytes(), f"rich.{kind}").text) for kind in ("rtf", "odt"))
    assert (other - ours).keys() <= {"boxword", "c1"}


def test_what_is_broken_is_read_or_refused() -> None:
    """Braces that never close or close too often, numbers beyond all bounds; no RTF at all."""
    assert read(rtf(r"{{{open \par more"), "a.rtf").text == "open\n\nmore"
    assert read(rtf(r"}}}close\par"), "a.rtf").text == "close"
    assert read(rtf(r"\u99999999?\fs99999999999 x{\footnote"), "a.rtf").text.endswith("x[1]")
    with pytest.raises(DocumentError) as error:
        read_rtf(b"{\\other x}", "a.rtf")
    assert error.value.reason == "malformed"


def test_a_box_before_a_table_that_ends_the_text_is_read() -> None:
    """Nothing follows that would end the paragraph it is anchored in."""
    content = rb"{\rtf1 a\par{\shp{\*\shpinst{\shptxt boxed\par}}}\trowd\cellx1000\intbl outer\cell\row}"
    assert sorted(read(content, "a.rtf").text.split("\n\n")) == ["a", "boxed", "outer"]


def test_a_field_without_a_result_shows_what_its_code_says() -> None:
    """As in DOCX; a result, and a code that shows nothing, are what they were."""
    button = r"{\field{\*\fldinst MACROBUTTON NoMacro [Type {\b name}]}{\fldrslt }}"
    linked = r'{\field{\*\fldinst HYPERLINK "x"}{\fldrslt here}}{\field{\*\fldinst XE "gone"}}'
    sign = r'{\field{\*\fldinst SYMBOL 183 \\f "Symbol" \\s 10}{\fldrslt\f2\fs20}}'
    assert read(rtf(rf"a {button} {linked} {sign}\par"), "a.rtf").text == "a [Type name] here •"
    assert losses(read(rtf(r"{\field{\*\fldinst AUTONUM }} a\par"), "a.rtf")) == {"automatic_number": 1}


def test_a_wide_cell_covers_the_columns_of_other_rows() -> None:
    """Programs merge cells by ending one where the next would; ends that differ by a hair are one column."""
    table = r"\trowd\cellx2880\cellx4320\intbl both\cell c\cell\row\trowd\cellx1440\cellx2890\cellx4320\intbl 1\cell 2\cell 3\cell\row"
    assert read(rtf(table), "a.rtf").text == "both | both | c\n1 | 2 | 3"
    assert read(rtf(r"\trowd\cellx2880\intbl a\cell\row\trowd\cellx3000\intbl b\cell\row"), "a.rtf").text == "a\nb"


def test_a_bullet_of_an_unknown_font_is_a_bullet() -> None:
    """LibreOffice writes its own font's; what the letter shows is in no table."""
    assert read(rtf(r"{\listtext\pard\plain \u61623\'3f\tab}item\par"), "a.rtf").text == "• item"
