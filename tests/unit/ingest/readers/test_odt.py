"""OpenDocument texts, zipped and flat."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.odf import odt
from sluice.errors import DocumentError
from tests.crude import office as crude
from tests.crude.words import lost, words
from tests.unit.ingest.office_files import odf
from tests.unit.ingest.reading import holds, losses, once, read, refused

DATA = Path(__file__).parent / "data"
STYLES = (
    '<style:style style:name="Hid" style:family="text"><style:text-properties text:display="none"/></style:style>'
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-suffix="." style:num-format="1"/>'
    '<text:list-level-style-number text:level="2" style:num-suffix=")" style:num-format="a"/></text:list-style>'
)
INLINE: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "span": lambda text: f"<text:span>{text}</text:span>",
    "parts": lambda text: f"{text[:3]}<text:span>{text[3:]}</text:span>",
    "link": lambda text: f'<text:a xlink:href="unseen"><text:span>{text}</text:span></text:a>',
    "inserted": lambda text: f'<text:change-start text:change-id="c1"/>{text}<text:change-end text:change-id="c1"/>',
    "field": lambda text: f'<text:user-defined text:name="unseen">{text}</text:user-defined>',
    "bookmark": lambda text: f'<text:bookmark-start text:name="unseen"/>{text}<text:bookmark-end text:name="unseen"/>',
    "ruby": lambda text: f"<text:ruby><text:ruby-base>{text}</text:ruby-base><text:ruby-text/></text:ruby>",
    "tail of a comment": lambda text: f"<office:annotation><text:p>unseen</text:p></office:annotation>{text}",
    "after a tab": lambda text: f"<text:tab/>{text}",
    "box": lambda text: f"<draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>",
    "shape": lambda text: (
        f"<draw:g><draw:custom-shape><svg:title>unseen</svg:title><text:p>{text}</text:p></draw:custom-shape></draw:g>"
    ),
    "note": lambda text: (
        "<text:note><text:note-citation>unseen</text:note-citation><text:note-body>"
        f"<text:p>{text}</text:p></text:note-body></text:note>"
    ),
}
BLOCKS: dict[str, Callable[[str], str]] = {
    "paragraph": lambda content: f"<text:p>{content}</text:p>",
    "heading": lambda content: f'<text:h text:outline-level="1">{content}</text:h>',
    "section": lambda content: f'<text:section text:name="unseen"><text:p>{content}</text:p></text:section>',
    "item": lambda content: (
        "<text:list><text:list-item><text:list><text:list-item>"
        f"<text:p>{content}</text:p></text:list-item></text:list></text:list-item></text:list>"
    ),
    "list header": lambda content: f"<text:list><text:list-header><text:p>{content}</text:p></text:list-header></text:list>",
    "index": lambda content: (
        '<text:table-of-content><text:table-of-content-source text:outline-level="3"/>'
        f"<text:index-body><text:p>{content}</text:p></text:index-body></text:table-of-content>"
    ),
    "cell": lambda content: (
        "<table:table><table:table-header-rows><table:table-row>"
        f"<table:table-cell><text:p>{content}</text:p></table:table-cell></table:table-row></table:table-header-rows></table:table>"
    ),
    "frame on the page": lambda content: f"<draw:frame><draw:text-box><text:p>{content}</text:p></draw:text-box></draw:frame>",
}
SHAPES = st.tuples(st.sampled_from(sorted(BLOCKS)), st.lists(st.sampled_from(sorted(INLINE)), min_size=1, max_size=4))
CHANGES = (
    "<text:tracked-changes><text:changed-region text:id='c1'><text:insertion/></text:changed-region>"
    "<text:changed-region text:id='c2'><text:deletion><text:p>unseen</text:p></text:deletion></text:changed-region></text:tracked-changes>"
)


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES, max_size=6))
def test_every_word_is_read_once_whatever_it_is_wrapped_in(shape: list[tuple[str, list[str]]]) -> None:
    """Any mixture of blocks and wrappers: each word once, blocks in their order, and a crude reading finds no more."""
    body, expected = CHANGES, []
    for n, (block, inlines) in enumerate(shape):
        texts = [f"word{n}x{m}" for m in range(len(inlines))]
        expected.append(texts)
        body += BLOCKS[block]("".join(INLINE[name](text) + " " for name, text in zip(inlines, texts, strict=True)))
    document = read(odf("text", body), "a.odt")
    holds(document)
    found = words(document.text)
    assert {text: found[text] for texts in expected for text in texts} == {text: 1 for texts in expected for text in texts}
    assert "unseen" not in found
    firsts = [min(document.text.index(text) for text in texts) for texts in expected]
    assert firsts == sorted(firsts)
    assert not lost(crude.odf(odf("text", body)), document.text)


def test_what_is_left_out_is_deleted_or_said() -> None:
    """Hidden spans, sections and paragraphs, comments, pictures, objects; what was deleted in a flat file lies in its place."""
    body = (
        CHANGES + '<text:p>a <text:span text:style-name="Hid">gone</text:span>b</text:p>'
        '<text:section text:display="none" text:name="s"><text:p>gone</text:p></text:section>'
        '<text:section text:display="condition" text:is-hidden="true" text:name="t"><text:p>gone</text:p></text:section>'
        "<text:p>c<office:annotation><text:p>gone</text:p></office:annotation></text:p>"
        "<text:p><draw:frame><draw:image xlink:href='x'/></draw:frame><draw:frame><draw:object-ole/><draw:image/></draw:frame></text:p>"
        '<text:p>d <text:change-start text:change-id="c2"/>gone<text:change-end text:change-id="c2"/>e</text:p>'
    )
    document = read(odf("text", body, styles=STYLES), "a.odt")
    assert document.text == "a b\n\nc\n\nd e"
    assert losses(document) == {"comment": 1, "embedded_object": 1, "hidden_text": 3, "picture": 1}


def test_lists_notes_and_margins() -> None:
    """Numbers as printed, notes after their paragraph, headers and footers once; white space as XML means it."""
    item = "<text:list-item><text:p>{}</text:p>{}</text:list-item>"
    inner = f"<text:list>{item.format('x1', '')}{item.format('x2', '')}</text:list>"
    body = (
        f'<text:list text:style-name="L1">{item.format("x0", inner)}{item.format("x3", "")}</text:list>'
        "<text:p>First<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Footword.</text:p></text:note-body>"
        '</text:note>\n   goes<text:s text:c="2"/>on.<text:line-break/>End</text:p>'
    )
    masters = (
        "<style:master-page style:name='A'><style:header><text:p>Headword</text:p></style:header><style:footer><text:p>Bottomword"
        "</text:p></style:footer></style:master-page><style:master-page style:name='B'><style:header><text:p>Headword</text:p>"
        "</style:header></style:master-page>"
    )
    assert read(odf("text", body, styles=STYLES, masters=masters), "a.odt").text == (
        "Headword\n\n1. x0\na) x1\nb) x2\n2. x3\n\nFirst[1] goes  on.\nEnd\n\n[1] Footword.\n\nBottomword"
    )


def test_tables_charts_and_formulas() -> None:
    """Merged cells are filled; a chart's title and numbers, a formula's symbols."""
    cell = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>"
    rows = (
        f"<table:table-row>{cell.format('table:number-rows-spanned=' + chr(34) + '2' + chr(34), 'Nord')}{cell.format('', 'a')}</table:table-row>"
        f"<table:table-row><table:covered-table-cell/>{cell.format('', 'b')}</table:table-row>"
    )
    held = (
        '<draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame>'
    )
    chart = (
        "<office:document-content NAMES><office:body><office:chart><chart:chart xmlns:chart='c'><chart:title><text:p>Parcels</text:p>"
        "</chart:title><table:table><table:table-row><table:table-cell><text:p>Ost</text:p></table:table-cell>"
        "<table:table-cell office:value-type='float' office:value='2'/></table:table-row></table:table></chart:chart></office:chart>"
        "</office:body></office:document-content>"
    )
    formula = "<math xmlns='http://www.w3.org/1998/Math/MathML'><semantics><mi>E</mi><mo>=</mo><mi>m</mi><annotation>gone</annotation></semantics></math>"
    body = f"<table:table>{rows}</table:table><text:p>{held}{held.replace('Object 1', 'Object 2')}</text:p>"
    parts = {"Object 1/content.xml": chart, "Object 2/content.xml": formula}
    document = read(odf("text", body, parts=parts), "a.odt")
    assert document.text == "Nord | a\nNord | b\n\nParcels\n\nOst | 2\n\nE = m"
    assert losses(document) == {}


def test_a_flat_file_is_read_like_a_zipped_one() -> None:
    """The same elements in one XML file; who deleted or commented, and when, is not who wrote it."""
    flat = (
        '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<office:meta><dc:creator>Ada</dc:creator></office:meta><office:body><office:text>"
        '<text:h text:outline-level="1">Head</text:h><text:p>Body.<office:annotation><dc:creator>Eve</dc:creator>'
        "<dc:date>2001-01-01</dc:date></office:annotation></text:p></office:text></office:body></office:document>"
    )
    document = read(b'<?xml version="1.0"?>' + flat.encode(), "a.fodt")
    assert (document.text, document.title) == ("Head\n\nBody.", "Head")
    assert (document.metadata["author"], "last_modified" in document.metadata) == ("Ada", False)


def test_what_libreoffice_writes_is_read() -> None:
    """A file of its own with insertions, deletions, notes, a text box, lists, merged cells, header and footer: word by word."""
    content = (DATA / "rich.odt").read_bytes()
    document = read(content, "rich.odt")
    assert not lost(crude.odf(content), re.sub(r"\[\d\]", "", document.text)).keys() - {"hiddenword"}
    assert "deletedword" not in document.text
    assert losses(document) == {"hidden_text": 1}
    assert document.text.startswith("headerword\n\nHeadingword")
    assert document.text.endswith("footerword")
    assert "1. numbered one\n1.a) numbered sub\n2. numbered two" in document.text


def test_a_locked_or_broken_file_is_refused_with_its_reason() -> None:
    """Encryption is written in the manifest; a spreadsheet is no text."""
    locked = BytesIO()
    with zipfile.ZipFile(BytesIO(odf("text", "<text:p>x</text:p>"))) as source, zipfile.ZipFile(locked, "w") as copy:
        for name in source.namelist():
            copy.writestr(name, "<manifest:encryption-data/>" if "manifest" in name else source.read(name))
    assert refused(locked.getvalue(), "a.odt") == "protected"
    with pytest.raises(DocumentError) as error:
        odt(odf("spreadsheet", ""), "a.odt")
    assert error.value.reason == "malformed"
    assert refused(b"PK\x03\x04 broken", "a.odt") == "malformed"


MIME = "application/vnd.oasis.opendocument."
FLAT_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"'
    for name, kind in [("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("chart", "chart")]
)
PADDING = " ".join(f'xmlns:pad{n}="urn:example:of:a:name:space:that:nobody:uses:{n}"' for n in range(60))
INLINE_CHART = (
    "<draw:frame><draw:object><pad1:p/><office:document><office:body><office:chart><chart:chart><chart:title>"
    "<text:p>Chartword</text:p></chart:title></chart:chart></office:chart></office:body></office:document></draw:object></draw:frame>"
)
FLAT_BODIES = {
    "text": f"<text:p>Textword{INLINE_CHART}</text:p>",
    "spreadsheet": '<table:table table:name="Blatt"><table:shapes>' + INLINE_CHART + "</table:shapes><table:table-row>"
    '<table:table-cell office:value-type="string"><text:p>Textword</text:p></table:table-cell></table:table-row></table:table>',
    "presentation": "<draw:page><draw:frame><draw:text-box><text:p>Textword</text:p></draw:text-box></draw:frame>"
    + INLINE_CHART
    + "</draw:page>",
}


@pytest.mark.parametrize("kind", FLAT_BODIES)
@pytest.mark.parametrize("template", ["", "-template"])
@pytest.mark.parametrize("uri", ["a.fodt", "a.fods", "a.fodp", "a.xml", "a", "a.odt"])
def test_every_flat_file_is_what_it_says(kind: str, template: str, uri: str) -> None:
    """Text, sheet or slides by what the root says, behind however many name spaces, whatever it is called; its charts too."""
    root = f'<office:document {FLAT_NAMES} {PADDING} office:version="1.3" office:mimetype="{MIME}{kind}{template}">'
    flat = f'<?xml version="1.0" encoding="UTF-8"?>\n{root}<office:meta><pad1:x>unseen</pad1:x></office:meta>'
    flat += f"<office:body><office:{kind}>{FLAT_BODIES[kind]}</office:{kind}></office:body></office:document>"
    found = read(flat.encode(), uri)
    assert "unseen" not in found.text
    assert once(found, "Textword")
    assert once(found, "Chartword")
    assert len(found.elements) == (3 if kind == "spreadsheet" else 2)
