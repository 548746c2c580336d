"""Text out of pictures, by the program `tesseract`: scanned pages of a PDF, and picture files.

Only where a source says so (`ocr: [eng]`) and the program with those languages is there; `check` refuses the
configuration otherwise, before anything is fetched. Pages are rendered and read one at a time, so the memory is one page's.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache

from sluice.errors import ConfigurationError, DocumentError

Languages = tuple[str, ...]
"""Names of tesseract's language data, the first weighs most; empty: OCR is off."""

PROGRAM = "tesseract"
NEEDS_OCR = "needs_ocr"
NO_TEXT = "scan_without_text"
_DPI = 300
_MOST_PIXELS = 40_000_000
"""A page larger than A2 at 300 dpi is rendered smaller, to this many pixels (40 MB in grey)."""


def check(languages: Languages, where: str) -> None:
    """Raise ConfigurationError where the program or the data of a language is missing; names what to install."""
    if not languages:
        return
    if shutil.which(PROGRAM) is None:
        raise ConfigurationError(
            f"{where}: ocr is on, and the program '{PROGRAM}' is not installed",
            hint="install tesseract (Debian: apt-get install tesseract-ocr), or set ocr: off",
        )
    missing = [language for language in languages if language not in installed()]
    if missing:
        packages = " ".join(f"tesseract-ocr-{language.replace('_', '-')}" for language in missing)
        raise ConfigurationError(
            f"{where}: tesseract has no data for {', '.join(missing)} (it has: {', '.join(sorted(installed()))})",
            hint=f"install it (Debian: apt-get install {packages}), or leave the language out of ocr",
        )


@cache
def installed() -> frozenset[str]:
    """The languages that the program knows."""
    lines = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=30, check=False).stdout.splitlines()
    return frozenset(line.strip() for line in lines[1:] if line.strip())


@cache
def version() -> str:
    """The program's version, for fingerprints; '' where it is not installed."""
    if shutil.which(PROGRAM) is None:
        return ""
    ran = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=30, check=False)
    return (ran.stdout or ran.stderr).partition("\n")[0].strip()


def of_picture(content: bytes, uri: str, languages: Languages) -> str:
    """The text in a picture file: lines as printed, paragraphs set apart by a blank line; '' where there is none.

    Raises DocumentError: `malformed` for one that cannot be read, `crashed` when the program dies of it.
    """
    command = [PROGRAM, "stdin", "stdout", "-l", "+".join(languages), "--psm", "3"]
    ran = subprocess.run(command, input=content, capture_output=True, check=False)
    if ran.returncode != 0:
        if ran.returncode < 0:
            how = f"{uri}: OCR died of {signal.Signals(-ran.returncode).name}"
            raise DocumentError("crashed", how, hint="raise the source's limits.memory_mb, or exclude it")
        raise DocumentError("malformed", f"{uri}: no picture that OCR can read", hint="save it again, or exclude it")
    return ran.stdout.decode("utf-8", "replace").replace("\f", "\n\n").strip()


def pictured(content: bytes, pages: Iterable[int]) -> list[int]:
    """Those of these pages of a PDF (from 1) that show a picture; none of a file that PDFium cannot read."""
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        return []
    try:
        kinds = [raw.FPDF_PAGEOBJ_IMAGE]
        return [number for number in pages if number <= len(pdf) and any(True for _ in pdf[number - 1].get_objects(filter=kinds))]
    finally:
        pdf.close()


def of_pages(content: bytes, uri: str, pages: Iterable[int], languages: Languages) -> Iterator[tuple[int, str]]:
    """Each of these pages of a PDF (from 1) with the text that is printed on it."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument(content)
    try:
        for number in pages:
            page = pdf[number - 1]
            width, height = page.get_size()
            scale = min(_DPI / 72, (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
            out = io.BytesIO()
            page.render(scale=scale, grayscale=True).to_pil().save(out, "PNG", compress_level=1)
            page.close()
            yield number, of_picture(out.getvalue(), uri, languages)
    finally:
        pdf.close()
