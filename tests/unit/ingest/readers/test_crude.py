"""The law of readers, on real files: every word that a crude second reading finds is in the text, or its reason is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pdfminer.pdfexceptions import PDFException

from ingest.formats import format_of
from tests.crude import office as crude
from tests.crude.words import lost, squeezed, words
from tests.unit.ingest.reading import losses, read, refused

CORPORA = Path(__file__).resolve().parents[4] / "../shared/corpora"
DATA = Path(__file__).parent / "data"
EXTRACTIONS = {
    "docx": crude.docx,
    "pptx": crude.pptx,
    "xlsx": crude.xlsx,
    "odt": crude.odf,
    "ods": crude.odf,
    "odp": crude.odf,
    "epub": crude.epub,
}
FILES = sorted(
    path
    for folder in (CORPORA / "formats", CORPORA / "cases", Path(__file__).resolve().parents[4] / "configs")
    for path in folder.rglob("*")
    if path.suffix[1:] in {*EXTRACTIONS, "pdf"}
)
REFUSED = {"table-multi-row-column-cells.pdf": "needs_ocr"}
ONCE = {"handbook-872p.docx": {"effective", "october", "2012"}}
"""Words of headers that several sections have alike: once in the text."""
UNREADABLE = {"pdf-bad-color-space.pdf"}
"""What pdfminer cannot open; the reader does."""

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora"),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_word_of_a_real_file_is_missing_without_a_reason(path: Path) -> None:
    """Deleted and hidden text is no content; a header stands once; what is beside a page or under a box, nobody sees."""
    content = path.read_bytes()
    if path.name in REFUSED:
        assert refused(content, path.name) == REFUSED[path.name]
        return
    document = read(content, path.name)
    kind = format_of(path.name, None, content)
    if kind == "pdf":
        try:
            missing = crude.pdf(content) - Counter(squeezed(document.text))
        except PDFException:
            assert path.name in UNREADABLE
            return
        said = losses(document)
        assert missing.total() <= 200 * sum(said.get(what, 0) for what in ("repeated_line", "page_number", "covered_text"))
        return
    missing = lost(EXTRACTIONS[kind](content), document.text)
    assert missing.keys() <= ONCE.get(path.name, set())


RIGHT = {
    "01-docx-revisions/contract.docx": ("Payment is due within forty-five days of the invoice.", "Late fees are two percent a month.", "Governing law is that of Belgium.", "Price | EUR 12,000"),
    "03-docx-textbox/safety.docx": ("In an emergency call extension 555 at once.",),
    "05-xlsx-values/values.xlsx": ("Namibia | NA | 12345678901234570 | 0.0000001 | None", "France | FR |  | 0.5 | N/A", "Nullville | null | 7 | 2 | nan", "Valid until June only."),
    "07-pptx/deck.pptx": ("Grouped twice: the budget is 40k", "North | Ines Maes Jan Peeters", "Harbour | 1.5", "Say that the launch moved to October."),
    "16-pdf-ligatures/report.pdf": ("The office confirms every final figure of the profit in five days.",),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_the_reported_cases_are_read_right(name: str) -> None:
    """Each of the small files that showed a fault: its words, once; nothing that was deleted."""
    document = read((CORPORA / "cases" / name).read_bytes(), name)
    for text in RIGHT[name]:
        assert document.text.count(text) == 1, text
    assert "thirty" not in words(document.text)
    assert not losses(document)
