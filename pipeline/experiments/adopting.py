"""What a configuration would say to be a variant of an experiment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.experiments.variants import Laboratory
from sluice.errors import ConfigurationError
from sluice.recipe import in_use
from sluice.yaml_files import Unexpanded, read_yaml

SECTIONS = ("chunking", "embedding", "search")
PARSING = "parsing"
"""Keys of a source's section, for every source."""

Sections = Mapping[str, Any]
"""Sections of a configuration, whole, as its file would hold them."""


def sections(lab: Laboratory, name: str) -> Sections:
    """The sections of the configuration that a variant is made of, whole: in place of the base's own they lose nothing of it.

    What a search makes no use of is left out; where it is logged, and what comes from the environment, is as the files write it.
    """
    whole, named = lab.settings(lab.experiment.variant(name)), _written(lab)
    dumped = whole.model_dump(mode="json", include=set(SECTIONS), exclude_none=True)
    dumped["chunking"] |= whole.chunking.options
    log = (_base(lab).get("search") or {}).get("log")
    dumped["search"] = {key: value for key, value in in_use(dumped["search"]).items() if key != "log"}
    dumped["search"] |= {} if log is None else {"log": log}
    endpoint = whole.embedding.endpoint
    if endpoint is not None and endpoint.api_key is not None and (key := named.get(endpoint.api_key.get_secret_value())):
        dumped["embedding"]["endpoint"]["api_key"] = key
    parsing = lab.experiment.variant(name).parsing
    own = {} if parsing is None else {PARSING: parsing.model_dump(mode="json", exclude_none=True)}
    return {section: _as_written(dumped[section], named) for section in SECTIONS} | own


def _base(lab: Laboratory) -> Sections:
    return read_yaml(lab.r.settings.path, Unexpanded())


def _written(lab: Laboratory) -> Mapping[str, str]:
    """What texts that name an environment variable come to → how they are written, in the sections of both files."""
    found: dict[str, str] = {}
    for file in (lab.r.settings.path, lab.experiment.path):
        came_to, written = (
            [text for section in (*SECTIONS, "variants", "grid") for text in _texts(read_yaml(file, variables).get(section))]
            for variables in (os.environ, Unexpanded())
        )
        found |= {text: name for text, name in zip(came_to, written, strict=True) if text and text != name}
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _as_written(value: Any, named: Mapping[str, str]) -> Any:
    """The same with names in the place of what they come to: what is pasted tells nobody a secret."""
    if isinstance(value, dict):
        return {key: _as_written(inner, named) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_written(inner, named) for inner in value]
    return named.get(value, value) if isinstance(value, str) else value


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
    stores = _base(lab).get("stores") or {}  # whole, too: an address that is pasted over is another store
    return {"stores": {**stores, "qdrant": {**(stores.get("qdrant") or {}), "quantization": "int8"}}, "gates": [gate]}
