"""A configuration without its secrets, for what is kept and shown: what stands in the file itself, not in the environment."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

_SECRET = re.compile(
    r"(?i)passw(?:or)?d|passphrase|secret|token|api[_-]?key|credential|authorization|cookie|private[_-]?key|^auth$|^pwd$"
)
_HEADERS = re.compile(r"(?i)^headers$")
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_AUTHORITY = re.compile(r"(?<=://)([^\s:/@]*):([^\s]+)@(?=[^\s@]*$)")
_PARAMETER = re.compile(rf"(?i)([?&;][\w.-]*(?:{_SECRET.pattern.removeprefix('(?i)')}|sig|key)[\w.-]*=)([^&;#\s]+)")


def untold(value: Any, key: str = "") -> Any:
    """The plain value with `***` for passwords, tokens, headers, and what an address holds of them; `${NAME}` stays a name.

    A key says what its value is, also of all below it; a text that holds a variable is left, for the rest of it is no secret.
    """
    match value:
        case dict():
            secret = key if _hides(key) else ""
            return {name: untold(item, secret or str(name)) for name, item in value.items()}
        case list():
            return [untold(item, key) for item in value]
        case str() if not value or (_VARIABLE.search(value) and (_hides(key) or "://" not in value)):
            return value
        case str() if _hides(key):
            return HIDDEN
        case str():
            shown = _AUTHORITY.sub(lambda m: m[0] if _VARIABLE.fullmatch(m[2]) else f"{m[1]}:{HIDDEN}@", value)
            return _PARAMETER.sub(lambda m: m[0] if _VARIABLE.fullmatch(m[2]) else f"{m[1]}{HIDDEN}", shown)
        case int() | float() if _hides(key) and not isinstance(value, bool):
            return HIDDEN
    return value


def _hides(key: str) -> bool:
    return bool(_HEADERS.search(key) or _SECRET.search(key)) and not key.startswith(("max_", "min_", "overlap_"))
