"""Embedding models: where they are found, their tokens, what runs them, and at which precision.

The only place that imports sentence_transformers, torch and openvino, each when it is first needed: opening a model, its
fingerprint and its tokenizer cost none of them.
"""

from indexing.models.files import ModelFiles, locate
from indexing.models.model import Model, open_model, sparse_encoder

__all__ = ["Model", "ModelFiles", "locate", "open_model", "sparse_encoder"]
