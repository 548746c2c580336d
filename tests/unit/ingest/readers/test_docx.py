"""Word documents: whatever their words are wrapped in."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crude.words import words
from tests.unit.ingest.office_files import (
    P_NAMES,
    W_NAMES,
    cell,
    chart,
    field,
    para,
    row,
    run,
    said,
    table,
    text_box,
    word,
    zipped,
)
from tests.unit.ingest.reading import holds, losses, read, refused

BY = 'w:author="A" w:date="2026-01-01T00:00:00Z"'
STYLES = (
    f'<w:styles {W_NAMES}><w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Standard"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Kapitel"><w:name w:val="Kapitel"/><w:basedOn w:val="berschrift1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Eigen"><w:name w:val="Eigen"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Liste"><w:name w:val="Liste"/><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>'
    '</w:style><w:style w:type="character" w:styleId="Verborgen"><w:name w:val="x"/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
)
NUMBERING = (
    f'<w:numbering {W_NAMES}><w:abstractNum w:abstractNumId="0">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%2)"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:start w:val="4"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1.%2.%3"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    "</w:numbering>"
)


def note(kind: str, *texts: str) -> str:
    rows = "".join(f'<w:{kind} w:id="{n}">{para(run(text))}</w:{kind}>' for n, text in enumerate(texts, 1))
    line = f'<w:{kind} w:type="separator" w:id="0">{para("<w:r><w:separator/></w:r>")}</w:{kind}>'
    return f"<w:{kind}s {W_NAMES}>{line}{rows}</w:{kind}s>"


FULL = (
    ("rS", "styles", "styles.xml"),
    ("rN", "numbering", "numbering.xml"),
    ("rF", "footnotes", "footnotes.xml"),
    ("rE", "endnotes", "endnotes.xml"),
    ("rH", "header", "header1.xml"),
    ("rG", "header", "header2.xml"),
    ("rB", "footer", "footer1.xml"),
    ("rC", "chart", "charts/chart1.xml"),
    ("rD", "diagramData", "diagrams/data1.xml"),
)
PARTS = {
    "styles.xml": STYLES,
    "numbering.xml": NUMBERING,
    "footnotes.xml": note("footnote", "Footword one.", "Footword two."),
    "endnotes.xml": note("endnote", "Endword."),
    "header1.xml": f"<w:hdr {W_NAMES}>{para(run('Headword'))}</w:hdr>",
    "header2.xml": f"<w:hdr {W_NAMES}>{para(run('Headword'))}</w:hdr>",
    "footer1.xml": f"<w:ftr {W_NAMES}>{para(run('Bottomword '), field(' PAGE ', run('1')))}</w:ftr>",
    "charts/chart1.xml": chart("Charttitle", "Seriesword", {"Ostend": "0.25"}, "0%"),
    "diagrams/data1.xml": f'<dgm:dataModel {P_NAMES}><dgm:ptLst><dgm:pt modelId="1"><dgm:t><a:p>{said("Smartword")}</a:p></dgm:t>'
    "</dgm:pt></dgm:ptLst></dgm:dataModel>",
}


def full(body: str) -> bytes:
    return word(body, related=FULL, parts=PARTS)


INLINE: dict[str, Callable[[str], str]] = {
    "plain": run,
    "inserted": lambda text: f'<w:ins w:id="1" {BY}>{run(text)}</w:ins>',
    "moved here": lambda text: f'<w:moveTo w:id="1" {BY}>{run(text)}</w:moveTo>',
    "inserted link": lambda text: f'<w:hyperlink r:id="rL"><w:ins w:id="1" {BY}>{run(text)}</w:ins></w:hyperlink>',
    "control": lambda text: (
        f"<w:sdt><w:sdtPr><w:alias w:val='unseen'/></w:sdtPr><w:sdtContent>{run(text)}</w:sdtContent></w:sdt>"
    ),
    "nested control": lambda text: "<w:sdt><w:sdtContent>" * 2 + run(text) + "</w:sdtContent></w:sdt>" * 2,
    "smart tag": lambda text: f'<w:smartTag w:element="place"><w:customXml w:element="x">{run(text)}</w:customXml></w:smartTag>',
    "direction": lambda text: f'<w:bdo w:val="rtl"><w:dir w:val="ltr">{run(text)}</w:dir></w:bdo>',
    "simple field": lambda text: f'<w:fldSimple w:instr=" REF unseen ">{run(text)}</w:fldSimple>',
    "field": lambda text: field(" HYPERLINK &quot;https://unseen.example&quot; ", run(text)),
    "field in a field": lambda text: field(
        " IF </w:instrText></w:r>" + field(" unseen ", run("unseen")) + "<w:r><w:instrText>", run(text)
    ),
    "field without end": lambda text: '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' + run(text),
    "equation": lambda text: f"<m:oMath><m:sSup><m:e><m:r><m:t>{text}</m:t></m:r></m:e><m:sup/></m:sSup></m:oMath>",
    "ruby": lambda text: f"<w:r><w:ruby><w:rt>{run('')}</w:rt><w:rubyBase>{run(text)}</w:rubyBase></w:ruby></w:r>",
    "alternative": lambda text: (
        f'<mc:AlternateContent><mc:Choice Requires="x">{run(text)}</mc:Choice><mc:Fallback>{run(text)}'
        "</mc:Fallback></mc:AlternateContent>"
    ),
    "empty alternative": lambda text: (
        f'<mc:AlternateContent><mc:Choice Requires="x"/><mc:Fallback>{run(text)}</mc:Fallback></mc:AlternateContent>'
    ),
    "text box": lambda text: text_box(para(run(text))),
    "inserted text box": lambda text: f'<w:ins w:id="1" {BY}>{text_box(para(run(text)))}</w:ins>',
    "word art": lambda text: f'<w:r><w:pict><v:shape><v:textpath string="{text}"/></v:shape></w:pict></w:r>',
    "group": lambda text: (
        "<w:r><w:drawing><wp:inline><a:graphic><a:graphicData><wpg:wgp><wps:wsp><wps:txbx><w:txbxContent>"
        f"{para(run(text))}</w:txbxContent></wps:txbx></wps:wsp></wpg:wgp></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    ),
}
BLOCKS: dict[str, Callable[[str], str]] = {
    "paragraph": lambda content: para(content),
    "inserted paragraph": lambda content: f'<w:ins w:id="1" {BY}>{para(content)}</w:ins>',
    "block control": lambda content: f"<w:sdt><w:sdtContent>{para(content)}</w:sdtContent></w:sdt>",
    "custom block": lambda content: f'<w:customXml w:element="x">{para(content)}</w:customXml>',
    "cell": lambda content: table(row(cell(para(run("Label"))), cell(para(content)))),
    "controlled cell": lambda content: table(
        f"<w:sdt><w:sdtContent>{row(f'<w:sdt><w:sdtContent>{cell(para(content))}</w:sdtContent></w:sdt>')}</w:sdtContent></w:sdt>"
    ),
    "nested table": lambda content: table(row(cell(table(row(cell(para(content)), cell(para(run("beside"))))), para()))),
    "heading": lambda content: para(content, about='<w:pStyle w:val="berschrift1"/>'),
    "item": lambda content: para(content, about='<w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr>'),
    "box": lambda content: para(text_box(table(row(cell(para(content)))) + para())),
}


SHAPES = st.tuples(st.sampled_from(sorted(BLOCKS)), st.lists(st.sampled_from(sorted(INLINE)), min_size=1, max_size=4))


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES, max_size=6))
def test_every_word_is_read_once_whatever_it_is_wrapped_in(shape: list[tuple[str, list[str]]]) -> None:
    """Any mixture of wrappers in paragraphs, controls, tables and boxes: each word once, paragraphs in their order."""
    body, expected = "", []
    for n, (block, inlines) in enumerate(shape):
        texts = [f"word{n}x{m}" for m in range(len(inlines))]
        expected.append(texts)
        body += BLOCKS[block]("".join(INLINE[name](f" {text} ") for name, text in zip(inlines, texts, strict=True)))
    document = read(word(body), "a.docx")
    holds(document)
    found = words(document.text)
    assert {text: found[text] for texts in expected for text in texts} == {text: 1 for texts in expected for text in texts}
    assert "unseen" not in found
    firsts = [min(document.text.index(text) for text in texts) for texts in expected]
    assert firsts == sorted(firsts)


OUT: dict[str, tuple[str, str]] = {
    "deleted": (f'<w:del w:id="1" {BY}><w:r><w:delText>gone</w:delText></w:r></w:del>', ""),
    "moved away": (f'<w:moveFrom w:id="1" {BY}>{run("gone")}</w:moveFrom>', ""),
    "hidden": (run("gone", "<w:vanish/>"), "hidden_text"),
    "hidden by style": (run("gone", '<w:rStyle w:val="Verborgen"/>'), "hidden_text"),
    "comment": ('<w:commentRangeStart w:id="1"/><w:r><w:commentReference w:id="1"/></w:r>', "comment"),
    "deleted in an equation": (f'<m:oMath><m:r><w:rPr><w:del w:id="1" {BY}/></w:rPr><m:t>gone</m:t></m:r></m:oMath>', ""),
    "hidden shape": ('<w:r><w:drawing><wp:anchor><wp:docPr id="1" name="x" hidden="1"/><a:graphic><a:graphicData><wps:wsp><wps:txbx>'
                     f'<w:txbxContent>{para(run("gone"))}</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor>'
                     '</w:drawing></w:r>', "hidden_shape"),
    "hidden old shape": ('<w:r><w:pict><v:shape style="width:9pt;visibility:hidden"><v:textbox><w:txbxContent>'
                         f'{para(run("gone"))}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>', "hidden_shape"),
    "picture": ('<w:r><w:drawing><wp:inline><wp:docPr id="1" name="gone" descr="gone"/><a:blip/></wp:inline></w:drawing></w:r>', "picture"),
    "object": ('<w:r><w:object><v:shape><v:imagedata/></v:shape><o:OLEObject ProgID="gone"/></w:object></w:r>', "embedded_object"),
    "symbol": ('<w:r><w:sym w:font="Webdings" w:char="F0AA"/></w:r>', "symbol"),
    "code": ('<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>gone</w:instrText></w:r>'
             '<w:r><w:fldChar w:fldCharType="end"/></w:r>', ""),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), OUT.values(), ids=OUT)
def test_what_is_left_out_is_deleted_or_said(content: str, said: str) -> None:
    """Deletions and codes are no content; whatever else a person could see is counted in the document's losses."""
    document = read(full(para(run("before "), content, run("after"))), "a.docx")
    assert "gone" not in document.text
    assert " ".join(document.text.split()).endswith("before after")
    assert losses(document) == ({said: 1} if said else {})


