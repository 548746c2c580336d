"""Files of old Office programs: through LibreOffice or antiword, or a reason that says what would help."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from ingest.formats import OLE
from ingest.readers import legacy
from sluice.errors import DocumentError
from tests.crude.words import words
from tests.unit.ingest.old_files import xlsb
from tests.unit.ingest.reading import losses, read

ODD = ("NA", "null", "007", "1e5", "Größe", "年度", "e\u0301", "a | b", "=1+1", "TRUE")
"""Words that are taken for something else."""
DATA = Path(__file__).parent / "data"
CORPORA = Path(__file__).resolve().parents[4] / "../shared/corpora"


def installed(*programs: str) -> legacy.Which:
    return lambda name: f"/usr/bin/{name}" if name in programs else None


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora")
def test_without_a_program_the_reason_says_which_would_help() -> None:
    """And to save it in the new format."""
    content = (CORPORA / "formats/fake.doc").read_bytes()
    with pytest.raises(DocumentError) as error:
        legacy.doc(content, "a.doc", installed())
    assert error.value.reason == "unsupported_type"
    assert all(word in (error.value.hint or "") for word in ("LibreOffice", "antiword", ".docx"))


@pytest.mark.parametrize("kind", ["doc", "ppt", "xlsb"])
def test_what_is_not_the_format_is_refused_before_any_program_starts(kind: str) -> None:
    """Another old file, an encrypted one, a truncated one."""
    reader = {"doc": legacy.doc, "ppt": legacy.ppt, "xlsb": legacy.xlsb}[kind]
    cases = [(OLE + "EncryptedPackage".encode("utf-16-le"), "protected")]
    if kind != "xlsb":
        cases += [((DATA / "rich.xls").read_bytes(), "malformed"), (OLE, "malformed"), (b"text", "malformed")]
    for content, reason in cases:
        with pytest.raises(DocumentError) as error:
            reader(content, f"a.{kind}", installed())
        assert error.value.reason == reason


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
@pytest.mark.parametrize(("source", "kind"), [("rich.odt", "doc"), ("rich.odp", "ppt")])
def test_an_old_file_has_the_words_of_the_new_one(source: str, kind: str, tmp_path: Path) -> None:
    """LibreOffice writes it, we read it: nothing that the new file has is missing, and nothing is left in the folder."""
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", str(tmp_path), str(DATA / source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    document = read((tmp_path / source).with_suffix(f".{kind}").read_bytes(), f"a.{kind}")
    other = read((DATA / source).read_bytes(), source)
    assert not words(undated(other.text)) - words(undated(document.text))
    assert losses(document) == losses(other)


def undated(text: str) -> str:
    """Without what LibreOffice writes for a field of the present day."""
    return re.sub(r"\d\d/\d\d/\d\d", "today", text)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_every_word_of_an_xlsb_comes_back_once() -> None:
    """Every kind of cell, in random places of two sheets: in the order of sheets, rows and cells, through LibreOffice."""
    random = Random(12)
    sheets = {
        name: [
            [(random.choice(("shared", "inline", "formula")), f"{name}{r}y{c} {random.choice(ODD)}") for c in range(3)]
            for r in range(random.randint(3, 8))
        ]
        for name in ("Eins", "Zwei")
    }
    expected = []
    for name, rows in sheets.items():
        expected += [name, "\n".join(" | ".join(text for _, text in row) for row in rows)]
    found = read(xlsb(sheets), "a.xlsb")
    assert found.text == "\n\n".join(expected)
    assert not losses(found)


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir() or shutil.which("antiword") is None, reason="needs ../shared/corpora and antiword")
def test_antiword_gives_the_text_where_libreoffice_is_not() -> None:
    """And the document says that antiword leaves something out."""
    reading = legacy.doc((CORPORA / "formats/fake-doc-emphasized-text.doc").read_bytes(), "a.doc", installed("antiword"))
    table = "Header Col 1 | Header Col 2\nA bold italic bold-italic example | A Link example"
    assert [piece.text for piece in reading.pieces] == [table, "I am a bold italic bold-italic text.", "I am a normal text."]
    assert [loss.what for loss in reading.losses] == ["text_boxes_and_headers"]
