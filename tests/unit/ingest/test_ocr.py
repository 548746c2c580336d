"""Scans and pictures: what is printed in them is read where OCR is configured, and never missed in silence."""

from __future__ import annotations

import io
import shutil
from functools import partial
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter

from ingest import ocr, processing
from ingest.processing import Processing, Processor, warm_processor
from ingest.sandbox import Sandbox, SandboxedParser
from sluice.errors import ConfigurationError, DocumentDropped, DocumentError
from sluice.records import Document, RawItem
from sluice.settings import LimitSettings, SourceSettings
from tests.unit.ingest.planted_poison import line, pdf

PRINTED = "Parental leave lasts sixteen weeks."
needs_tesseract = pytest.mark.skipif(shutil.which(ocr.PROGRAM) is None, reason="needs tesseract (Debian: tesseract-ocr)")


def picture(text: str, kind: str = "PNG") -> bytes:
    """A page of paper with this text on it; `kind` PDF makes a scan of it."""
    image = Image.new("L", (1700, 600), 255)
    ImageDraw.Draw(image).text((100, 200), text, fill=0, font=ImageFont.load_default(60))
    out = io.BytesIO()
    image.save(out, kind, **({"resolution": 150} if kind == "PDF" else {}))
    return out.getvalue()


def both(*files: bytes) -> bytes:
    """The pages of these PDFs as one."""
    writer = PdfWriter()
    for file in files:
        writer.append(PdfReader(io.BytesIO(file)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def parsed(uri: str, content: bytes, *languages: str) -> Document:
    return Processor(Processing(ocr=languages)).parse(RawItem(uri, content, "v"), source="s")


@pytest.mark.parametrize(
    ("uri", "content"), [("a.pdf", picture(PRINTED, "PDF")), ("a.png", picture(PRINTED)), ("a", picture(PRINTED, "TIFF"))],
    ids=["scan", "picture", "picture without a name for it"],
)  # fmt: skip
def test_without_ocr_a_scan_says_what_it_is(uri: str, content: bytes) -> None:
    """It is quarantined with a reason of its own, and the error says how to have it read."""
    with pytest.raises(DocumentError) as error:
        parsed(uri, content)
    assert error.value.reason == "needs_ocr"
    assert "ocr: [eng]" in error.value.message


def test_without_ocr_scanned_pages_among_others_are_counted() -> None:
    """The document is kept for its text, and its metadata says of how many pages nothing was read."""
    document = parsed("a.pdf", both(pdf(line("Typed on a keyboard.", 700)), picture(PRINTED, "PDF")))
    assert document.text == "Typed on a keyboard."
    assert document.metadata["pages_without_text"] == "1"


def test_a_page_without_text_and_pictures_is_only_blank() -> None:
    """It needs no OCR: a blank document is empty, a blank page is nothing to count."""
    assert parsed("a.pdf", pdf("0 0 1 rg 10 10 50 50 re f")).text == ""
    assert "pages_without_text" not in parsed("a.pdf", both(pdf(line("Typed.", 700)), pdf(""))).metadata


def configured(**changes: object) -> SourceSettings:
    return SourceSettings.model_validate({"name": "notes", "type": "files", **changes})


@pytest.mark.parametrize(("written", "languages"), [(False, ()), (True, ("eng",)), (["deu", "eng"], ("deu", "eng"))])
def test_ocr_is_switched_or_told_its_languages(written: object, languages: tuple[str, ...]) -> None:
    """`off` and `on` come from YAML as truth values; a list names the languages."""
    assert configured(ocr=written).ocr == languages


def test_ocr_of_verbatim_text_is_a_contradiction() -> None:
    """Verbatim takes bytes as text: that OCR would never run is said, not found out."""
    with pytest.raises(ValueError, match="parse: elements"):
        configured(ocr=True, parse="verbatim")


def test_ocr_that_is_not_installed_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Said when the parser is made, before anything is fetched, with what to install; off needs nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"source 'notes'.*tesseract") as error:
        processing.build(configured(ocr=True))
    assert "tesseract-ocr" in error.value.hint
    processing.build(configured(ocr=False))


@needs_tesseract
def test_a_language_without_data_is_a_wrong_configuration() -> None:
    """The error names the language, those that are there, and the package."""
    with pytest.raises(ConfigurationError, match=r"no data for xho.*eng") as error:
        processing.build(configured(ocr=["eng", "xho"]))
    assert "tesseract-ocr-xho" in error.value.hint


@needs_tesseract
@pytest.mark.parametrize("kind", ["PDF", "PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_what_is_printed_is_read(kind: str) -> None:
    """Of scans and of pictures of every kind."""
    assert parsed(f"a.{kind.lower()}", picture(PRINTED, kind), "eng").text == PRINTED


@needs_tesseract
def test_only_pages_without_text_are_read_by_ocr() -> None:
    """Typed text stays as it is; a printed page stands where it was, with its number."""
    whole = both(picture(PRINTED, "PDF"), pdf(line("Typed on a keyboard.", 700)))
    document = parsed("a.pdf", whole, "eng")
    assert [(document.text[e.start : e.end], e.page) for e in document.elements] == [(PRINTED, 1), ("Typed on a keyboard.", 2)]
    assert "pages_without_text" not in document.metadata


@needs_tesseract
@pytest.mark.parametrize(("uri", "content"), [("a.pdf", picture("", "PDF")), ("a.png", picture(""))], ids=["scan", "picture"])
def test_a_scan_without_text_says_so(uri: str, content: bytes) -> None:
    """Dropped with a reason that is not `empty`: it was looked at, and nothing was found."""
    with pytest.raises(DocumentDropped) as dropped:
        parsed(uri, content, "eng")
    assert dropped.value.reason == "scan_without_text"


@needs_tesseract
def test_a_broken_picture_is_malformed() -> None:
    """One quarantine entry that names it."""
    with pytest.raises(DocumentError, match=r"a\.png") as error:
        parsed("a.png", picture(PRINTED)[:50], "eng")
    assert error.value.reason == "malformed"


@needs_tesseract
def test_ocr_is_part_of_the_fingerprint() -> None:
    """Switched on, or told another language: what it concerns is parsed again."""
    prints = [Processor(Processing(ocr=languages)).fingerprint for languages in ((), ("eng",), ("eng", "deu"))]
    assert len(set(prints)) == 3


@needs_tesseract
@pytest.mark.slow
def test_ocr_is_held_to_the_limits() -> None:
    """In the sandbox a scan is read; one that takes too long is a timeout, and the program that reads it ends with it."""
    sandbox = Sandbox(workers=1)
    scan = RawItem("a.pdf", picture(PRINTED, "PDF"), "v")
    long = RawItem("b.pdf", both(*[scan.content] * 300), "v")
    try:
        chosen = Processing(limits=LimitSettings(timeout_s=30), ocr=("eng",))
        assert (
            SandboxedParser(partial(warm_processor, chosen), "f", chosen.limits, sandbox).parse(scan, source="s").text == PRINTED
        )
        with pytest.raises(DocumentError) as error:
            SandboxedParser(partial(warm_processor, chosen), "f", LimitSettings(timeout_s=3), sandbox).parse(long, source="s")
        assert error.value.reason == "timeout"
    finally:
        sandbox.close()
    assert not readers_left()


def readers_left() -> list[int]:
    """The programs of OCR that still run although the worker that started them is gone; the dead are left to init."""
    running = psutil.process_iter(["name", "ppid", "status"])
    named = [p for p in running if p.info["name"] == ocr.PROGRAM and p.info["status"] != psutil.STATUS_ZOMBIE]
    return [p.pid for p in named if p.info["ppid"] == 1]
