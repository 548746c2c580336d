"""An experiment's file as frozen settings: what varies, over which index's documents, measured on which golden set.

Variants are listed one by one, or made by `grid`: every combination of the values given, named after what differs.
"""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sluice.errors import ConfigurationError
from sluice.settings import (
    ChunkingSettings,
    ConfigPath,
    EmbeddingSettings,
    Languages,
    SearchSettings,
    Section,
    SomeShare,
    SourceSettings,
    validated,
)
from sluice.yaml_files import read_yaml


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 +._-]*", value):
        raise ValueError("a name is made of letters, digits, spaces and + . _ -")
    return value


Name = Annotated[str, AfterValidator(_name)]


Measure = Literal[
    "nDCG@10", "MRR@10", "Recall@10", "Recall@k", "Success@k", "TokenRecall@k", "TokenPrecision@k", "TokenIoU@k", "PrecisionOmega"
]


class VectorsSettings(Section):
    """How vectors are kept, simulated exactly: shortened to `dimensions`, in fewer bits; null and float32: as they are."""

    dimensions: int | None = Field(default=None, ge=1)
    storage: Literal["float32", "float16", "int8", "binary"] = "float32"
    rescore: int = Field(default=0, ge=0, le=100)
    """How many times k candidates are ranked again by the whole vectors; 0: none."""

    def bytes_each(self, dimension: int) -> int:
        """What a search holds of a vector in memory; the whole ones, for `rescore`, may lie on disk."""
        bits = {"float32": 32, "float16": 16, "int8": 8, "binary": 1}[self.storage]
        return math.ceil(min(self.dimensions or dimension, dimension) * bits / 8)


class ParsingSettings(Section):
    """How bytes are read: keys of a source, in place of every source's own; what is left out stays as each source has it."""

    parse: Literal["elements", "verbatim"] | None = None
    clean: tuple[str, ...] | None = None
    ocr: Languages | None = None
    pdf_tables: Literal["fast", "pdfplumber"] | None = None

    def of(self, source: SourceSettings) -> SourceSettings:
        """The source's section with these keys in it."""
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        if given.get("parse") == "verbatim" and "ocr" not in given:
            given["ocr"] = ()  # verbatim takes the bytes as text
        return source.model_copy(update=given)


class VariantSettings(Section):
    """One way to parse, cut, embed and search; what is left out is the base's, or the experiment's `k`."""

    name: Name
    parsing: ParsingSettings | None = None
    chunking: ChunkingSettings | None = None
    search: SearchSettings | None = None
    embedding: EmbeddingSettings | None = None
    vectors: VectorsSettings | None = None
    k: int | None = Field(default=None, ge=1, le=100)


class Grid(Section):
    """Every combination of these; `context` replaces the key of that name in each `chunking`."""

    chunking: tuple[dict[str, Any], ...] = Field(min_length=1)
    parsing: tuple[dict[str, Any], ...] = ()
    context: tuple[str, ...] = ()
    embedding: tuple[dict[str, Any], ...] = ()
    search: tuple[dict[str, Any], ...] = ()
    vectors: tuple[dict[str, Any], ...] = ()
    k: tuple[int, ...] = ()

    def variants(self) -> list[dict[str, Any]]:
        """The variants as a file would list them, named."""
        made = []
        others = (o or (None,) for o in (self.parsing, self.context, self.embedding, self.search, self.vectors, self.k))
        for chunking, parsing, context, embedding, search, vectors, k in itertools.product(self.chunking, *others):
            cut = chunking | ({"context": context} if context else {})
            words = [_called(part) for part in (parsing, cut, embedding, search, vectors) if part]
            words.append(f"k{k}" if k else "")
            given = {"parsing": parsing, "chunking": cut, "embedding": embedding, "search": search, "vectors": vectors, "k": k}
            made.append({"name": " ".join(filter(None, words)), **{key: value for key, value in given.items() if value}})
        return made


def _called(section: Mapping[str, Any]) -> str:
    """A section in a few words: `recursive 200+20 headings`."""
    words = []
    for key, value in section.items():
        match key:
            case "max_tokens":
                words.append(f"{value}+{section['overlap_tokens']}" if section.get("overlap_tokens") else str(value))
            case "overlap_tokens":
                continue
            case "context" if value == "none":
                continue
            case "dense_weight":
                words.append(f"{value:g} dense")
            case "strategy" | "context" | "mode" | "model" | "precision" | "storage" | "parse" | "pdf_tables":
                words.append(str(value))
            case "clean" | "ocr" if isinstance(value, list):
                words.append(f"{key} {'+'.join(map(str, value)) or 'none'}")
            case _:
                words.append(f"{key} {value}")
    return re.sub(r"[^A-Za-z0-9 +._-]+", "-", " ".join(words)).strip("- ")


class ExperimentSettings(Section):
    """What is compared. `base` gives documents, access and defaults; nothing of its index is touched."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    base: ConfigPath
    golden: ConfigPath
    k: int = Field(default=5, ge=1, le=100)
    measure: Measure = "nDCG@10"
    """What decides: a measure's name, `@k` standing for each variant's own k."""
    seed: int = 20_241_121
    baseline: str | None = None
    """The variant to beat: the best of a seeded half of the queries is confirmed against it on the other half."""
    sample: SomeShare | None = None
    """Measure on the judged documents, passages that words find for the questions, and this share of the rest; null: on all."""
    hard: int = Field(default=20, ge=1, le=1000)
    """With `sample` or `racing`: unjudged documents a question that words find, which compete by a passage each."""
    racing: bool = False
    """Stop variants that have lost before everything is embedded for them."""
    variants: tuple[VariantSettings, ...]
    path: Annotated[Path, BeforeValidator(lambda value: value)] = Field(exclude=True)
    """The experiment's file, for messages and for other processes to load again."""

    @property
    def parsings(self) -> tuple[ParsingSettings, ...]:
        """The ways in which variants parse otherwise than the base, each once."""
        return tuple(dict.fromkeys(variant.parsing for variant in self.variants if variant.parsing is not None))

    @model_validator(mode="after")
    def _names_are_unique(self) -> ExperimentSettings:
        names = [variant.name for variant in self.variants]
        if not names:
            raise ValueError("variants: there is none; list them, or give a grid")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two variants are named '{name}'")
        if self.baseline is not None and self.baseline not in names:
            raise ValueError(f"baseline: no variant is named '{self.baseline}' (there are: {', '.join(names)})")
        return self

    def variant(self, name: str) -> VariantSettings:
        """The variant of this name; raises ConfigurationError."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise ConfigurationError(
            f"{self.path}: no variant is named '{name}'",
            hint=f"the variants are: {', '.join(variant.name for variant in self.variants)}",
        )


def load_experiment(path: Path | str, environment: Mapping[str, str] | None = None) -> ExperimentSettings:
    """Read an experiment's file; raises ConfigurationError naming the file and the key."""
    file = Path(path).absolute()
    raw = read_yaml(file, os.environ if environment is None else environment)
    if "path" in raw:
        raise ConfigurationError(f"{file}: unknown key 'path'", hint="remove it")
    grid = raw.pop("grid", None)
    listed = raw.get("variants", [])
    if grid is not None and isinstance(listed, list):
        given = grid if isinstance(grid, dict) else {"chunking": grid}
        raw["variants"] = listed + validated(Grid, given, where=str(file), base=file.parent, prefix="grid.").variants()
    return validated(ExperimentSettings, raw | {"path": file}, where=str(file), base=file.parent)
