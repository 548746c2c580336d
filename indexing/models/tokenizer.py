"""The embedding model's own tokens, without loading the model: importing this costs neither torch nor transformers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from indexing.models.files import ModelFiles
from indexing.models.hashing import HashingTokenizer
from sluice.errors import ConfigurationError
from sluice.ids import fingerprint

_SURROGATE = re.compile("[\ud800-\udfff]")


class ModelTokenizer:
    """Tokens of a model's tokenizer.json, never truncated and never padded, with character offsets.

    `window` counts special tokens in. `splits_at_whitespace` says that the tokens of a text are those of its parts on
    either side of white space, so that chunks cut there need not be counted again. `special_tokens` is what the encoder
    adds to each document: the model's special tokens, and those of its document prompt where it has one. Safe to use from
    several threads.
    Raises ConfigurationError when the file is not a tokenizer.
    """

    def __init__(self, files: ModelFiles) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        except Exception as error:  # the library raises bare Exception for a file it cannot read
            raise ConfigurationError(
                f"embedding.model: {files.tokenizer} is not a tokenizer: {error}", hint="save the model again, or use another"
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._files = files
        self.splits_at_whitespace = _splits_at_whitespace(self._tokenizer)
        self.window = files.window
        prompt = self._tokenizer.encode(files.document_prompt, add_special_tokens=False) if files.document_prompt else ()
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(False) + len(prompt)
        self.fingerprint = fingerprint(
            "tokenizer", {"file": files.tokenizer_hash, "window": self.window, "special_tokens": self.special_tokens}
        )

    def spans(self, text: str) -> NDArray[np.int32]:
        """Character spans of the tokens of `text`, shape (n, 2), in order, non-overlapping, untruncated.

        Several tokens can come from one character (an emoji in bytes, a Hangul syllable in letters): the first of them has
        the character, the others are empty spans behind it, so that n is always `counts([text])[0]`.
        """
        offsets = np.asarray(self._tokenizer.encode(_valid(text), add_special_tokens=False).offsets, dtype=np.int32).reshape(
            -1, 2
        )
        ends = np.maximum.accumulate(offsets[:, 1])
        starts = np.minimum(np.maximum(offsets[:, 0], np.concatenate([[0], ends[:-1]])), ends)
        return np.stack([starts, ends], axis=1).astype(np.int32)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, untruncated, without special tokens."""
        return [len(e) for e in self._tokenizer.encode_batch_fast([_valid(text) for text in texts], add_special_tokens=False)]

    def document_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """What the model is given for each text: prompt and special tokens included, untruncated."""
        prompt = self._files.document_prompt
        return [e.ids for e in self._tokenizer.encode_batch_fast([prompt + _valid(text) for text in texts])]

    def query_ids(self, text: str) -> list[int]:
        """What the model is given for a query: cut to the window."""
        encoding = self._tokenizer.encode(self._files.query_prompt + _valid(text), add_special_tokens=False)
        encoding.truncate(self.window - self._tokenizer.num_special_tokens_to_add(False))
        return list(self._tokenizer.post_process(encoding).ids)


def _splits_at_whitespace(tokenizer: Tokenizer) -> bool:
    rules = json.loads(tokenizer.to_str())
    return (rules["pre_tokenizer"] or {}).get("type") in {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"} and (
        rules["normalizer"] or {}
    ).get("type") in {None, "BertNormalizer", "Lowercase"}


def _valid(text: str) -> str:
    """The same length without lone surrogates, which broken files contain and UTF-8 cannot carry."""
    return _SURROGATE.sub("\ufffd", text)


def open_tokenizer(files: ModelFiles) -> ModelTokenizer | HashingTokenizer:
    """The tokenizer that sizes texts for this model."""
    return HashingTokenizer(files.window) if files.hashing else ModelTokenizer(files)
