"""Presentations: PPTX and ODP, slide by slide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.pptx import pptx
from sluice.errors import DocumentError
from tests.crude.words import words
from tests.unit.ingest.office_files import P_NAMES, chart, deck, frame, odf, relations, said, shape, word
from tests.unit.ingest.reading import holds, losses, read, refused

DATA = Path(__file__).parent / "data"
GROUP = "<p:grpSp><p:nvGrpSpPr/><p:grpSpPr/>{}</p:grpSp>"
TABLE = (
    "<a:tbl><a:tblPr/><a:tr>{}<a:tc gridSpan='2'><a:txBody><a:p>"
    + said("Wide")
    + "</a:p></a:txBody></a:tc><a:tc hMerge='1'/></a:tr>"
    "<a:tr><a:tc vMerge='1'/><a:tc><a:txBody><a:p>"
    + said("b")
    + "</a:p><a:p>"
    + said("c")
    + "</a:p></a:txBody></a:tc><a:tc/></a:tr></a:tbl>"
)


def spanned(text: str) -> str:
    return f"<a:tc rowSpan='2'><a:txBody><a:p>{said(text)}</a:p></a:txBody></a:tc>"


SHAPES: dict[str, Callable[[str], str]] = {
    "box": lambda text: shape(said(text)),
    "body": lambda text: shape(said(text), kind="body"),
    "object": lambda text: shape(said(text), kind=""),
    "group": lambda text: GROUP.format(GROUP.format(shape(said(text)))),
    "runs": lambda text: shape(said(text[:3]) + said(text[3:])),
    "field": lambda text: shape(f'<a:fld type="datetime1"><a:t>{text}</a:t></a:fld>'),
    "break": lambda text: shape(f"{said('x')}<a:br/>{said(text)}"),
    "second paragraph": lambda text: shape(said("x"), said(text)),
    "table": lambda text: frame("table", TABLE.format(spanned(text)).replace("vMerge", "ignored")),
    "equation": lambda text: shape(
        '<mc:AlternateContent><mc:Choice Requires="a14"><a14:m><m:oMathPara><m:oMath>'
        f"<m:r><m:t>{text}</m:t></m:r></m:oMath></m:oMathPara></a14:m></mc:Choice><mc:Fallback>{said('unseen')}</mc:Fallback>"
        "</mc:AlternateContent>"
    ),
    "alternative": lambda text: (
        f'<mc:AlternateContent><mc:Choice Requires="x">{shape(said(text))}</mc:Choice>'
        f"<mc:Fallback>{shape(said(text))}</mc:Fallback></mc:AlternateContent>"
    ),
    "connector": lambda text: shape(said(text)).replace("p:sp>", "p:cxnSp>"),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(sorted(SHAPES)), max_size=5), max_size=4))
def test_every_word_on_a_slide_is_read_once_in_order(slides: list[list[str]]) -> None:
    """Whatever shapes stand on whatever slides; the page is the slide's number."""
    expected = [f"word{n}x{m}" for n, names in enumerate(slides) for m in range(len(names))]
    content = deck(*("".join(SHAPES[name](f"word{n}x{m}") for m, name in enumerate(names)) for n, names in enumerate(slides)))
    document = read(content, "a.pptx")
    holds(document)
    found = words(document.text)
    repeated = [f"word{n}x{m}" for n, names in enumerate(slides) for m, name in enumerate(names) if name == "table"]
    assert all(found[text] == 1 or text in repeated for text in expected)
    assert "unseen" not in found
    places = [document.text.index(text) for text in expected]
    assert places == sorted(places)
    pages = {n for n, names in enumerate(slides, 1) if names}
    assert {element.page for element in document.elements} == pages


def test_a_slide_has_its_title_first_and_its_notes_last() -> None:
    """Wherever the title lies in the drawing order; numbers of slides are no words; a footer stands once in the deck."""
    notes = f"<p:notes {P_NAMES}><p:cSld><p:spTree>{shape(said('Noteword'), kind='body')}{shape(said('7'), kind='sldNum')}"
    content = deck(
        shape(said("Box"))
        + shape(said("Foot"), kind="ftr")
        + shape(said("1"), kind="sldNum")
        + shape(said("Title"), kind="ctrTitle"),
        shape(said("Foot"), kind="ftr") + shape(said("Other"), kind="title"),
        parts={
            "slides/_rels/slide1.xml.rels": relations(("r1", "notesSlide", "../notesSlides/notesSlide1.xml")),
            "notesSlides/notesSlide1.xml": notes + "</p:spTree></p:cSld></p:notes>",
        },
    )
    document = read(content, "a.pptx")
    assert document.text == "Title\n\nBox\n\nFoot\n\nNoteword\n\nOther"
    assert document.title == "Title"