def styled(styles: str, body: str) -> bytes:
    parts = {"styles.xml": f"<w:styles {W_NAMES}>{styles}</w:styles>"}
    return word(body, related=(("rS", "styles", "styles.xml"),), parts=parts)


def style(kind: str, name: str, inside: str, based: str = "") -> str:
    base = f'<w:basedOn w:val="{based}"/>' if based else ""
    return f'<w:style w:type="{kind}" w:styleId="{name}"><w:name w:val="{name}"/>{base}{inside}</w:style>'


HIDES = "<w:rPr><w:vanish/></w:rPr>"
DEFAULTS = f"<w:docDefaults><w:rPrDefault>{HIDES}</w:rPrDefault></w:docDefaults>"
IN_TABLE = (
    '<w:tbl><w:tblPr><w:tblStyle w:val="B"/><w:tblLook w:val="04A0"/></w:tblPr><w:tblGrid/>'
    f"{row(cell(para(run('head'))), cell(para(run('line'))))}{row(cell(para(run('first'))), cell(para(run('second'))))}</w:tbl>"
)


@pytest.mark.parametrize(
    ("styles", "body", "text"),
    [
        (DEFAULTS, para(run("gone")) + para(run("seen", '<w:vanish w:val="0"/>')), "seen"),
        (DEFAULTS + style("paragraph", "P", '<w:rPr><w:vanish w:val="0"/></w:rPr>'),
         para(run("seen"), about='<w:pStyle w:val="P"/>') + para(run("gone")), "seen"),
        (style("character", "A", HIDES) + style("character", "B", "", "A"), para(run("gone", '<w:rStyle w:val="B"/>'), run("seen")), "seen"),
        (style("paragraph", "A", HIDES) + style("paragraph", "B", "", "A"),
         para(run("gone"), about='<w:pStyle w:val="B"/>') + para(run("seen")), "seen"),
        (style("paragraph", "A", HIDES) + style("character", "B", HIDES), para(run("seen", '<w:rStyle w:val="B"/>'), run("gone"),
         about='<w:pStyle w:val="A"/>'), "seen"),
        (style("table", "A", HIDES) + style("table", "B", "", "A"), IN_TABLE + para(run("seen")), "seen"),
        (style("table", "B", f'<w:tblStylePr w:type="firstRow">{HIDES}</w:tblStylePr>'), IN_TABLE, "first | second"),
        (style("table", "B", f'<w:tblStylePr w:type="lastRow">{HIDES}</w:tblStylePr>'), IN_TABLE, "head | line\nfirst | second"),
    ],
)  # fmt: skip
def test_what_a_style_hides_is_hidden(styles: str, body: str, text: str) -> None:
    """Of the document, a table or a part of it, a paragraph or a run, inherited too; two that hide show again (17.7.3)."""
    assert read(styled(styles, body), "a.docx").text == text


