"""What decides what an index answers: how its documents are cut, embedded and searched, in one record.

A release keeps its recipe whole, and whatever answers from it (a reader, a gate, an experiment's variant) is opened from
that and from nothing else: a setting that is in no recipe changes no answer, and one that is in it is never lost on the way.
A new key of the sections `chunking`, `embedding` or `search` is in the record and in its hashes by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sluice.errors import ReleaseError
from sluice.ids import digest, fingerprint
from sluice.releases import Release
from sluice.settings import ChunkingSettings, EmbeddingSettings, SearchSettings, Settings

POINTS_FORMAT = 2
"""Raised whenever the same documents, chunker and encoders would give other points: no release is a delta of another format."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the opened parts are, by their own fingerprints: a name, a folder or a version says less.

    `sparse` is empty where points have no sparse vector, `reranker` where nothing reads hits again.
    """

    chunking: str
    model: str
    sparse: str = ""
    reranker: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one index is cut, embedded (`precision` as decided, never `auto`) and searched, and what that came to.

    Two hashes say what a difference costs. `points`: what decides ids, vectors and payloads of the points of given documents.
    `answers`: that, and what decides which of them answer a query, in which order, with which score.
    """

    chunking: ChunkingSettings
    embedding: EmbeddingSettings
    search: SearchSettings
    parts: Parts
    format: int = POINTS_FORMAT

    @classmethod
    def of(cls, settings: Settings, precision: str, parts: Parts) -> Recipe:
        """The recipe of a configuration, with what was decided and opened for it. Where searches are logged is no part of it."""
        embedding = settings.embedding.model_copy(update={"precision": precision})
        return cls(settings.chunking, embedding, settings.search.model_copy(update={"log": None}), parts)

    @classmethod
    def of_release(cls, release: Release) -> Recipe:
        """The recipe that a release keeps; ReleaseError for what no version of Sluice has written.

        A release from before there were recipes gives the one that it has been answering by: it kept its mode and nothing
        else of its search. No release of today is a delta of it.
        """
        kept = release.recipe or {
            "chunking": {"strategy": str(release.configuration.get("chunking", {}).get("strategy", "recursive"))},
            "embedding": release.configuration.get("embedding", {}),
            "search": {"mode": release.configuration.get("search", {}).get("mode", "dense")},
            "parts": {name: release.fingerprints.get(name, "") for name in ("chunking", "model", "sparse")},
            "format": 0,
        }
        try:
            return cls(
                ChunkingSettings.model_validate(kept["chunking"], context={"base": Path()}),
                EmbeddingSettings.model_validate(kept["embedding"]),
                SearchSettings.model_validate(kept["search"]),
                Parts(**kept["parts"]),
                int(kept["format"]),
            )
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            why = " ".join(str(error).split())[:200]
            raise ReleaseError(
                f"the recipe that release {release.id} keeps cannot be read: {why}",
                hint="it was written by another version of Sluice: use that one, or run again to build a new release",
            ) from None

    def as_json(self) -> dict[str, Any]:
        """Plain data, as a release keeps it; `of_release` gives the recipe back."""
        return {
            "chunking": _plain(self.chunking) | self.chunking.options,
            "embedding": _plain(self.embedding),
            "search": _plain(self.search),
            "parts": {name: getattr(self.parts, name) for name in Parts.__slots__},
            "format": self.format,
        }

    @property
    def sparse(self) -> bool:
        """Whether points have a sparse vector."""
        return bool(self.parts.sparse)

    @property
    def points(self) -> str:
        """Hash of what decides the points of given documents."""
        return digest("points", self.format, self.parts.chunking, self.parts.model, self.parts.sparse)

    @property
    def answers(self) -> str:
        """Hash of what decides the answers of given documents; settings that the mode does not use are no part of it."""
        how = in_use(_plain(self.search))
        how.pop("rerank")
        return fingerprint("answers", {**how, "points": self.points, "reranker": self.parts.reranker})

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """What a manifest shows of it, by what it is about."""
        return {"chunking": self.parts.chunking, "model": self.parts.model, "sparse": self.parts.sparse, "search": self.answers}


def in_use(search: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a search without those that what it does makes no use of."""
    unused = {"dense_weight"} if search["mode"] != "hybrid" else set[str]()
    unused |= {"rerank_k"} if search.get("rerank") is None else set()
    return {key: value for key, value in search.items() if key not in unused}


def _plain(section: BaseModel) -> dict[str, Any]:
    return {key: value for key, value in section.model_dump(mode="json").items() if key not in ("log", "options")}
