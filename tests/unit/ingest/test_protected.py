"""`protected` is what a library says of a file, never a word that an error happens to quote."""

from __future__ import annotations

import pytest

from ingest.parse import _guarded
from sluice.errors import DocumentError


class PDFPasswordIncorrect(Exception):
    """As pdfminer names it."""


class XLRDError(Exception):
    """As xlrd names it."""


def _wrapped() -> None:
    try:
        raise PDFPasswordIncorrect
    except PDFPasswordIncorrect as error:
        raise ValueError("cannot partition") from error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PDFPasswordIncorrect(), "protected"),
        (XLRDError("Workbook is encrypted"), "protected"),
        (RuntimeError("File 'a.xml' is encrypted, password required for extraction"), "protected"),
        (ValueError("line 3: unexpected 'password: hunter2'"), "malformed"),
        (ValueError("the file is encrypted"), "malformed"),
        (KeyError("encrypted"), "malformed"),
        (RuntimeError("cannot decrypt heading 'how to decrypt a password'"), "malformed"),
    ],
)
def test_only_a_librarys_own_word_counts(error: Exception, reason: str) -> None:
    """An author's text about passwords makes no document protected."""

    def work() -> None:
        raise error

    with pytest.raises(DocumentError) as refused:
        _guarded("a", work)
    assert refused.value.reason == reason


def test_a_wrapped_error_is_looked_into() -> None:
    """Libraries wrap each other's errors."""
    with pytest.raises(DocumentError) as refused:
        _guarded("a", _wrapped)
    assert refused.value.reason == "protected"