def test_charts_diagrams_and_tables() -> None:
    """Merged cells are filled; lines of a cell are one; a chart's numbers look as on the slide."""
    content = deck(
        frame("table", TABLE.format(spanned("Tall")))
        + frame("chart", '<c:chart r:id="r1"/>')
        + frame("diagram", '<dgm:relIds r:dm="r2"/>'),
        parts={
            "slides/_rels/slide1.xml.rels": relations(
                ("r1", "chart", "../charts/chart1.xml"), ("r2", "diagramData", "../diagrams/data1.xml")
            ),
            "charts/chart1.xml": chart("Parcels", "Handled", {"Harbour": "1.5", "Airport": "2.25"}, "0.0"),
            "diagrams/data1.xml": f"<dgm:dataModel {P_NAMES}><dgm:pt><dgm:t><a:p>{said('Step one')}</a:p></dgm:t></dgm:pt></dgm:dataModel>",
        },
    )
    assert read(content, "a.pptx").text == (
        "Tall | Wide | Wide\nTall | b c\n\nParcels\n\n| Handled\nHarbour | 1.5\nAirport | 2.3\n\nStep one"
    )


def test_what_is_left_out_of_slides_is_said() -> None:
    """Hidden slides by number, hidden shapes, pictures, comments; a master's own text once, what it prompts for never."""
    layout = f"<p:sldLayout {P_NAMES}><p:cSld><p:spTree>{shape(said('Click to edit'), kind='body')}{shape(said('Confidential'))}"
    comments = '<p:cmLst xmlns:p="x"><p:cm><p:text>gone</p:text></p:cm></p:cmLst>'
    hidden = shape(said("gone")).replace('name="x"', 'name="x" hidden="1"', 1)
    group = f'<p:grpSp><p:nvGrpSpPr><p:cNvPr id="7" name="g" hidden="1"/></p:nvGrpSpPr>{shape(said("gone"))}</p:grpSp>'
    slide = shape(said("Shown")) + hidden + group + "<p:pic><p:nvPicPr/></p:pic>"
    related = relations(("r1", "slideLayout", "../slideLayouts/l.xml"), ("r2", "comments", "../comments/c.xml"))
    content = deck(
        slide,
        shape(said("gone")),
        hidden=(2,),
        parts={
            "slides/_rels/slide1.xml.rels": related,
            "slideLayouts/l.xml": layout + "</p:spTree></p:cSld></p:sldLayout>",
            "comments/c.xml": comments,
        },
    )
    document = read(content, "a.pptx")
    assert document.text == "Shown\n\nConfidential"
    assert losses(document) == {"comment": 1, "hidden_shape": 2, "hidden_slide": 1, "picture": 1}
    assert [loss["where"] for loss in document.metadata["losses"] if loss["what"] == "hidden_slide"] == ["slide 2"]


def test_lists_of_a_slide() -> None:
    """The outline's paragraphs are items, automatic numbers are printed, levels count on their own."""
    auto = '<a:pPr lvl="{}"><a:buAutoNum type="{}"/></a:pPr>'
    numbered = [(0, "arabicPeriod"), (1, "alphaLcParenR"), (1, "alphaLcParenR"), (0, "arabicPeriod")]
    content = deck(
        shape(*(auto.format(*place) + said(f"x{n}") for n, place in enumerate(numbered)))
        + shape(said("item"), "<a:pPr><a:buNone/></a:pPr>" + said("no item"), kind="body")
    )
    document = read(content, "a.pptx")
    assert document.text == "1. x0\na) x1\nb) x2\n2. x3\nitem\n\nno item"
    assert [element.kind for element in document.elements] == ["list"] * 5 + ["text"]


def test_an_odp_is_read_like_a_pptx() -> None:
    """Titles, boxes, groups, notes; placeholders out, hidden slides said; and a file that LibreOffice wrote."""
    box = "<draw:frame {}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    body = (
        "<presentation:footer-decl presentation:name='f'>Footword</presentation:footer-decl>"
        f"<draw:page draw:name='p1'>{box.format('', 'Box')}{box.format('presentation:class=' + chr(34) + 'title' + chr(34), 'Title')}"
        f"<draw:g><draw:g><draw:custom-shape><text:p>Grouped</text:p></draw:custom-shape></draw:g></draw:g>"
        f"{box.format('presentation:placeholder=' + chr(34) + 'true' + chr(34), 'gone')}<presentation:notes>"
        f"{box.format('presentation:class=' + chr(34) + 'notes' + chr(34), 'Noteword')}</presentation:notes></draw:page>"
        f"<draw:page draw:style-name='dp2'>{box.format('', 'gone')}</draw:page>"
    )
    styles = '<style:style style:name="dp2" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    document = read(odf("presentation", body, styles=styles), "a.odp")
    assert document.text == "Title\n\nBox\n\nGrouped\n\nNoteword\n\nFootword"
    assert losses(document) == {"hidden_slide": 1}
    written = read((DATA / "rich.odp").read_bytes(), "rich.odp")
    assert written.text == (
        "Titleword\n\nbullet one\nsub\nbreak\n\nA B | cellword\nmerged\n\ngroupword\n\nReihe\n\n| Reihe\nOst | 1.5\nWest | 2.25\n\n"
        "noteword text\n\nDritte Folie"
    )