def test_a_list_does_not_count_what_is_hidden_with_its_end() -> None:
    """As Word numbers it; a hidden end alone takes nothing away."""
    about = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    body = (
        para(run("one"), about=about)
        + para(run("gone", "<w:vanish/>"), about=about + HIDES)
        + para(run("two"), about=about + HIDES)
    )
    assert read(full(body), "a.docx").text == "1. one\n2. two"


def test_notes_stand_after_the_paragraph_with_their_mark() -> None:
    """Numbered as they come, foot and end alike; one that nobody refers to is not in the text."""
    reference = '<w:r><w:{}Reference w:id="{}"/></w:r>'
    body = para(run("First"), reference.format("footnote", 2), run(" goes on.")) + para(
        run("Second."), reference.format("endnote", 1)
    )
    document = read(full(body), "a.docx")
    assert document.text == "First[1] goes on.\n\n[1] Footword two.\n\nSecond.[2]\n\n[2] Endword."


def test_a_mark_that_is_typed_is_the_mark_of_its_note() -> None:
    """Of other notes the numbers go on as Word counts them."""
    reference = '<w:r><w:footnoteReference {}w:id="{}"/></w:r>'
    body = para(run("First"), reference.format('w:customMarkFollows="1" ', 1), run("* goes on"), reference.format("", 2))
    assert read(full(body), "a.docx").text == "First* goes on[1]\n\nFootword one.\n\n[1] Footword two."


