"""How a document was cut, kept so that nothing is cut twice: by whatever run, gate, estimate or machine.

A cut is named by all that decides it: what is held of the document (a title may be part of a chunk's context) and the
chunker's fingerprint. It holds no word of the document: a chunk's text is a span of the version, its context is spans of
headings, so it goes when the version goes.
"""

from __future__ import annotations

import json
import traceback
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from indexing.fingerprints import document_fingerprint
from indexing.protocols import Chunker, Cuts
from sluice.blame import own_code
from sluice.errors import NOT_CUT, DocumentError, SluiceError
from sluice.groups import groups
from sluice.ids import IdSum, digest, text_hash, version_id
from sluice.records import Chunk, Cut, Document, DocumentState

VERSION = 1
"""Raised whenever the same name would stand for other chunks, or be kept otherwise."""

MOST_SAID = 300
"""Characters of an error that are kept."""

READ = 1000
"""Cuts held at once while all are read."""


def cut_name(state: DocumentState, chunker: str) -> str:
    """The name of a document's cut by the chunker of this fingerprint."""
    return digest("cut", VERSION, document_fingerprint(state), chunker)


@dataclass(frozen=True, slots=True)
class Uncut:
    """A document that the strategy cannot cut, by key, and what it said; of the first of some, where."""

    document_key: str
    error: str
    trace: str = ""


class NotCut(DocumentError):
    """The strategy cannot cut some of the documents; the cuts of the others are kept."""

    def __init__(self, uncut: Sequence[Uncut]) -> None:
        more = f" (and {len(uncut) - 1} more)" if len(uncut) > 1 else ""
        super().__init__(NOT_CUT, f"{uncut[0].error}{more}", hint="mend the strategy, or choose another one")
        self.uncut = tuple(uncut)
        if uncut[0].trace:
            self.add_note(uncut[0].trace)


@dataclass(frozen=True, slots=True)
class Cutter:
    """A chunker that remembers; without a store of cuts it cuts whatever it is asked.

    What `sums` found is kept until it is told to `forget`: a run asks twice of nearly the same documents.
    """

    chunker: Chunker
    cuts: Cuts | None = None
    _summed: dict[str, IdSum] = field(default_factory=dict, compare=False, repr=False)

    def cut(self, documents: Sequence[tuple[DocumentState, Document]]) -> list[list[Chunk]]:
        """The chunks of each document, in order; what was not known is kept. One read and one write, however many. Raises NotCut
        for those that the strategy cannot cut, once it has tried them all.
        """
        names = [cut_name(state, self.chunker.fingerprint) for state, _ in documents]
        known = self.cuts.get(names, whole=True) if self.cuts is not None else {}
        found, fresh, uncut = list[list[Chunk]](), dict[str, Cut](), list[Uncut]()
        for name, (state, document) in zip(names, documents, strict=True):
            chunks = unpacked(known[name], document) if name in known else None
            if chunks is None:
                try:
                    chunks = self.chunker.chunk(document)
                except Exception as error:
                    if not _of_the_document(error):
                        raise
                    trace = "" if uncut else "".join(traceback.format_exception(error))
                    uncut.append(Uncut(state.key, _told(document, error), trace))
                    continue
                fresh[name] = packed(chunks, state)
            found.append(chunks)
        if self.cuts is not None and fresh:
            self.cuts.put(fresh)
            for name in fresh:
                self._summed.pop(name, None)
        if uncut:
            raise NotCut(uncut)
        return found

    def known(self, states: Iterable[DocumentState]) -> Iterator[tuple[str, Cut]]:
        """The cuts of those documents whose cut is known, with their document keys; without what they are unpacked from."""
        if self.cuts is None:
            return
        for part in groups(states, READ):
            names = {cut_name(state, self.chunker.fingerprint): state.key for state in part}
            for name, cut in self.cuts.get(list(names)).items():
                yield names[name], cut

    def sums(self, states: Iterable[DocumentState]) -> dict[str, IdSum]:
        """For those documents whose cut is known, by document key, what stands for the ids of its chunks."""
        if self.cuts is None:
            return {}
        names = {cut_name(state, self.chunker.fingerprint): state.key for state in states}
        self._summed.update(self.cuts.sums([name for name in names if name not in self._summed]))
        return {key: self._summed[name] for name, key in names.items() if name in self._summed}

    def forget(self) -> None:
        """Let go of what `sums` found."""
        self._summed.clear()


def _of_the_document(error: Exception) -> bool:
    """Whether a strategy fails at this document: not where something that it needs, or the machine, is at fault."""
    return isinstance(error, DocumentError) or not isinstance(error, SluiceError | MemoryError | OSError)


def _told(document: Document, error: Exception) -> str:
    """What is said of a document that could not be cut: where in somebody's own code, and why."""
    if isinstance(error, SluiceError):
        return error.message if document.uri in error.message else f"{document.uri}: {error.message}"
    place = own_code(error)
    return f"{document.uri}: {f'{place}: ' if place else ''}{type(error).__name__}: {str(error)[:MOST_SAID]}"


def packed(chunks: Sequence[Chunk], state: DocumentState) -> Cut:
    """The chunks of a document as a cut of its present version."""
    paths: dict[tuple[str, ...], int] = {}
    contexts: dict[str, int] = {}
    rows = [
        [
            c.start,
            c.end,
            contexts.setdefault(c.context, len(contexts)),
            int(c.context_cut),
            paths.setdefault(c.heading_path, len(paths)),
            c.page,
            list(c.parent) if c.parent is not None else None,
        ]
        for c in chunks
    ]
    rest = json.dumps({"chunks": rows, "contexts": list(contexts), "paths": list(paths)}, separators=(",", ":"))
    return Cut(
        document_key=state.key,
        version=version_id(state.key, state.version, state.parse_fingerprint),
        ids=tuple(c.id for c in chunks),
        tokens=tuple(c.tokens for c in chunks),
        texts=tuple(text_hash(c.embedded_text) for c in chunks),
        rest=zlib.compress(rest.encode("ascii"), level=1),
    )


def unpacked(cut: Cut, document: Document) -> list[Chunk] | None:
    """The chunks that were packed; None when they are not of this document's text, so that it is cut again."""
    rest = json.loads(zlib.decompress(cut.rest))
    paths = [tuple(path) for path in rest["paths"]]
    chunks = [
        Chunk(
            id=id,
            document_key=document.key,
            start=start,
            end=end,
            text=document.text[start:end],
            tokens=tokens,
            context=rest["contexts"][context],
            context_cut=bool(context_cut),
            heading_path=paths[path],
            page=page,
            parent=(parent[0], parent[1]) if parent is not None else None,
        )
        for id, tokens, (start, end, context, context_cut, path, page, parent) in zip(
            cut.ids, cut.tokens, rest["chunks"], strict=True
        )
    ]
    if any(text_hash(chunk.embedded_text) != text for chunk, text in zip(chunks, cut.texts, strict=True)):
        return None
    return chunks
