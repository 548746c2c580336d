"""Sensitivity labels (Microsoft Purview, once Azure Information Protection) that a file or a message carries.

    MSIP_Label_<id>_Enabled, …_Name, …_ContentBits     custom properties of Office files and PDF; a header of messages
    docMetadata/LabelInfo.xml                          newer Office files ([MS-OFFCRYPTO] 2.6), without the label's name

A label that only marks is a classification, which most files of a house carry: metadata `sensitivity` says its name. One that
protects (bit 8 of ContentBits: the file was encrypted for its readers) is a permission, and nothing reads it once a copy is not
encrypted any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SENSITIVITY = "sensitivity"
"""The name of a property: the labels that are on, by name, else by id."""
_KEY = re.compile(r"MSIP_Label_(?P<id>[0-9A-Fa-f-]{36})_(?P<what>\w{1,40})")
_PAIR = re.compile(r"\s*(MSIP_Label_[\w-]{1,80})\s*=\s*([^;]{0,300})(?:;|\Z)")
_ENCRYPTED = 8


@dataclass(frozen=True, slots=True)
class Labels:
    """What the labels are called that are on, and the key of one that says who may read; empty for none."""

    names: tuple[str, ...] = ()
    permission: str = ""

    def beside(self, other: Labels) -> Labels:
        """These and others: a name for an id, where one of the two knows it."""
        return Labels(other.names or self.names, self.permission or other.permission)


NONE = Labels()


def of_pairs(pairs: Iterable[tuple[str, str]]) -> Labels:
    """From properties by name; whatever else they are is passed over."""
    found: dict[str, dict[str, str]] = {}
    for key, value in pairs:
        if match := _KEY.fullmatch(key.strip().lstrip("/")):
            found.setdefault(match["id"].lower(), {})[match["what"].lower()] = value.strip()
    return _labels(found)


def of_header(value: str) -> Labels:
    """From the header `msip_labels` of a message: `MSIP_Label_<id>_Enabled=True; …`."""
    return of_pairs(_PAIR.findall(value))


def of_info(nodes: Iterable[Any]) -> Labels:
    """From the elements of `docMetadata/LabelInfo.xml`."""
    found: dict[str, dict[str, str]] = {}
    for node in nodes:
        if str(node.tag).rpartition("}")[2] == "label" and str(node.get("removed", "0")) in ("0", "false"):
            about = {"enabled": str(node.get("enabled", "1")), "contentbits": str(node.get("contentBits", "0"))}
            found[str(node.get("id", "")).strip("{}").lower()] = about
    return _labels(found)


def _labels(found: Mapping[str, Mapping[str, str]]) -> Labels:
    on = {name: about for name, about in found.items() if about.get("enabled", "true").lower() in ("true", "1")}
    protecting = (f"MSIP_Label_{name}_ContentBits" for name, about in on.items() if _bits(about) & _ENCRYPTED)
    return Labels(tuple(about.get("name") or name for name, about in on.items()), next(protecting, ""))


def _bits(about: Mapping[str, str]) -> int:
    bits = about.get("contentbits", "")
    return int(bits) if bits.isdecimal() and len(bits) < 10 else 0