@pytest.mark.parametrize(
    ("form", "labels"),
    [
        ("ordinal", ["1st", "2nd", "3rd"]),
        ("cardinalText", ["One", "Two", "Three"]),
        ("ordinalText", ["First", "Second", "Third"]),
        ("russianLower", ["а", "б", "в"]),
        ("hebrew1", ["א", "ב", "ג"]),
        ("aiueoFullWidth", ["ア", "イ", "ウ"]),
        ("ganada", ["가", "나", "다"]),
        ("ideographTraditional", ["甲", "乙", "丙"]),
        ("numberInDash", ["- 1 -", "- 2 -", "- 3 -"]),
        ("chicago", ["*", "†", "‡"]),
        ("nobodyKnows", ["1", "2", "3"]),
    ],
)
def test_a_list_counts_as_its_language_does(form: str, labels: list[str]) -> None:
    """What Word prints before each paragraph."""
    numbering = (
        f'<w:numbering {W_NAMES}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        '<w:lvlText w:val="%1"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    body = "".join(para(run("x"), about=item) for _ in labels)
    content = word(body, related=(("rN", "numbering", "numbering.xml"),), parts={"numbering.xml": numbering})
    assert read(content, "a.docx").text.split("\n") == [f"{label} x" for label in labels]


def test_headers_and_footers_stand_once() -> None:
    """Two sections with three headers of one text: the header once before, the footer once after everything."""
    section = '<w:sectPr><w:headerReference w:type="{}" r:id="{}"/><w:footerReference w:type="default" r:id="rB"/></w:sectPr>'
    body = para(run("One."), about=section.format("first", "rH")) + para(run("Two.")) + section.format("default", "rG")
    assert read(full(body), "a.docx").text == "Headword\n\nOne.\n\nTwo.\n\nBottomword 1"


def test_numbers_are_printed_as_word_prints_them() -> None:
    """Levels count on their own, a deeper one begins again; another list that starts over does; bullets have no text."""
    item = '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{}"/></w:numPr>'
    places = [(0, 1), (1, 1), (1, 1), (2, 1), (0, 1), (1, 1), (0, 3), (0, 2)]
    body = "".join(para(run(f"x{n}"), about=item.format(*place)) for n, place in enumerate(places))
    expected = ["1. x0", "(a) x1", "(b) x2", "1.b.IV x3", "2. x4", "(a) x5", "1. x6", "x7"]
    document = read(full(body + para(run("y"), about='<w:pStyle w:val="Liste"/>')), "a.docx")
    assert document.text.split("\n") == [*expected, "y"]
    assert {element.kind for element in document.elements} == {"list"}


def test_levels_of_a_list_count_as_they_are_written() -> None:
    """`isLgl` is digits all the way, a list may have a level of its own, and Chinese numbers are Chinese."""
    numbering = (
        f'<w:numbering {W_NAMES}><w:abstractNum w:abstractNumId="0">'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Article %1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2"/></w:lvl>'
        '</w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="12"/>'
        '<w:numFmt w:val="chineseCounting"/><w:lvlText w:val="第%1条"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
        '<w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1)"/></w:lvl></w:lvlOverride></w:num></w:numbering>'
    )
    item = '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{}"/></w:numPr>'
    places = [(0, 1), (1, 1), (0, 1), (1, 1), (0, 2), (0, 3)]
    body = "".join(para(run(f"x{n}"), about=item.format(*place)) for n, place in enumerate(places))
    content = word(body, related=(("rN", "numbering", "numbering.xml"),), parts={"numbering.xml": numbering})
    assert read(content, "a.docx").text.split("\n") == [
        "Article I. x0",
        "1.1 x1",
        "Article II. x2",
        "2.1 x3",
        "第十二条 x4",
        "c) x5",
    ]


def test_headers_that_no_page_has_are_not_read() -> None:
    """Of a first page that is none, of even pages that are like odd ones; a section goes on with those of the one before."""
    header = '<w:headerReference w:type="{}" r:id="{}"/>'
    parts = {
        f"header{n}.xml": f"<w:hdr {W_NAMES}>{para(run(text))}</w:hdr>" for n, text in enumerate(("Usual", "First", "Even"), 1)
    }
    related = tuple((f"r{n}", "header", f"header{n}.xml") for n in (1, 2, 3))
    every = header.format("default", "r1") + header.format("first", "r2") + header.format("even", "r3")

    def heads(*sections: str, settings: str = "") -> list[str]:
        body = "".join(para(run("x"), about=f"<w:sectPr>{section}</w:sectPr>") for section in sections[:-1])
        made = {**parts, "settings.xml": f"<w:settings {W_NAMES}>{settings}</w:settings>"}
        content = word(
            f"{body}{para(run('y'))}<w:sectPr>{sections[-1]}</w:sectPr>",
            related=(*related, ("rS", "settings", "settings.xml")),
            parts=made,
        )
        document = read(content, "a.docx")
        return [document.text[e.start : e.end] for e in document.elements if e.kind == "other"]

    assert heads(every) == ["Usual"]
    assert heads(every + "<w:titlePg/>") == ["Usual", "First"]
    assert heads(every + '<w:titlePg w:val="0"/>', settings="<w:evenAndOddHeaders/>") == ["Usual", "Even"]
    assert heads(every, "<w:titlePg/>") == ["Usual", "First"]


def test_documents_within_a_document_are_read() -> None:
    """What converters of pages put whole into `altChunk`; one that is broken, missing or no text is said."""
    page = "<html><body><h1>Head</h1><p>Grüße</p><p style='display:none'>gone</p></body></html>"
    saved = f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n{page}"
    inner = word(para(run("Inner"), f'<w:del w:id="1" {BY}>{run("gone")}</w:del>'))
    kinds = {"a.html": page, "b.mht": saved, "c.docx": inner, "d.rtf": r"{\rtf1 Rich}", "e.docx": "broken", "f.bin": "\0\1\2"}
    body = "".join(f'<w:altChunk r:id="r{n}"/>' for n in range(len(kinds) + 1))
    content = word(
        para(run("Outer")) + body,
        related=tuple((f"r{n}", "aFChunk", name) for n, name in enumerate(kinds)),
        parts=kinds,  # type: ignore[arg-type]
    )
    document = read(content, "a.docx")
    assert document.text.split("\n\n") == ["Outer", "Head", "Grüße", "Head", "Grüße", "Inner", "Rich"]
    assert losses(document) == {"embedded_document": 3, "hidden": 2}


def test_headings_are_told_by_their_level_in_any_language() -> None:
    """By the style's built-in name, a style made from one, or an outline level; a bold line is one below them."""
    body = (
        para(run("Erstes"), about='<w:pStyle w:val="berschrift1"/>')
        + para(run("Eigenes"), about='<w:pStyle w:val="Eigen"/>')
        + para(run("Fett", "<w:b/>"))
        + para(run("Text."))
        + para(run("Zweites"), about='<w:pStyle w:val="Kapitel"/>')
        + para(run("Direkt"), about='<w:outlineLvl w:val="2"/>')
    )
    paths = [element.heading_path for element in read(full(body), "a.docx").elements]
    assert paths == [
        ("Erstes",),
        ("Erstes", "Eigenes"),
        ("Erstes", "Eigenes", "Fett"),
        ("Erstes", "Eigenes", "Fett"),
        ("Zweites",),
        ("Zweites", "Direkt"),
    ]


def test_merged_cells_stand_in_every_row_and_column_that_they_cover() -> None:
    """A row says what its merged cells say; a row of one cell says it once; deleted and hidden rows are gone."""
    restart, goes_on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="{}"/>'
    content = table(
        row(cell(para(run("gone"))), about="<w:hidden/>"),
        row(cell(para(run("Title")), about=wide.format(3))),
        row(cell(para(run("Nord")), about=restart), cell(para(run("a"))), cell(para(run("1")))),
        row(cell(para(), about=goes_on), cell(para(run("b"))), cell(para(run("2")))),
        row(cell(para(run("gone"))), about=f'<w:del w:id="1" {BY}/>'),
        row(cell(para(run("Both")), about=wide.format(2)), cell(para(run("3")), para(run("4")))),
    )
    assert read(word(content), "a.docx").text == "Title\nNord | a | 1\nNord | b | 2\nBoth | Both | 3 4"


def test_charts_and_diagrams_are_read() -> None:
    """Titles and points as text, numbers as a table in the format that the chart shows."""
    drawn = "<w:r><w:drawing><wp:inline><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    body = para(drawn.format('<c:chart r:id="rC"/>')) + para(drawn.format('<dgm:relIds r:dm="rD"/>'))
    document = read(full(body), "a.docx")
    assert document.text == "Charttitle\n\n| Seriesword\nOstend | 25%\n\nSmartword"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (run("a") + "<w:r><w:tab/></w:r>" + run("b"), "a\tb"),
        (run("a") + "<w:r><w:br/></w:r>" + run("b"), "a\nb"),
        (run("e") + "<w:r><w:noBreakHyphen/></w:r>" + run("mail"), "e-mail"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>' + run(" done"), "✓ done"),
        ('<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>', "α"),
        (run("\uf061", '<w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/>'), "α"),
        ('<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r>'
         '<w:r><w:fldChar w:fldCharType="end"/></w:r>' + run(" yes"), "☒ yes"),
        ("<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>", "(a+b)/2"),
        (run("東京") + f"<w:r><w:ruby><w:rt>{run('ほうか')}</w:rt><w:rubyBase>{run('放課')}</w:rubyBase></w:ruby></w:r>", "東京放課(ほうか)"),
    ],
)  # fmt: skip
def test_signs_are_what_they_show(content: str, text: str) -> None:
    """Tabs, breaks, symbols of fonts, boxes of forms, fractions, readings above characters."""
    assert read(word(para(content)), "a.docx").text == text


