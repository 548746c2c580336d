"""Small children to search, and the larger parent that a reader is given."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from pydantic import Field

from chunking.heading import Heading
from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.spans import Span
from chunking.strategy import Given
from sluice.errors import ConfigurationError
from sluice.records import Document
from sluice.settings import Section


class Options(Section):
    """`parent_tokens`: the largest parent, in tokens; more than `max_tokens`. The model's window does not limit it."""

    parent_tokens: int = Field(default=800, ge=16)


class Hierarchical:
    """Children of at most `max_tokens`, cut like `recursive`, within parents cut like `heading` at `parent_tokens`.

    A child never reaches across two parents. Each chunk carries its parent's span; a search ranks a parent by its best
    child and returns it once.
    """

    Options = Options

    def __init__(self, given: Given) -> None:
        parent_tokens = cast(Options, given.options).parent_tokens
        if parent_tokens <= given.max_tokens:
            raise ConfigurationError(
                f"chunking.parent_tokens: {parent_tokens} is not more than max_tokens ({given.max_tokens}), the size of a child",
                hint="raise parent_tokens, or use the strategy 'heading'",
            )
        self._ruler = given.ruler
        self._pack = Packing(given.max_tokens, given.overlap_tokens, separators(PROSE))
        self._parents = Heading(replace(given, max_tokens=parent_tokens, overlap_tokens=0, options=Heading.Options()))
        self.fingerprint = given.fingerprint("hierarchical", 1)

    def split(self, document: Document) -> list[Span]:
        tokens = self._ruler.tokens(document.text)
        return [child for parent in self.parents(document) for child in self._pack.split(tokens, *parent)]

    def parents(self, document: Document) -> list[Span]:
        return self._parents.split(document)
