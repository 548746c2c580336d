"""Office files made here from XML, with known words in every construct of their format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

W_NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wpg="http://schemas.microsoft.com/office/word/2010/wordprocessingGroup" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
)
P_NAMES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT_TYPES = {
    "word/document.xml": "wordprocessingml.document.main",
    "word/styles.xml": "wordprocessingml.styles",
    "word/numbering.xml": "wordprocessingml.numbering",
    "word/footnotes.xml": "wordprocessingml.footnotes",
    "word/endnotes.xml": "wordprocessingml.endnotes",
    "word/comments.xml": "wordprocessingml.comments",
    "word/header1.xml": "wordprocessingml.header",
    "word/header2.xml": "wordprocessingml.header",
    "word/footer1.xml": "wordprocessingml.footer",
    "xl/workbook.xml": "spreadsheetml.sheet.main",
    "xl/styles.xml": "spreadsheetml.styles",
    "xl/sharedStrings.xml": "spreadsheetml.sharedStrings",
    "xl/comments1.xml": "spreadsheetml.comments",
    "ppt/presentation.xml": "presentationml.presentation.main",
}


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def relations(*targets: tuple[str, str, str]) -> str:
    """A part's relationships: (id, kind, target)."""
    rows = "".join(f'<Relationship Id="{name}" Type="{_REL}/{kind}" Target="{target}"/>' for name, kind, target in targets)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def package(main: str, parts: Mapping[str, str | bytes]) -> bytes:
    """An Office Open XML file whose main part is `main`."""
    types = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>'
        for name, kind in _CONTENT_TYPES.items()
        if name in parts
    )
    sheets = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>'
        for name in parts
        for start, kind in (("xl/worksheets/", "spreadsheetml.worksheet"), ("ppt/slides/slide", "presentationml.slide"))
        if name.startswith(start) and name.endswith(".xml")
    )
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{defaults}{types}{sheets}</Types>',
            "_rels/.rels": relations(("rId1", "officeDocument", main)),
            **parts,
        }
    )


def word(body: str, *, related: tuple[tuple[str, str, str], ...] = (), parts: Mapping[str, str] | None = None) -> bytes:
    """A DOCX with this body; `parts` are named from `word/`, their content within the root's namespaces as given."""
    named = {f"word/{name}": content for name, content in (parts or {}).items()}
    return package(
        "word/document.xml",
        {
            "word/document.xml": f"<w:document {W_NAMES}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(*related),
            **named,
        },
    )


def run(text: str, look: str = "") -> str:
    return f'<w:r>{f"<w:rPr>{look}</w:rPr>" if look else ""}<w:t xml:space="preserve">{text}</w:t></w:r>'


def para(*content: str, about: str = "") -> str:
    return f"<w:p>{f'<w:pPr>{about}</w:pPr>' if about else ''}{''.join(content)}</w:p>"


def cell(*content: str, about: str = "") -> str:
    return f"<w:tc>{f'<w:tcPr>{about}</w:tcPr>' if about else ''}{''.join(content)}</w:tc>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def row(*cells: str, about: str = "") -> str:
    return f"<w:tr>{f'<w:trPr>{about}</w:trPr>' if about else ''}{''.join(cells)}</w:tr>"


def text_box(content: str) -> str:
    """A text box as Word writes it: twice, for programs since 2010 and for those before."""
    return (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:anchor><wp:docPr id="1" name="Box" descr="unseen"/>'
        '<a:graphic><a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        f"<wps:wsp><wps:txbx><w:txbxContent>{content}</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor>"
        "</w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent>"
        f"{content}</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def field(code: str, result: str) -> str:
    """A field as runs: its code, then what it shows."""
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve">{code}</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        f'{result}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def workbook(
    sheets: Mapping[str, str],
    *,
    strings: str = "",
    styles: str = "",
    states: Mapping[str, str] | None = None,
    parts: Mapping[str, str] | None = None,
    about: str = "",
) -> bytes:
    """An XLSX: sheet's name → the content of its `worksheet` element; `parts` are named from `xl/`."""
    names = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ' + W_NAMES.split(" ", 1)[1]
    states = states or {}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{states.get(name, "visible")}" r:id="rId{n}"/>'
        for n, name in enumerate(sheets, 1)
    )
    related = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
    made: dict[str, str | bytes] = {
        "xl/workbook.xml": f"<workbook {names}>{about}<sheets>{listed}</sheets></workbook>",
        **{f"xl/worksheets/sheet{n}.xml": f"<worksheet {names}>{body}</worksheet>" for n, body in enumerate(sheets.values(), 1)},
    }
    if strings:
        made["xl/sharedStrings.xml"] = f"<sst {names}>{strings}</sst>"
        related.append(("rIdS", "sharedStrings", "sharedStrings.xml"))
    if styles:
        made["xl/styles.xml"] = f"<styleSheet {names}>{styles}</styleSheet>"
        related.append(("rIdF", "styles", "styles.xml"))
    made |= {f"xl/{name}": content for name, content in (parts or {}).items()}
    return package("xl/workbook.xml", {"xl/_rels/workbook.xml.rels": relations(*related), **made})