def test_a_deleted_end_joins_two_paragraphs() -> None:
    """Whoever deleted the break between them reads one."""
    first = para(run("The rate "), about=f'<w:rPr><w:del w:id="1" {BY}/></w:rPr>')
    assert read(word(first + para(run("is five."))), "a.docx").text == "The rate is five."


def test_a_strict_file_is_read() -> None:
    """What Office calls Strict Open XML has other namespaces and the same words."""
    source = zipfile.ZipFile(io.BytesIO(word(para(run("Strictword")))))
    there, here = b"http://purl.oclc.org/ooxml/", b"http://schemas.openxmlformats.org/"
    parts = {name: re.sub(here + rb"(word\w+|office\w+)/2006/", there + rb"\1/", source.read(name)) for name in source.namelist()}
    assert there in parts["word/document.xml"]
    assert here not in parts["word/document.xml"].split(b" xmlns:r=")[0]
    assert read(zipped(parts), "a.docx").text == "Strictword"


def test_what_is_no_word_document_is_malformed() -> None:
    """Another zip, a broken part, entities of its own; a document within one is said."""
    assert refused(word("<unclosed>"), "a.docx") == "malformed"
    assert refused(zipped({"word/document.xml": "<x/>"}), "a.docx") == "malformed"
    bomb = f'<!DOCTYPE x [<!ENTITY e "boom">]><w:document {W_NAMES}><w:body>{para(run("&e;"))}</w:body></w:document>'
    assert refused(zipped({"word/document.xml": bomb}), "a.docx") == "entities"
    assert losses(read(word(para(run("x")) + '<w:altChunk r:id="rA"/>'), "a.docx")) == {"embedded_document": 1}


