"""What every strategy is built from."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

from chunking.protocols import Encoder
from chunking.spans import Ruler
from sluice.errors import ConfigurationError
from sluice.ids import fingerprint
from sluice.settings import Section


class NoOptions(Section):
    """A strategy without keys of its own."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a strategy's constructor is handed: sizes in tokens, its own checked options, and a ruler to measure with.

    A strategy is a class with `Options` (a pydantic model of the keys that are its own; none without one), a
    constructor that takes one `Given`, a `fingerprint` and `split(document)`.
    """

    max_tokens: int
    overlap_tokens: int
    ruler: Ruler
    options: BaseModel = field(default_factory=NoOptions)
    encoder: Encoder | None = None

    def encoding(self) -> Encoder:
        """The encoder; raises ConfigurationError when there is none."""
        if self.encoder is None:
            raise ConfigurationError(
                "chunking.strategy: this strategy compares meanings, and no encoder was handed to chunking.build",
                hint="hand it one: chunking.build(..., encoder=...)",
            )
        return self.encoder

    def fingerprint(self, name: str, version: int, **more: str) -> str:
        """The fingerprint of a strategy whose spans depend on its name, its version, the sizes, its options and `more`."""
        sizes = {"max_tokens": self.max_tokens, "overlap_tokens": self.overlap_tokens, **more}
        return fingerprint(
            "strategy", {"name": name, "version": version, **sizes, "options": self.options.model_dump(mode="json")}
        )
