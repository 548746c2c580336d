"""The words of Office files, taken crudely: by patterns over their XML, knowing nothing of structure.

What tracked changes delete, what repeats for old programs, comments and hidden runs are cut first: those are the only
reasons for a word to be in the file and not in the text.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections import Counter

from tests.crude.words import squeezed

_TAG = re.compile(r"<[^>]+>")


def docx(content: bytes) -> str:
    """Every `w:t` and `m:t` of the body, headers, footers and notes."""
    parts = re.compile(r"word/(?:document\d*|header\d*|footer\d*|footnotes|endnotes|charts/chart\d+|diagrams/data\d+)\.xml")
    texts = []
    for name, xml in _xml(content, parts):
        for gone in ("mc:Fallback", "w:del", "w:moveFrom"):
            xml = re.sub(rf"<{gone}(?: [^>]*[^/])?>.*?</{gone}>", "", xml, flags=re.DOTALL)
        xml = re.sub(r"<w:footnote [^>]*w:type=.*?</w:footnote>", "", xml, flags=re.DOTALL)
        xml = re.sub(r"<w:r(?: [^>]*)?>(?:(?!</w:r>).)*?<w:vanish/>.*?</w:r>", "", xml, flags=re.DOTALL)
        tags = "c:v|a:t" if "chart" in name or "diagram" in name else "w:t|m:t|a:t"
        texts.append(_kept(xml, tags, r"</w:p>|</a:p>|<w:tab/>|<w:br[ /]|<w:cr/>|</c:pt>|<w:noBreakHyphen/>|</m:r>"))
    return "\n".join(texts)


def pptx(content: bytes) -> str:
    """Every `a:t` of the slides that are shown, and every text and category of their charts."""
    texts = []
    hidden = {
        name for name, xml in _xml(content, re.compile(r"ppt/slides/slide\d+\.xml")) if re.search(r"<p:sld\b[^>]*show=\"0\"", xml)
    }
    for name, xml in _xml(content, re.compile(r"ppt/(?:slides/slide|charts/chart|diagrams/data)\d+\.xml")):
        if name not in hidden:
            xml = re.sub(r"<a:fld [^>]*type=\"slidenum\".*?</a:fld>", "", xml, flags=re.DOTALL)
            if "chart" in name:
                xml = re.sub(r"<c:numCache>.*?</c:numCache>|<c:externalData.*", "", xml, flags=re.DOTALL)
            texts.append(_kept(xml, "a:t|c:v", r"</a:p>|<a:br\b|</c:pt>"))
    return "\n".join(texts)


def xlsx(content: bytes) -> str:
    """Every cell of the visible sheets that openpyxl gives as text or as a whole number, in what is not hidden."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    texts: list[str] = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        columns = {name for name, about in sheet.column_dimensions.items() if about.hidden}
        for row in sheet.iter_rows():
            for cell in row:
                shown = not sheet.row_dimensions[cell.row].hidden and getattr(cell, "column_letter", "") not in columns
                if shown and (isinstance(cell.value, str) or (type(cell.value) is int and cell.number_format == "General")):
                    texts.append(str(cell.value))
    return "\n".join(texts)


def odf(content: bytes) -> str:
    """Every text node of `content.xml`, without deletions, comments and what a drawing says of itself."""
    texts = []
    for _, xml in _xml(content, re.compile(r"content\.xml")):
        xml = xml.partition("<office:body>")[2]
        for gone in ("text:tracked-changes", "office:annotation", "svg:title", "svg:desc", "office:forms", "text:note-citation"):
            xml = re.sub(rf"<{gone}(?: [^>]*[^/])?>.*?</{gone}>", "", xml, flags=re.DOTALL)
        xml = re.sub(r"<text:(?:tab|s|line-break)\b[^>]*/>|</?text:(?:p|h|note)\b[^>]*>", " ", xml)
        texts.append(html.unescape(_TAG.sub("", xml)))
    return "\n".join(texts)


def epub(content: bytes) -> str:
    """Every text node of the pages."""
    texts = []
    for _, xml in _xml(content, re.compile(r".*\.x?html?")):
        xml = re.sub(r"<(head|script|style)\b.*?</\1>", "", xml, flags=re.DOTALL)
        texts.append(html.unescape(_TAG.sub(" ", re.sub(r"</?(?:b|i|em|strong|span|a|sup|sub)\b[^>]*>", "", xml))))
    return "\n".join(texts)


def pdf(content: bytes) -> Counter[str]:
    """Every letter and digit that pdfminer finds on the pages and can name, however it groups them; not what lies beside."""
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams, LTChar, LTContainer
    from pdfminer.pdfpage import PDFPage

    found: Counter[str] = Counter()
    boxes = [page.cropbox for page in PDFPage.get_pages(io.BytesIO(content))]
    shown = extract_pages(io.BytesIO(content), laparams=LAParams(all_texts=True))
    for (left, bottom, right, top), page in zip(boxes, shown, strict=True):
        # Pages lie with their corner at the origin.
        width, height = (right - left, top - bottom) if page.rotate % 180 == 0 else (top - bottom, right - left)
        waiting = list(page)
        while waiting:
            node = waiting.pop()
            if isinstance(node, LTContainer):
                waiting += list(node)
            elif isinstance(node, LTChar) and not node.get_text().startswith("(cid:"):
                is_shown = node.x1 > 0 and node.x0 < width and node.y1 > 0 and node.y0 < height
                found.update(squeezed(node.get_text()) if is_shown else "")
    return found


def _kept(xml: str, tags: str, breaks: str) -> str:
    """The content of these elements, with a space where a pattern says that a word ends."""
    space = f"<{tags.partition('|')[0]}> </{tags.partition('|')[0]}>"
    xml = re.sub(breaks, lambda found: found.group() + space, xml)
    return html.unescape("".join(re.findall(rf"<(?:{tags})(?: [^>]*)?>([^<]*)</(?:{tags})>", xml)))


def _xml(content: bytes, names: re.Pattern[str]) -> list[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(name, archive.read(name).decode("utf-8")) for name in archive.namelist() if names.fullmatch(name)]