def test_a_place_to_cut_a_word_is_no_letter_of_it() -> None:
    """Soft hyphens as an element and as a character; a hyphen that must not break is a hyphen. What is no loss is not said."""
    signs = "<w:r><w:t>Donau</w:t><w:softHyphen/><w:t>dampf\u00adschiff E</w:t><w:noBreakHyphen/><w:t>Mail</w:t></w:r>"
    known = '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>'
    document = read(word(para(signs, known)), "a.docx")
    assert document.text == "Donaudampfschiff E-Mail✓"
    assert losses(document) == {}


def test_a_large_first_letter_is_of_its_word() -> None:
    """Word keeps a drop cap as a paragraph of its own, in a frame."""
    letter = para(run("O"), about='<w:framePr w:dropCap="drop" w:lines="3"/>')
    assert read(word(letter + para(run("nce upon a time."))), "a.docx").text == "Once upon a time."


def test_a_control_character_costs_itself() -> None:
    """XML forbids it, and what fills in templates writes it all the same."""
    assert read(word(para(run("a\x0bb&#x1F;c &#11;d\x02 ok"))), "a.docx").text == "abc d ok"


def test_a_library_is_no_author() -> None:
    core = (
        '<p:coreProperties xmlns:p="x" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{}</dc:creator></p:coreProperties>'
    )
    for name, author in (("python-docx", None), ("Ada Lovelace", "Ada Lovelace")):
        with zipfile.ZipFile(io.BytesIO(word(para(run("x"))))) as archive:
            parts = {part: archive.read(part) for part in archive.namelist()}
        made = zipped({**parts, "docProps/core.xml": core.format(name)})
        assert read(made, "a.docx").metadata.get("author") == author


