"""Permissions that a file states where nothing reads them: in a layout, among its properties, in its tables and its markup.

Who wrote them there meant them to hold. So the document is kept out (`bad_front_matter`); it never passes as text.
"""

from __future__ import annotations

from collections.abc import Iterable

from ingest import front_block
from ingest.front_keys import meaning
from ingest.frontmatter import bad


def refuse_laid_out(text: str, *, uri: str = "") -> None:
    """Raise for the text of a laid-out document (Word, PDF, mail) that begins with a block which names a permission or an expiry.

    Who wrote it there meant it to hold, and nothing reads it: it must not pass as text.
    """
    if key := front_block.begins(text):
        raise bad(uri, f"'{key[:40]}' stands at the head of a document that has no front matter", "use a rule, or take it out")


def refuse_property(key: str, *, uri: str = "") -> None:
    """Raise for a permission among the properties of a file (Word, PDF, a notebook, a message), which nothing reads."""
    raise bad(uri, f"'{key[:40]}' stands among the file's properties, which narrow nothing", "use a rule, or take it out")


def refuse_columns(cells: Iterable[str], *, uri: str = "") -> None:
    """Raise for a table with a column of permissions: it says of each row who may read it, and is read as one document."""
    if column := next((cell for cell in cells if meaning(cell) == "tags"), ""):
        hint = "take it in as a source of records (type: records, tags: COLUMN), or leave the column out"
        raise bad(uri, f"the column '{column[:40]}' says who may read each row, and nothing reads it", hint)


def refuse_marked(text: str, *, uri: str = "") -> None:
    """Raise for the source of XML whose first elements or attributes are named as a permission."""
    if key := front_block.marked(text):
        raise bad(uri, f"'{key[:40]}' stands in the markup, and nothing reads it", "use a rule, or take it out")
