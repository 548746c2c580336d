"""How deep the parts of a message lie in each other, before anything parses them.

The standard library asks of every line whether it ends any of the parts around it: a thousand levels around a million
lines are minutes. No mail program nests beyond a dozen.
"""

from __future__ import annotations

import re

DEEPEST = 100

_DECLARED = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_DELIMITER = re.compile(rb"^--([^\r\n]{1,200}?)(--)?[ \t]*\r?$", re.MULTILINE)


def too_deep(content: bytes) -> bool:
    """Whether parts lie in more than a hundred others; linear in the bytes."""
    declared = {quoted or plain for quoted, plain in _DECLARED.findall(content)}
    if len(declared) <= DEEPEST:
        return False
    open_parts: dict[bytes, None] = {}
    for found in _DELIMITER.finditer(content):
        boundary = found.group(1)
        if boundary not in declared:
            continue
        if boundary in open_parts:
            while next(reversed(open_parts)) != boundary:
                open_parts.popitem()
            if found.group(2):
                open_parts.popitem()
        elif not found.group(2):
            open_parts[boundary] = None
            if len(open_parts) > DEEPEST:
                return True
    return False