def test_a_caption_that_is_bold_is_no_heading() -> None:
    """Word's own style of captions is; what is bold by hand or by a style of somebody's own is one."""

    def styled(name: str) -> str:
        style = f'<w:style w:type="paragraph" w:styleId="S"><w:name w:val="{name}"/><w:rPr><w:b/></w:rPr></w:style>'
        body = para(run("Sales by region"), about='<w:pStyle w:val="S"/>') + para(run("The text."))
        made = word(
            body, related=(("rS", "styles", "styles.xml"),), parts={"styles.xml": f"<w:styles {W_NAMES}>{style}</w:styles>"}
        )
        return read(made, "report.docx").title

    assert styled("caption") == styled("Intense Quote") == "report"
    assert styled("Abschnitt") == "Sales by region"


def code(written: str) -> str:
    """A field without a result."""
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve">{written}</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (" MACROBUTTON NoMacro [Type the name] ", "[Type the name]"),
        (" SYMBOL 174 ", "®"),
        (' SYMBOL 252 \\f "Wingdings" \\s 10 ', "✓"),
        (" SYMBOL 8364 \\u ", "€"),
        (" EQ \\f(3,4) ", "3/4"),
        (" EQ \\r(3;x+1) \\s\\do8(2) ", "3√(x+1) _2"),
        (" eq \\o\\ac(○,7) ", "⑦"),
        (' EQ \\* jc2 \\* "Font:MS Mincho" \\* hps10 \\o\\ad(\\s\\up 9(かんじ),漢字) ', "漢字(かんじ)"),
        (' XE "Pump" ', ""),
        (" TOC ", ""),
    ],
)
def test_a_field_without_a_result_shows_what_its_code_says(written: str, shown: str) -> None:
    """What Word draws from the code itself; where the field has a result, that is what stands there."""
    assert read(word(para(run("a "), code(written), run(" b"))), "a.docx").text == f"a {shown} b"
    assert read(word(para(run("a "), field(written, run("result")), run(" b"))), "a.docx").text == "a result b"