BOX = "<draw:frame{}><draw:text-box>{}</draw:text-box></draw:frame>"
ODP_SHAPES: dict[str, Callable[[str], str]] = {
    "box": lambda text: BOX.format("", f"<text:p>{text}</text:p>"),
    "outline": lambda text: BOX.format(
        ' presentation:class="outline"',
        f"<text:list><text:list-item><text:list><text:list-item><text:p>{text}</text:p></text:list-item></text:list></text:list-item></text:list>",
    ),
    "object": lambda text: f"<draw:custom-shape><svg:title>unseen</svg:title><text:p>{text}</text:p></draw:custom-shape>",
    "group": lambda text: f"<draw:g><draw:g><draw:rect><text:p>{text}</text:p></draw:rect></draw:g></draw:g>",
    "line": lambda text: f"<draw:connector><text:p><text:span>{text[:3]}</text:span>{text[3:]}</text:p></draw:connector>",
    "break": lambda text: BOX.format("", f"<text:p>x<text:line-break/>{text}</text:p>"),
    "second paragraph": lambda text: BOX.format("", f"<text:p>x</text:p><text:p>{text}</text:p>"),
    "link": lambda text: BOX.format("", f'<text:p><text:a xlink:href="unseen">{text}</text:a></text:p>'),
    "table": lambda text: (
        "<draw:frame><table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>"
        f"<table:table-cell><text:p>{text}</text:p></table:table-cell></table:table-row></table:table></draw:frame>"
    ),
    "linked shape": lambda text: f'<draw:a xlink:href="unseen"><draw:ellipse><text:p>{text}</text:p></draw:ellipse></draw:a>',
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(sorted(ODP_SHAPES)), max_size=5), max_size=4))
def test_every_word_of_an_odp_is_read_once_in_order(slides: list[list[str]]) -> None:
    """Whatever shapes stand on whatever slides; the page is the slide's number."""
    expected = [f"word{n}x{m}" for n, names in enumerate(slides) for m in range(len(names))]
    pages = (
        f"<draw:page>{''.join(ODP_SHAPES[name](f'word{n}x{m}') for m, name in enumerate(names))}</draw:page>"
        for n, names in enumerate(slides)
    )
    document = read(odf("presentation", "".join(pages)), "a.odp")
    holds(document)
    found = words(document.text)
    assert {text: found[text] for text in expected} == dict.fromkeys(expected, 1)
    assert "unseen" not in found
    places = [document.text.index(text) for text in expected]
    assert places == sorted(places)
    assert {element.page for element in document.elements} == {n for n, names in enumerate(slides, 1) if names}


def test_what_is_no_presentation_is_malformed() -> None:
    """Another Office file under its name: its reader finds nothing of its own in it."""
    with pytest.raises(DocumentError) as error:
        pptx(word("<w:p/>"), "a.pptx")
    assert error.value.reason == "malformed"
    assert refused(b"PK broken", "a.pptx") == "malformed"


def test_a_break_that_xml_cannot_hold_is_a_break() -> None:
    """PowerPoint writes what Shift and Enter type as `_x000B_`; a name like `_x41_` is a name."""
    assert read(deck(shape(said("one_x000B_two _x41_"))), "a.pptx").text == "one\ntwo _x41_"


@pytest.mark.parametrize(
    ("slide", "layout", "expected"), [("1", "1", "t\n\nlaid\n\nmaster"), ("1", "0", "t\n\nlaid"), ("0", "1", "t")]
)
def test_what_is_hidden_behind_slides_is_not_read(slide: str, layout: str, expected: str) -> None:
    """A slide may show nothing of its layout and master, a layout nothing of its master."""

    def tree(kind: str, text: str, shows: str) -> str:
        return f'<p:{kind} {P_NAMES} showMasterSp="{shows}"><p:cSld><p:spTree>{shape(said(text))}</p:spTree></p:cSld></p:{kind}>'

    made = deck(
        "",
        parts={
            "slides/slide1.xml": tree("sld", "t", slide),
            "slides/_rels/slide1.xml.rels": relations(("r1", "slideLayout", "../slideLayouts/l1.xml")),
            "slideLayouts/l1.xml": tree("sldLayout", "laid", layout),
            "slideLayouts/_rels/l1.xml.rels": relations(("r1", "slideMaster", "../slideMasters/m1.xml")),
            "slideMasters/m1.xml": tree("sldMaster", "master", "1"),
        },
    )
    assert read(made, "a.pptx").text == expected
