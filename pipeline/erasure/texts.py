"""Every text of documents that was or may have been embedded: as this index cuts them, and as its experiments did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import chunking
from indexing.embed import CachedEmbedder
from indexing.protocols import Encoder
from pipeline.resources import Resources
from sluice.errors import ConfigurationError, SluiceError, StoreUnavailable
from sluice.points import Vector
from sluice.records import Document
from sluice.settings import ChunkingSettings, EmbeddingSettings

_TIME = re.compile(r"\d{8}T\d{6}Z(-\d+)?$")


Way = tuple[ChunkingSettings, EmbeddingSettings]
"""To cut, and to embed what was cut."""


def ways(r: Resources, experiments: int | None = None) -> list[Way]:
    """How documents are cut and embedded: by this index, then by its experiments (only so many of the last)."""
    every = [(r.settings.chunking, r.settings.embedding), *_experiments(r, experiments)]
    return list({repr(way): way for way in every}.values())


def compares(r: Resources, chosen: ChunkingSettings) -> bool:
    """Whether a strategy may embed other texts than those of its chunks."""
    if chosen.strategy not in chunking.STRATEGIES:
        return True
    try:
        chunking.build(chosen, r.model.tokenizer, whole=r.settings)
    except ConfigurationError:  # it has to be given an encoder
        return True
    return False


def embedded_texts(r: Resources, documents: Sequence[Document], by: Sequence[Way]) -> Iterator[str]:
    """The texts of chunks, and those that a strategy compared; a way to cut that cannot be had any more is noted."""
    if not documents:
        return
    for chosen, embedding in by:
        try:
            model = r.model if embedding == r.settings.embedding else r.model_of(embedding)
            heard = _Heard(CachedEmbedder(model.encoder, r.stores.vectors).as_encoder())
            whole = r.settings.model_copy(update={"chunking": chosen})
            chunker = chunking.build(chosen, model.tokenizer, whole=whole, encoder=heard)
            for document in documents:
                yield from (chunk.embedded_text for chunk in chunker.chunk(document))
            yield from heard.texts
        except StoreUnavailable:
            raise  # what could not be looked for was not erased
        except SluiceError as error:
            r.progress.note(f"texts of an experiment cannot be cut again ({error.message})")


def _experiments(r: Resources, last: int | None) -> Iterator[tuple[ChunkingSettings, EmbeddingSettings]]:
    """How the variants of recorded experiments cut and embedded: of all of them, or of the last ones."""
    files = sorted((r.settings.state_dir / "experiments").glob("*/experiment.json"), key=_when)
    for file in files if last is None else files[len(files) - min(last, len(files)) :]:
        for variant in json.loads(file.read_text(encoding="utf-8")).get("variants", {}).values():
            section = ChunkingSettings.model_validate(variant["chunking"], context={"base": r.settings.base})
            yield section, EmbeddingSettings.model_validate(variant["embedding"])


def _when(file: Path) -> tuple[str, str]:
    """The time in the name of an experiment's folder."""
    found = _TIME.search(file.parent.name)
    return found.group() if found else "", file.parent.name


class _Heard:
    """An encoder that notes what it is asked: semantic chunking embeds sentences."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.texts = encoder, dict[str, None]()
        self.fingerprint, self.dimension = encoder.fingerprint, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        self.texts |= dict.fromkeys(texts)
        return self._encoder.encode(texts)

    def encode_query(self, text: str) -> Vector:
        return self._encoder.encode_query(text)