def test_a_number_that_word_counts_by_itself_is_said_to_be_missing() -> None:
    found = read(word(para(code(" AUTONUM "), run("First"))), "a.docx")
    assert (found.text, losses(found)) == ("First", {"automatic_number": 1})


def test_numbers_of_a_list_have_the_zeros_of_its_own_form() -> None:
    """Word 2010 and later write such a form beside one that older programs know."""
    choice = '<mc:Choice Requires="w14"><w:numFmt w:val="custom" w:format="001, 002, ..."/></mc:Choice>'
    level = f'<mc:AlternateContent>{choice}<mc:Fallback><w:numFmt w:val="decimal"/></mc:Fallback></mc:AlternateContent>'
    numbering = (
        f'<w:numbering {W_NAMES}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0">{level}<w:lvlText w:val="R-%1"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    listed = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    body = para(run("a"), about=listed) + para(run("b"), about=listed)
    made = word(body, related=(("rId1", "numbering", "numbering.xml"),), parts={"numbering.xml": numbering})
    assert read(made, "a.docx").text == "R-001 a\nR-002 b"


def test_a_diagram_is_read_in_the_order_of_its_connections() -> None:
    """Its points are listed in the order in which they were made; one that nothing connects is read, too."""

    def point(name: int, text: str) -> str:
        return f'<dgm:pt modelId="{name}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'

    ends = ((0, 2, 0), (0, 3, 1), (0, 1, 2), (3, 4, 0), (4, 3, 0))
    joined = "".join(f'<dgm:cxn srcId="{a}" destId="{b}" srcOrd="{n}"/>' for a, b, n in ends)
    points = point(1, "Deploy") + point(2, "Plan") + point(3, "Build") + point(4, "Test") + point(5, "Alone")
    names = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    names += 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    model = f'<dgm:dataModel {names}><dgm:ptLst><dgm:pt modelId="0" type="doc"/>{points}</dgm:ptLst>'
    model += f"<dgm:cxnLst>{joined}</dgm:cxnLst></dgm:dataModel>"
    drawn = '<w:r><w:drawing><a:graphic><a:graphicData><dgm:relIds r:dm="rId9"/></a:graphicData></a:graphic></w:drawing></w:r>'
    made = word(para(drawn), related=(("rId9", "diagramData", "diagrams/data1.xml"),), parts={"diagrams/data1.xml": model})
    assert read(made, "a.docx").text == "Plan\nBuild\nTest\nDeploy\nAlone"


def test_a_list_does_not_count_what_was_deleted() -> None:
    """Neither a paragraph that is gone, nor one whose end is: the next one goes on with it, under one number."""
    numbering = (
        f'<w:numbering {W_NAMES}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:lvlText w:val="%1."/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    listed = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    gone = f'{listed}<w:rPr><w:del w:id="1" {BY}/></w:rPr>'
    body = para(run("a"), about=listed)
    body += para(f'<w:del w:id="2" {BY}><w:r><w:delText>gone</w:delText></w:r></w:del>', about=gone)
    body += para(run("b "), about=gone) + para(run("c"), about=listed) + para(run("d"), about=listed)
    made = word(body, related=(("rId1", "numbering", "numbering.xml"),), parts={"numbering.xml": numbering})
    assert read(made, "a.docx").text == "1. a\n2. b c\n3. d"
