"""Documents to chunks.

`build` makes a Chunker from a configuration's `chunking` section. A strategy is a member of STRATEGIES or a user's
own, `module:Class`; see docs/chunking.md.
"""

from __future__ import annotations

from chunking.chunker import DocumentChunker
from chunking.protocols import Chunker, Encoder, Strategy, Tokenizer
from chunking.spans import Ruler
from chunking.strategy import Given, NoOptions
from sluice import plugins
from sluice.errors import ConfigurationError
from sluice.settings import ChunkingSettings, Settings, options

__all__ = [
    "STRATEGIES",
    "Chunker",
    "DocumentChunker",
    "Encoder",
    "Given",
    "Ruler",
    "Strategy",
    "Tokenizer",
    "build",
]

STRATEGIES: dict[str, str] = {
    "auto": "chunking.auto:Auto",
    "cluster": "chunking.cluster:Cluster",
    "code": "chunking.code:Code",
    "fixed": "chunking.fixed:Fixed",
    "heading": "chunking.heading:Heading",
    "hierarchical": "chunking.hierarchical:Hierarchical",
    "recursive": "chunking.recursive:Recursive",
    "semantic": "chunking.semantic:Semantic",
    "sentence": "chunking.sentence:Sentence",
    "table": "chunking.table:Table",
}
"""Strategies by the name that a configuration gives them."""


def build(
    settings: ChunkingSettings, tokenizer: Tokenizer, *, whole: Settings, encoder: Encoder | None = None
) -> DocumentChunker:
    """The chunker that a configuration asks for; raises ConfigurationError naming the key that is wrong.

    `whole` is the configuration that `settings` belongs to, for messages and relative paths.
    """
    where = f"{whole.path}: chunking"
    allowed = tokenizer.window - tokenizer.special_tokens
    if settings.max_tokens > allowed:
        raise ConfigurationError(
            f"{where}.max_tokens: {settings.max_tokens} tokens and the model's {tokenizer.special_tokens} special ones "
            f"do not fit its window of {tokenizer.window}",
            hint=f"set max_tokens to {allowed} or less: text is never cut in silence",
        )
    strategy = plugins.resolve(settings.strategy, STRATEGIES, kind="strategy", where=f"{where}.strategy")
    ruler = Ruler(tokenizer)
    own = options(getattr(strategy, "Options", NoOptions), settings, where="chunking", settings=whole)
    given = Given(settings.max_tokens, settings.overlap_tokens, ruler, own, encoder)
    try:
        made = strategy(given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{whole.path}: {error.message}", hint=error.hint) from None
    return DocumentChunker(made, ruler, max_tokens=settings.max_tokens, context=settings.context)
