"""Media types by name, from Python's own table: the same on every machine."""

from __future__ import annotations

import mimetypes

_TYPES = mimetypes.MimeTypes(filenames=())
_TYPES.add_type("text/markdown", ".md")
_TYPES.add_type("text/markdown", ".markdown")


def media_type(uri: str) -> str | None:
    """What a uri's extension names; None for one that is not known."""
    return _TYPES.guess_type(uri)[0]
