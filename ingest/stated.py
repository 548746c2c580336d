"""Permissions that a file states where nothing reads them: in a layout, among its properties, in its tables and its markup.

Who wrote them there meant them to hold. So the document is kept out (`bad_front_matter`); it never passes as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ingest import front_block
from ingest.front_keys import meaning
from ingest.frontmatter import bad
from sluice.jsons import loads

_SETTING = re.compile(
    r"^(?P<within>[ \t]{0,4})[\"']?(?P<key>[A-Za-z][\w .-]{1,40}?)[\"']?[ \t]*[:=][ \t]*(?P<value>[^\n]*)", re.MULTILINE
)
_VALUE = re.compile(r"[\[\"'\w]")
_JSON_BEGINS = re.compile(r"[\s\ufeff]*[{\[]")
_MOST_RECORDS = 100
_LARGE, _TAG = 5_000_000, re.compile(r"tags?[\"']?\s*:", re.IGNORECASE)
"""From here on data are read only where something in them is called so: they take ten times their size."""


def refuse_laid_out(text: str, *, uri: str = "") -> None:
    """Raise for the text of a laid-out document (Word, PDF, mail) that begins with a block which names a permission or an expiry.

    Who wrote it there meant it to hold, and nothing reads it: it must not pass as text.
    """
    if key := front_block.begins(text):
        raise bad(uri, f"'{key[:40]}' stands at the head of a document that has no front matter", "use a rule, or take it out")


def refuse_property(key: str, *, uri: str = "") -> None:
    """Raise for a permission among the properties of a file (Word, PDF, a notebook, a message), which nothing reads."""
    raise bad(uri, f"'{key[:40]}' stands among the file's properties, which narrow nothing", "use a rule, or take it out")


def refuse_keys(text: str, *, uri: str = "") -> None:
    """Raise for data (JSON, lines of it, YAML, TOML, properties) of which a key of its own says who may read.

    Its own are those of the outermost object, of what that holds, and of its records. Below the outermost they count with a tag
    or a list of them: a schema that describes such a key grants nothing.
    """
    if key := next(_of_data(text, uri.lower().rpartition(".")[2]), ""):
        hint = "take it in as a source of records (type: records, tags: COLUMN), use a rule, or take it out"
        raise bad(uri, f"the key '{key[:40]}' says who may read, and nothing reads it", hint)


def _of_data(text: str, extension: str) -> Iterator[str]:
    if extension in _LINES_OF_SETTINGS:
        found = _SETTING.finditer(text, 0, front_block.HEAD)
        yield from (m["key"] for m in found if meaning(m["key"]) == "tags" and (not m["within"] or _VALUE.match(m["value"])))
    elif extension in _JSON and _JSON_BEGINS.match(text) and (len(text) <= _LARGE or _TAG.search(text)):
        for value in _values(text):
            records = value[:_MOST_RECORDS] if isinstance(value, list) else [value]
            for record in records:
                inner = list(record.values()) if isinstance(record, dict) else []
                objects = [each for each in (record, *inner) if isinstance(each, dict)]
                yield from (key for each in objects for key, said in each.items() if meaning(key) == "tags" and _names_tags(said))


_LINES_OF_SETTINGS = frozenset(("yaml", "yml", "toml", "ini", "cfg", "conf", "env", "properties"))
_JSON = frozenset(("json", "jsonl", "ndjson"))


def _values(text: str) -> Iterator[Any]:
    """What JSON says, or the first of its lines; nothing of what is none."""
    try:
        yield loads(text)
    except ValueError:
        for line in islice(filter(str.strip, text.splitlines()), _MOST_RECORDS):
            try:
                yield loads(line)
            except ValueError:
                return


def _names_tags(said: Any) -> bool:
    return isinstance(said, str) or (isinstance(said, list) and all(isinstance(tag, str) for tag in said))


def refuse_columns(cells: Iterable[str], *, uri: str = "") -> None:
    """Raise for a table with a column of permissions: it says of each row who may read it, and is read as one document."""
    if column := next((cell for cell in cells if meaning(cell) == "tags"), ""):
        hint = "take it in as a source of records (type: records, tags: COLUMN), or leave the column out"
        raise bad(uri, f"the column '{column[:40]}' says who may read each row, and nothing reads it", hint)


def refuse_marked(text: str, *, uri: str = "") -> None:
    """Raise for the source of XML whose first elements or attributes are named as a permission."""
    if key := front_block.marked(text):
        raise bad(uri, f"'{key[:40]}' stands in the markup, and nothing reads it", "use a rule, or take it out")
