"""Office documents in one XML file: Excel's of 2003, and those since then as Word saves them."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import pytest

from ingest.formats import format_of
from ingest.processing import Processor
from sluice.records import RawItem
from tests.unit.ingest.office_files import deck, para, run, said, shape, word, workbook
from tests.unit.ingest.reading import losses, read, refused

BOOK = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">
<o:DocumentProperties><o:Title>Rates</o:Title><o:Created>2020-01-02T03:04:05Z</o:Created></o:DocumentProperties>
<Styles><Style ss:ID="d"><NumberFormat ss:Format="Short Date"/></Style><Style ss:ID="m"><NumberFormat ss:Format="#,##0.00"/></Style>
<Style ss:ID="p"><NumberFormat ss:Format="Percent"/></Style></Styles>
<Worksheet ss:Name="Prices"><Table><Column/><Column ss:Index="5" ss:Hidden="1"/>
<Row><Cell ss:MergeAcross="2"><Data ss:Type="String">Heading</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">NA</Data></Cell><Cell ss:StyleID="m"><Data ss:Type="Number">1234.5</Data></Cell>
<Cell ss:StyleID="d"><Data ss:Type="DateTime">2024-01-02T00:00:00.000</Data></Cell><Cell ss:Index="5"><Data ss:Type="String">gone</Data></Cell></Row>
<Row ss:Hidden="1"><Cell><Data ss:Type="String">gone</Data></Cell></Row>
<Row ss:Index="6"><Cell ss:StyleID="p"><Data ss:Type="Number">0.256</Data><Comment><Data>Note</Data></Comment></Cell>
<Cell><Data ss:Type="Boolean">1</Data></Cell><Cell><ss:Data ss:Type="String" xmlns="http://www.w3.org/TR/REC-html40">a<B>b</B></ss:Data></Cell></Row>
</Table></Worksheet>
<Worksheet ss:Name="Secret"><Table><Row><Cell><Data ss:Type="String">gone</Data></Cell></Row></Table>
<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions></Worksheet></Workbook>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("uri", ["a.xls", "a.xml", "a"])
def test_a_spreadsheet_of_2003_is_read_like_others(uri: str, encoding: str) -> None:
    """Cells in their formats, merged and hidden ones, notes, what is hidden said; whatever it is called."""
    document = read(BOOK.encode(encoding), uri)
    assert document.text == "Prices\n\nHeading\nNA | 1,234.50 | 2024-01-02\n\n25.60% | TRUE | ab\n\nA6: Note"
    assert (document.title, document.metadata["date"]) == ("Rates", "2020-01-02T03:04:05Z")
    assert losses(document) == {"hidden_column": 1, "hidden_row": 1, "hidden_sheet": 1}


LETTER = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<?mso-application progid="Word.Document"?>
<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml" xmlns:wx="http://schemas.microsoft.com/office/word/2003/auxHint" xmlns:aml="http://schemas.microsoft.com/aml/2001/core" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:st1="urn:schemas-microsoft-com:office:smarttags" w:macrosPresent="no">
<o:DocumentProperties><o:Title>The plan</o:Title><o:Author>Ada</o:Author><o:LastSaved>2004-05-06T07:08:00Z</o:LastSaved></o:DocumentProperties>
<w:lists><w:listDef w:listDefId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:nfc w:val="4"/><w:lvlText w:val="%1)"/></w:lvl></w:listDef><w:list w:ilfo="1"><w:ilst w:val="0"/></w:list></w:lists>
<w:styles><w:style w:type="paragraph" w:default="on" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style></w:styles>
<w:docPr><w:view w:val="print"/></w:docPr>
<w:body><wx:sect><wx:sub-section><w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>Heading</w:t></w:r></w:p>
<w:p><w:r><w:t>Seen </w:t></w:r><st1:place><w:r><w:t>Berlin</w:t></w:r></st1:place><aml:annotation aml:id="1" w:type="Word.Deletion"><aml:content><w:r><w:delText>gone</w:delText></w:r></aml:content></aml:annotation><aml:annotation aml:id="2" w:type="Word.Insertion"><aml:content><w:r><w:t> added</w:t></w:r></aml:content></aml:annotation><w:r><w:footnote><w:p><w:r><w:t>Footword.</w:t></w:r></w:p></w:footnote></w:r><aml:annotation aml:id="3" w:type="Word.Comment.Start"/><w:r><w:t>.</w:t></w:r><w:r><aml:annotation aml:id="3" w:type="Word.Comment"><aml:content><w:p><w:r><w:t>gone comment</w:t></w:r></w:p></aml:content></aml:annotation></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>gone</w:t></w:r></w:p>
<w:p><w:pPr><w:listPr><w:ilvl w:val="0"/><w:ilfo w:val="1"/><wx:t wx:val="a)"/></w:listPr></w:pPr><w:r><w:t>Item</w:t></w:r></w:p>
<w:tbl><w:tblPr/><w:tr><w:tc><w:p><w:r><w:t>c1</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>c2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><w:r><w:pict><w:binData w:name="wordml://1.png">iVBORw0KGgo=</w:binData><v:shape><v:imagedata src="wordml://1.png"/></v:shape></w:pict></w:r></w:p>
</wx:sub-section><w:sectPr><w:hdr w:type="odd"><w:p><w:r><w:t>Headword</w:t></w:r></w:p></w:hdr><w:ftr w:type="odd"><w:p><w:r><w:t>Footline</w:t></w:r></w:p></w:ftr></w:sectPr></wx:sect></w:body></w:wordDocument>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("uri", ["a.doc", "a.xml", "a"])
def test_a_document_of_word_2003_is_read_like_a_docx(uri: str, encoding: str) -> None:
    """Notes, headers, lists and properties; nothing of deletions, comments and hidden text; whatever it is called."""
    document = read(LETTER.replace("UTF-8", encoding).encode(encoding), uri)
    expected = ["Headword", "Heading", "Seen Berlin added[1].", "[1] Footword.", "a) Item", "c1 | c2", "Footline"]
    assert document.text.split("\n\n") == expected
    assert (document.title, document.metadata["author"]) == ("Heading", "Ada")
    assert losses(document) == {"comment": 1, "hidden_text": 1, "picture": 1}


def flat(content: bytes) -> bytes:
    """A zipped Office document as one XML file."""
    archive = zipfile.ZipFile(BytesIO(content))
    parts = "".join(
        f'<pkg:part pkg:name="/{name}"><pkg:xmlData>{re.sub(r"<[?][^>]*[?]>", "", archive.read(name).decode())}</pkg:xmlData></pkg:part>'
        for name in archive.namelist()
        if name != "[Content_Types].xml"
    )
    return f'<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">{parts}</pkg:package>'.encode()


def test_a_document_in_one_file_is_read_like_a_zipped_one() -> None:
    """Word's, Excel's and PowerPoint's, with nothing of what was deleted or painted white."""
    gone = '<w:del w:id="1"><w:r><w:delText>gone</w:delText></w:r></w:del>' + run("gone", '<w:color w:val="FFFFFF"/>')
    for content, kind, text in (
        (word(para(run("Wordword"), gone)), "docx", "Wordword"),
        (deck(shape(said("Slideword"))), "pptx", "Slideword"),
        (
            workbook({"S": '<sheetData><row r="1"><c r="A1" t="str"><v>Cellword</v></c></row></sheetData>'}),
            "xlsx",
            "S\n\nCellword",
        ),
    ):
        assert format_of("a.xml", "text/xml", flat(content)) == kind
        assert Processor().parse(RawItem("a.xml", flat(content), "v"), source="s").text == text


def test_other_xml_is_xml() -> None:
    """A page about the format, a package without parts, another root."""
    assert (
        format_of("a.md", None, b'The root is `<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">`.') == "markdown"
    )
    assert format_of("a.xml", None, flat(word(para(run("x")))).replace(b'"/word/', b'"/other/')) == "xml"
    assert refused(b"<x/>", "a.xls") == ""
