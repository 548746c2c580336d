"""What a store can do beyond what is proved of it, and what is lost without: for `sluice doctor`. Imports no client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a server has or has not; `seen` says as what, `lost` what does not work without, empty where it has it."""

    server: Literal["mongodb", "qdrant"]
    feature: str
    there: bool
    seen: str
    lost: str = ""


def feature(server: Literal["mongodb", "qdrant"], name: str, there: bool, seen: str, without: str) -> Feature:
    return Feature(server, name, there, seen, "" if there else without)


def embedded(server: Literal["mongodb", "qdrant"], seen: str) -> list[Feature]:
    """Of a store in this process or on this machine: there is one question, whether another machine gets at it."""
    return [feature(server, "reached from other machines", False, seen, "readers, workers and writers elsewhere: name a server")]