def deck(*slides: str, parts: Mapping[str, str] | None = None, hidden: tuple[int, ...] = ()) -> bytes:
    """A PPTX: each slide the shapes of its tree; `parts` are named from `ppt/` (`slides/_rels/slide1.xml.rels`)."""
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    made: dict[str, str | bytes] = {
        "ppt/presentation.xml": f"<p:presentation {P_NAMES}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            *((f"rId{n}", "slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1))
        ),
    }
    for n, shapes in enumerate(slides, 1):
        shown = ' show="0"' if n in hidden else ""
        made[f"ppt/slides/slide{n}.xml"] = f"<p:sld {P_NAMES}{shown}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    return package("ppt/presentation.xml", {**made, **{f"ppt/{name}": content for name, content in (parts or {}).items()}})


def shape(*paragraphs: str, kind: str | None = None) -> str:
    """A shape with these paragraphs (XML within `a:p`); `kind` is its placeholder's type."""
    mark = "" if kind is None else f'<p:ph type="{kind}"/>' if kind else '<p:ph idx="1"/>'
    body = "".join(f"<a:p>{text}</a:p>" for text in paragraphs)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"/><p:cNvSpPr/><p:nvPr>{mark}</p:nvPr></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/>{body}</p:txBody></p:sp>"
    )


def said(text: str) -> str:
    return f"<a:r><a:t>{text}</a:t></a:r>"


def frame(kind: str, content: str) -> str:
    data = f'<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/{kind}">{content}</a:graphicData>'
    return f"<p:graphicFrame><p:nvGraphicFramePr/><a:graphic>{data}</a:graphic></p:graphicFrame>"


def chart(title: str, series: str, values: Mapping[str, str], code: str = "General") -> str:
    """A chart part with one series."""
    names = "".join(f'<c:pt idx="{n}"><c:v>{name}</c:v></c:pt>' for n, name in enumerate(values))
    numbers = "".join(f'<c:pt idx="{n}"><c:v>{value}</c:v></c:pt>' for n, value in enumerate(values.values()))
    return (
        f"<c:chartSpace {P_NAMES}><c:chart><c:title><c:tx><c:rich><a:p>{said(title)}</a:p></c:rich></c:tx></c:title><c:plotArea>"
        f"<c:barChart><c:ser><c:tx><c:strRef><c:f>S!A1</c:f><c:strCache>"
        f'<c:pt idx="0"><c:v>{series}</c:v></c:pt></c:strCache></c:strRef>'
        f"</c:tx><c:cat><c:strRef><c:f>S!B</c:f><c:strCache>{names}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>S!C</c:f><c:numCache><c:formatCode>{code}</c:formatCode>{numbers}</c:numCache></c:numRef></c:val>"
        "</c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"
    )


def odf(kind: str, body: str, *, styles: str = "", masters: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """An OpenDocument file: `kind` is `text`, `spreadsheet` or `presentation`; `styles` go into its automatic styles."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name if name != "number" else "datastyle"}:1.0"'
        for name in ("office", "text", "table", "style", "presentation", "meta")
    )
    names += ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
    names += ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {names}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
            "styles.xml": f"<office:document-styles {names}><office:master-styles>{masters}</office:master-styles>"
            "</office:document-styles>",
            "META-INF/manifest.xml": '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            **{name: content.replace("NAMES", names) for name, content in (parts or {}).items()},
        }
    )


def book(*pages: str, also: Mapping[str, str] | None = None) -> bytes:
    """An EPUB whose pages are these bodies, in this order."""
    items = "".join(f'<item id="p{n}" href="p{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(pages)))
    spine = "".join(f'<itemref idref="p{n}"/>' for n in range(len(pages)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<metadata><dc:title>A book</dc:title><dc:creator>Ada</dc:creator></metadata><manifest>{items}</manifest>"
            f"<spine>{spine}</spine></package>",
            **{
                f"OEBPS/p{n}.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>skip</title></head><body>{body}</body></html>'
                for n, body in enumerate(pages)
            },
            **(also or {}),
        }
    )
