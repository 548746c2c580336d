"""JSON as strangers write it: bounded, and without what no store, terminal or reader could take.

size        at most `MOST_VALUES` commas and brackets, counted before anything is built: a megabyte of `[` cannot become
            a gigabyte of lists
nesting     at most `DEEPEST`
names       one that an object gives twice makes the object `Doubled`: readers differ on which value counts
numbers     NaN and Infinity are no JSON, and are nothing (null); digits beyond what a store keeps stay as text
text        lone surrogates (half a character) become U+FFFD
encoding    UTF-8, UTF-16 or UTF-32, with or without a mark
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

MOST_VALUES = 4_000_000
DEEPEST = 200
_DEEP = f"it is nested more than {DEEPEST} deep"
_STRUCTURE = ("[", "{", ",")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Doubled(dict[str, Any]):
    """An object that gives a name twice; `names` says which."""

    names: tuple[str, ...] = ()


def loads(source: str | bytes) -> Any:
    """What JSON says; raises ValueError for what is none, or beyond its bounds."""
    text = source if isinstance(source, str) else _text(source)
    if sum(map(text.count, _STRUCTURE)) > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    found = bounded(text.removeprefix("\ufeff"), object_pairs_hook=_object, parse_constant=_nothing, parse_int=_integer)
    if _MAYBE_SURROGATE.search(text) or _SURROGATE.search(text):
        return _mended(found)
    return found


def bounded(text: str, **how: Any) -> Any:
    """`json.loads`, but ValueError for what is nested more than `DEEPEST` deep.

    How deep the standard library itself reads is the interpreter's: its version, and its limit of calls.
    """
    try:
        found = json.loads(text, **how)
    except RecursionError:
        raise ValueError(_DEEP) from None
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(found):
        raise ValueError(_DEEP)
    return found


def doubled(value: Any) -> tuple[str, ...]:
    """Names that an object, or one within it, gives twice."""
    waiting, names = [value], dict[str, None]()
    while waiting:
        match waiting.pop():
            case Doubled() as found:
                names |= dict.fromkeys(found.names)
                waiting += found.values()
            case dict() as found:
                waiting += found.values()
            case list() as found:
                waiting += found
    return tuple(names)


def _text(content: bytes) -> str:
    return content.decode(json.detect_encoding(content))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = Doubled(found)
    twice.names = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return twice


def _nothing(_: str) -> None:
    return None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else _long(digits)


def _long(digits: str) -> int | str:
    if len(digits) > 20:
        return digits
    return number if -(2**63) <= (number := int(digits)) < 2**63 else digits


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(DEEPEST):
        level = [
            child
            for outer in level
            if isinstance(outer, dict | list)
            for child in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _mended(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case Doubled():
            twice = Doubled({_mended(name): _mended(inner) for name, inner in value.items()})
            twice.names = tuple(map(_mended, value.names))
            return twice
        case dict():
            return {_mended(name): _mended(inner) for name, inner in value.items()}
        case list():
            return [_mended(inner) for inner in value]
    return value
