"""What a configuration would say to be a variant of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.experiments.variants import Laboratory
from sluice.errors import ConfigurationError

SECTIONS = ("chunking", "embedding", "search")
PARSING = "parsing"
"""Keys of a source's section, for every source."""

Sections = Mapping[str, Any]
"""Sections of a configuration, whole, as its file would hold them."""


def sections(lab: Laboratory, name: str) -> Sections:
    """The sections of the configuration that a variant is made of, whole."""
    whole = lab.settings(lab.experiment.variant(name))
    dumped = whole.model_dump(mode="json", include=set(SECTIONS), exclude_none=True)
    dumped["chunking"] |= whole.chunking.options
    parsing = lab.experiment.variant(name).parsing
    own = {} if parsing is None else {PARSING: parsing.model_dump(mode="json", exclude_none=True)}
    return {section: dumped[section] for section in SECTIONS} | own


def kept(lab: Laboratory, name: str) -> Sections:
    """The keys that keep vectors as a variant does, and the gate without which no release may; empty where they stay whole.

    Raises ConfigurationError for a way that was simulated and that no store of Sluice's keeps.
    """
    vectors = lab.experiment.variant(name).vectors
    if vectors is None or (vectors.dimensions is None and vectors.storage == "float32"):
        return {}
    if vectors.storage != "int8" or vectors.dimensions is not None or not vectors.rescore:
        raise ConfigurationError(
            f"{lab.experiment.path}: variant '{name}' is of vectors kept in a way that is simulated and has no key",
            hint="what a Qdrant server can be told is {storage: int8, rescore: N} with all dimensions; adopt such a variant, or "
            "one without `vectors`",
        )
    gate = {"type": "exact", "golden": str(lab.experiment.golden), "k": lab.k(lab.experiment.variant(name))}
    return {"stores": {"qdrant": {"quantization": "int8"}}, "gates": [gate]}
