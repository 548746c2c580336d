"""The embedding model of an index: its tokenizer and its encoder, at a precision that is decided once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from indexing.models.device import gpu_likely, resolve
from indexing.models.encoder import ModelEncoder, open_encoder
from indexing.models.files import BUNDLED, locate
from indexing.models.hashing import HashingEncoder, HashingTokenizer
from indexing.models.precision import decide_precision
from indexing.models.remote import RemoteEncoder
from indexing.models.tokenizer import ModelTokenizer, open_tokenizer
from indexing.sparse import Bm25Encoder
from sluice.once import once

if TYPE_CHECKING:  # the benchmark of models is carried to machines without pydantic
    from sluice.settings import EmbeddingSettings, EndpointSettings

AnyTokenizer = ModelTokenizer | HashingTokenizer
AnyEncoder = ModelEncoder | HashingEncoder | RemoteEncoder


class Model:
    """A model, each part made when it is first asked for; `precision` is asked for at most once."""

    def __init__(
        self,
        tokenizer: Callable[[], AnyTokenizer],
        precision: Callable[[], str],
        encoder: Callable[[str], AnyEncoder],
        *,
        queries_as_documents: bool,
    ) -> None:
        self.queries_as_documents = queries_as_documents
        """Whether the model is given the same for a query as for a document: no prompt, or one for both."""
        self._make_tokenizer = tokenizer
        self._make_precision = precision
        self._make_encoder = encoder
        self.lock = RLock()

    @once
    def tokenizer(self) -> AnyTokenizer:
        return self._make_tokenizer()

    @once
    def precision(self) -> str:
        return self._make_precision()

    @once
    def encoder(self) -> AnyEncoder:
        return self._make_encoder(self.precision)

    def rest(self) -> None:
        """Let go of what running the model takes, where it is opened; whoever embeds next opens it again."""
        with self.lock:
            opened = vars(self).get("encoder")
        if isinstance(opened, ModelEncoder):
            opened.rest()


def open_model(
    embedding: EmbeddingSettings,
    *,
    base: Path,
    cache: Path,
    decide: Callable[[str, Any], Any],
    decided: Callable[[str], Any],
    note: Callable[[str], None] = lambda _message: None,
) -> Model:
    """The model a configuration names, relative paths against `base`; what is made of models is kept in `cache`.

    `precision: auto` is measured when the precision is first asked for and nothing was `decided(name)` for this index and
    model, and then recorded by `decide(name, value)`, which returns what holds, whoever came first. Raises
    ConfigurationError and IntegrityError as `locate` does.
    """
    if embedding.endpoint is not None:
        return _remote(embedding.model, embedding.endpoint, base, cache)
    files = locate(embedding.model, base, stamps=cache)

    def precision() -> str:
        if embedding.precision != "auto" or files.hashing:
            return "fp32" if embedding.precision == "auto" else embedding.precision
        name = f"precision/{files.identity[:32]}"
        if (held := decided(name)) is None:
            measured = f"embedding.precision: auto: measuring what is fastest for {files.name}, once on this machine"
            decision = decide_precision(files, cache, resolve(embedding.device), measuring=lambda: note(measured))
            held = decide(name, decision.as_json())
            note(f"embedding.precision: {held['precision']} (as measured on this machine: {decision.summary})")
        return str(held["precision"])

    def encoder(chosen: str) -> AnyEncoder:
        if not gpu_likely(embedding.device):
            resolve(embedding.device)  # one that is asked for by name and not here is refused now, not after parsing
        return open_encoder(files, chosen, cache, embedding.device)

    same = files.query_prompt == files.document_prompt
    return Model(lambda: open_tokenizer(files), precision, encoder, queries_as_documents=same)


def _remote(name: str, endpoint: EndpointSettings, base: Path, cache: Path) -> Model:
    """A model behind an endpoint: counted by its own tokenizer where the configuration names one."""
    files = replace(
        locate(endpoint.tokenizer or BUNDLED, base, stamps=cache),
        window=endpoint.window,
        document_prompt=endpoint.document_prompt,
    )

    def encoder(_precision: str) -> RemoteEncoder:
        return RemoteEncoder(name, endpoint, open_tokenizer(files))

    same = endpoint.query_prompt == endpoint.document_prompt
    return Model(lambda: open_tokenizer(files), lambda: "fp32", encoder, queries_as_documents=same)


def sparse_encoder() -> Bm25Encoder:
    """The sparse side of sparse and hybrid search."""
    return Bm25Encoder()
