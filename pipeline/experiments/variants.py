"""An experiment on the documents of its base: each variant cut, embedded and searched, in memory.

Nothing live is touched: documents are read from the base's MongoDB, vectors go through its cache, and what is found lies
below `state_dir/experiments`. No collection is made, so neither Qdrant nor the index's lease is needed.

Over 300 lines: one laboratory, whose parts share what is made once for several variants.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import numpy as np

import chunking
import evaluation
from evaluation.experiments import (
    ExperimentSettings,
    ParsingSettings,
    VariantResult,
    VariantSettings,
    check,
    load_experiment,
    run_variant,
)
from evaluation.experiments.racing import Race, Stopped
from evaluation.experiments.record import Results
from evaluation.experiments.running import VERSION
from indexing.compression import Stored, overlap
from indexing.cuts import Cutter
from indexing.embed import CachedEmbedder
from indexing.exact import ExactSearch
from indexing.fingerprints import access_root, release_fingerprint
from indexing.models import Model, sparse_encoder
from indexing.payload import payload
from indexing.protocols import Cuts
from indexing.queries import KnownQueries
from indexing.search import Searcher
from ingest.protocols import Parser
from pipeline.experiments.parsed import Parsed, parse, parsers
from pipeline.experiments.sampling import Part, Sampling
from pipeline.experiments.variant_parts import AsRead, Corpus, Costs, Counted, Documents, Made, Prepared, Unpriced
from pipeline.resources import Resources, shared
from sluice.access import AccessTags, every_tag
from sluice.errors import ConfigurationError
from sluice.ids import digest, merkle_root, text_hash, version_id
from sluice.points import Point
from sluice.recipe import Recipe
from sluice.records import Chunk, Document, DocumentState
from sluice.settings import EmbeddingSettings, Settings

Cut = list[tuple[DocumentState, Document, list[Chunk]]]

RACED_AT_ONCE = 10
"""Questions that a race asks between two looks."""
RACED_SHARE = 0.05
"""Of the documents that no question needs, how many stand beside those that one does."""


class Laboratory:
    """One experiment on an opened base. What several variants share is made once: documents, labels, models, queries."""

    def __init__(self, r: Resources, experiment: ExperimentSettings) -> None:
        self.r, self.experiment = r, experiment
        self.folder = r.settings.state_dir / "experiments"
        self.results = Results(self.folder / "results")
        self._models: dict[EmbeddingSettings, tuple[Model, CachedEmbedder, KnownQueries]] = {}
        self._compares: dict[str, bool] = {}
        """By a chunker's fingerprint: whether it compares meanings."""
        self._parsing: dict[ParsingSettings, dict[str, Parser]] = {}
        self._made: dict[tuple[str, str, ParsingSettings | None], Made] = {}
        """By what is cut and embedded how: of one group of variants, but while they race of all, on what little a race needs."""
        self._races = False
        self._embedded = 0
        self._lock = threading.RLock()

    # ── what every variant is measured on ────────────────────────────────────────────────────────────────────────

    @cached_property
    def golden(self) -> evaluation.GoldenSet:
        """The questions that decide: those that somebody asked, or the drafted ones where there are no others."""
        whole = evaluation.load_golden(self.experiment.golden)
        real = whole.of(synthetic=False)
        return real if real.queries else whole

    @property
    def drafted(self) -> int:
        """How many of the questions that decide were drafted: all of them, or none."""
        return sum(query.synthetic for query in self.golden.queries)

    @cached_property
    def states(self) -> list[DocumentState]:
        return self.r.stores.documents.read()

    @cached_property
    def documents(self) -> list[tuple[DocumentState, Document]]:
        """The documents that a release built now would hold."""
        ids = {s.key: version_id(s.key, s.version, s.parse_fingerprint) for s in self.states if s.in_release}
        held = self.r.stores.versions.get(list(ids.values()))
        return [(s, held[ids[s.key]]) for s in self.states if s.in_release and ids[s.key] in held]

    @property
    def resolved(self) -> evaluation.ResolvedSet:
        """The golden labels in the documents as the index holds them."""
        return self.as_read[None].resolved

    @cached_property
    def as_read(self) -> dict[ParsingSettings | None, AsRead]:
        """The documents and labels by how variants parse: None as the index does, all on the same labels."""
        found: dict[ParsingSettings | None, Parsed] = {None: Parsed(self.documents)}
        for parsing in self.experiment.parsings:
            found[parsing] = parse(self.r, self._parsers(parsing), self.documents, self.folder / "parsed")
        views = [self.r.corpus(versions=None if parsing is None else parsed) for parsing, parsed in found.items()]
        together = evaluation.resolve_together(self.golden, views)
        return {
            parsing: AsRead(parsed.documents, resolved, {} if parsing is None else parsed.cost())
            for (parsing, parsed), resolved in zip(found.items(), together, strict=True)
        }

    def _parsers(self, parsing: ParsingSettings) -> dict[str, Parser]:
        with self._lock:
            if parsing not in self._parsing:
                self._parsing[parsing] = parsers(self.r, parsing)
            return self._parsing[parsing]

    def read_by(self, variant: VariantSettings) -> AsRead:
        """What a variant's parser makes of the documents."""
        return self.as_read[variant.parsing]

    def texts(self, variant: VariantSettings, documents: Documents | None = None) -> Corpus:
        """The texts that a variant's places are of."""
        tokenizer = self._model(self.settings(variant).embedding)[0].tokenizer
        return Corpus({s.key: d.text for s, d in documents or self.read_by(variant).documents}, tokenizer)

    @cached_property
    def everyone(self) -> AccessTags:
        return every_tag(state.tags for state in self.states)

    @cached_property
    def corpus_fingerprint(self) -> str:
        """Changes with any document, its parsing, its status or who may read it."""
        states = merkle_root(digest("state", s.key, s.status, s.content_hash, s.dropped) for s in self.states)
        return digest("corpus", release_fingerprint(self.states, ""), access_root(self.states), states)

    @cached_property
    def sampling(self) -> Sampling:
        share, how = self.experiment.sample or RACED_SHARE, self.experiment
        return Sampling(self.documents, share, how.hard, how.seed, passages=not how.parsings)

    @cached_property
    def part(self) -> Part | None:
        """What variants are measured on: the experiment's sample; None for everything."""
        return None if self.experiment.sample is None else self.sampling.of(self.resolved.scored)

    @property
    def measured(self) -> list[tuple[DocumentState, Document]]:
        """The documents of which anything is measured."""
        return self.documents if self.part is None else self.part.documents(self.documents)

    def look_again(self) -> None:
        """Forget what was read of the documents: they were just ingested."""
        for name in ("states", "documents", "as_read", "everyone", "corpus_fingerprint", "sampling", "part"):
            self.__dict__.pop(name, None)

    # ── variants ─────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Everything that can be wrong before anything is done: the golden set, and every variant's keys and model.

        Raises ConfigurationError naming the experiment's file and the key or the variant.
        """
        where, golden = self.experiment.path, self.experiment.golden
        if not golden.exists():
            hint = "the path is relative to the experiment's file; `sluice golden import` makes one of other formats"
            raise ConfigurationError(f"{where}: golden: {golden}: no such file", hint=hint)
        _ = self.golden
        for variant in self.experiment.variants:
            try:
                self.chunker(variant)
                if variant.parsing is not None:
                    self._parsers(variant.parsing)
                self._shortens(variant)
            except ConfigurationError as error:
                if str(where) in error.message:
                    raise
                raise ConfigurationError(f"{where}: variant '{variant.name}': {error.message}", hint=error.hint) from None

    def _shortens(self, variant: VariantSettings) -> None:
        """Raise ConfigurationError for `dimensions` of which the model has no more: nothing would be shortened."""
        wanted = variant.vectors.dimensions if variant.vectors is not None else None
        model = self._model(self.settings(variant).embedding)[0]
        if wanted is not None and wanted > (there := model.encoder.dimension):
            raise ConfigurationError(f"vectors.dimensions: {wanted}, and the model gives {there}", hint=f"{there} or fewer")

    def check_labels(self) -> None:
        """Whether the documents and labels can decide by the experiment's measure; asked before any variant is measured."""
        try:
            check(self.resolved, self.experiment.measure)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.experiment.path}: {error.message}", hint=error.hint) from None

    def settings(self, variant: VariantSettings) -> Settings:
        """The base with the variant's sections in place of its own; messages name the variant."""
        base = self.r.settings
        own = {"chunking": variant.chunking, "embedding": variant.embedding, "search": variant.search}
        named = {"path": Path(f"{self.experiment.path}: variant '{variant.name}'")}
        return base.model_copy(update={key: value for key, value in own.items() if value is not None} | named)

    def k(self, variant: VariantSettings) -> int:
        return variant.k or self.experiment.k

    def chunker(self, variant: VariantSettings, encoder: Counted | None = None) -> chunking.Chunker:
        whole = self.settings(variant)
        model, embedder, _ = self._model(whole.embedding)
        return chunking.build(whole.chunking, model.tokenizer, whole=whole, encoder=encoder or embedder.as_encoder())

    def fingerprint(self, variant: VariantSettings) -> str:
        """Of all that can change a variant's result; its name is not part of it."""
        measured = self.corpus_fingerprint, self.golden.fingerprint, self.recipe(variant).answers, self.k(variant)
        how = self.experiment
        sampled = () if how.sample is None else ("passages", repr(how.sample), how.hard, how.seed)
        kept = () if variant.vectors is None else ("vectors", variant.vectors.model_dump_json())
        return digest("variant", VERSION, *measured, *sampled, *kept, *self._parsed_as(variant))

    def _parsed_as(self, variant: VariantSettings) -> Sequence[str]:
        """The parsers that read its documents, and those of the other variants: what any of them finds is no stale label."""
        if not self.experiment.parsings:
            return ()
        each = {parsing: self._fingerprint_of(parsing) for parsing in self.experiment.parsings}
        return ("parsed", "" if variant.parsing is None else each[variant.parsing], *sorted(each.values()))

    def _fingerprint_of(self, parsing: ParsingSettings) -> str:
        return digest("parsers", *(f"{name} {parser.fingerprint}" for name, parser in self._parsers(parsing).items()))

    def recipe(self, variant: VariantSettings) -> Recipe:
        """How a variant is cut, embedded and searched: what it is."""
        whole = self.settings(variant)
        return self.r.recipe_of(whole, self._model(whole.embedding)[0], self.chunker(variant))

    def recorded(self, variant: VariantSettings) -> VariantResult | None:
        """The result of an earlier run on this corpus and golden set."""
        return self.results.get(self.fingerprint(variant))

    def pending(self) -> list[VariantSettings]:
        """The variants that no earlier run answers, each result once; those that cut and embed alike one after the other."""
        fresh: dict[str, VariantSettings] = {}
        for variant in self.experiment.variants:
            if self.recorded(variant) is None:
                fresh.setdefault(self.fingerprint(variant), variant)
        groups: dict[object, list[VariantSettings]] = {}
        for variant in fresh.values():
            groups.setdefault(self._group(variant, self.chunker(variant)), []).append(variant)
        return [variant for group in groups.values() for variant in group]

    def _group(self, variant: VariantSettings, chunker: chunking.Chunker) -> tuple[str, str, ParsingSettings | None]:
        """What variants that cut and embed alike have in common."""
        model, _, _ = self._model(self.settings(variant).embedding)
        return chunker.fingerprint, model.encoder.fingerprint, variant.parsing

    def _shared(self, variant: VariantSettings, chunker: chunking.Chunker) -> Made:
        """What was made for variants that cut and embed like this one."""
        group = self._group(variant, chunker)
        if group not in self._made and not self._races:
            self._made.clear()
        return self._made.setdefault(group, Made())

    def run(self, name: str) -> VariantResult:
        """Measure a variant and record its result."""
        variant = self.experiment.variant(name)
        identity = self.fingerprint(variant)
        documents = len(self.measured)
        with self.r.progress.stage(f"variant {name}", documents):
            result = self._measured(variant, identity)
            self.r.progress.advance(documents)
        self.results.put(result)
        return result

    def race(self) -> tuple[Stopped, ...]:
        """Put the questions to all variants in blocks, each on a small corpus of its own, and stop those that have lost.

        What is embedded for it is a part of what a variant that goes on needs anyway. Nothing is recorded.
        """
        names = [variant.name for variant in self.experiment.variants]
        race, measure = Race(names, spare=self.experiment.baseline), self.experiment.measure
        drawn = np.random.default_rng(self.experiment.seed).permutation(len(self.resolved.scored))
        order = [self.resolved.scored[i] for i in drawn]
        self._races = True
        try:
            with self.r.progress.stage("race", len(order)):
                for start in range(0, len(order), RACED_AT_ONCE):
                    block = order[start : start + RACED_AT_ONCE]
                    part, asked = self.sampling.of(block), [query.query.id for query in block]
                    found = {n: self._raced(self.experiment.variant(n), part, asked) for n in race.running}
                    values = {name: result.values(measure) for name, result in found.items()}
                    places = {name: [record.id for record in result.queries] for name, result in found.items()}
                    for id in asked:
                        race.see({name: values[name][places[name].index(id)] for name in race.running})
                    self.r.progress.advance(len(block))
                    if len(race.running) <= 2:
                        break
        finally:
            self._races = False
            self._made.clear()
        return tuple(race.stopped)

    def _raced(self, variant: VariantSettings, part: Part, queries: Sequence[str]) -> VariantResult:
        """A variant on a part of everything, for its measures alone: nobody asks what that costs."""
        read = self.read_by(variant)
        prepared = self._prepare(variant, part.documents(read.documents), part, priced=False)
        resolved = read.asked(queries)
        return run_variant(prepared, Unpriced(), resolved, fingerprint="race", k=self.k(variant), everyone=self.everyone)

    def _measured(self, variant: VariantSettings, identity: str) -> VariantResult:
        """A variant on the documents, or the experiment's sample of them, as its parser reads them."""
        read, resolved = self.read_by(variant), self.read_by(variant).resolved
        documents = read.documents if self.part is None else self.part.documents(read.documents)
        prepared, texts = self._prepare(variant, documents, self.part), self.texts(variant, documents)
        result = run_variant(prepared, texts, resolved, fingerprint=identity, k=self.k(variant), everyone=self.everyone)
        if read.cost:
            result = replace(result, cost={**result.cost, "parsing": dict(read.cost)})
        if variant.vectors is None:
            return result
        plain = self._prepare(variant.model_copy(update={"vectors": None}), documents, self.part)
        words = [each.query.query for each in resolved.scored]
        overlaps = overlap(prepared.searcher, plain.searcher, words, [state.tags for state, _ in documents], self.k(variant))
        return replace(result, cost={**result.cost, "exact_overlap": [asdict(each) for each in overlaps]})

    def _prepare(
        self, variant: VariantSettings, documents: Documents, part: Part | None = None, *, priced: bool = True
    ) -> Prepared:
        """Cut, embed through the cache, and hold in memory, all or a part; `priced`: with the tokens that it takes to embed."""
        whole = self.settings(variant)
        model, embedder, encoder = self._model(whole.embedding)
        if whole.search.mode != "sparse":  # every variant asks the same ones, for chunks and for documents
            encoder.ahead([query.query for query in self.golden.queries], keep=True)
        compared = Counted(embedder.as_encoder())
        chunker, before = self.chunker(variant, compared), self._embedded
        made = self._shared(variant, chunker)
        started = time.perf_counter()
        kept = self.r.stores.cuts if variant.parsing is None else None  # a cut is of the index's own parsing
        fresh = [(state, document) for state, document in documents if state.key not in made.chunks]
        made.chunks |= {state.key: chunks for state, _, chunks in self._cut(chunker, compared, fresh, kept)}
        made.compared |= compared.texts
        cut: Cut = [(s, d, [c for c in made.chunks[s.key] if part is None or part.holds(c)]) for s, d in documents]
        chunked = time.perf_counter()
        hashes = {chunk.id: text_hash(chunk.embedded_text) for _, _, chunks in cut for chunk in chunks}
        texts = {hashes[chunk.id]: chunk.embedded_text for _, _, chunks in cut for chunk in chunks}
        made.vectors |= embedder.vectors(text for name, text in texts.items() if name not in made.vectors).vectors
        embedded = time.perf_counter()
        made.seconds["chunk"] += chunked - started
        made.seconds["embed"] += embedded - chunked
        sparse = sparse_encoder() if whole.search.mode != "dense" else None
        if sparse is not None:
            new = [name for name in texts if name not in made.weights]
            made.weights |= zip(new, sparse.documents([texts[name] for name in new]), strict=True)
        for state, document, chunks in cut:
            for chunk in chunks:
                if chunk.id not in made.payloads:
                    made.payloads[chunk.id] = payload(chunk, document, state)
        points = [
            Point(id, made.vectors[name], made.payloads[id], made.weights[name] if sparse is not None else None)
            for id, name in hashes.items()
        ]
        each = encoder.dimension * 4 if variant.vectors is None else variant.vectors.bytes_each(encoder.dimension)
        stored = len(points) * each + sum(8 * len(p.sparse.indices) for p in points if p.sparse is not None)
        distinct = texts | {text_hash(text): text for text in made.compared}
        if priced:
            new = [name for name in distinct if name not in made.tokens]
            made.tokens |= zip(new, model.tokenizer.counts([distinct[name] for name in new]), strict=True)
        costs = Costs(
            documents=len(cut),
            chunks=len(points),
            texts=len(distinct),
            tokens=sum(made.tokens[name] for name in distinct) if priced else 0,
            embedded=self._embedded - before,
            vector_bytes=stored,
            contexts_cut=sum(chunk.context_cut for _, _, chunks in cut for chunk in chunks),
            seconds={name: round(seconds, 3) for name, seconds in made.seconds.items()},
        )
        how = self.recipe(variant).search
        short = variant.vectors
        stored_as = Stored(short.dimensions, short.storage, short.rescore) if short is not None else None
        searcher = Searcher(ExactSearch(points, stored=stored_as), variant.name, encoder, how, sparse, self.r.reranker_of(how))
        shown = {state.key: tuple(sorted({c.parent or (c.start, c.end) for c in chunks})) for state, _, chunks in cut}
        by_chance = () if part is None else (c.id for _, _, chunks in cut for c in chunks if not part.certain(c))
        return Prepared(searcher, shown, costs, frozenset(by_chance))

    def _cut(self, chunker: chunking.Chunker, compared: Counted, documents: Documents, kept: Cuts | None) -> Cut:
        """The chunks of these documents; those that any run or variant has cut alike are not cut again.

        A strategy that compares meanings is: what it compares is part of what it costs, and no cut says that. The longest
        document tells, once.
        """
        if not documents:
            return []
        if chunker.fingerprint not in self._compares:
            chunker.chunk(max((document for _, document in documents), key=lambda document: len(document.text)))
            self._compares[chunker.fingerprint] = bool(compared.texts)
        cutter = Cutter(chunker, None if self._compares[chunker.fingerprint] else kept)
        chunks = cutter.cut(documents)
        return [(state, document, found) for (state, document), found in zip(documents, chunks, strict=True)]

    def _count(self, texts: int) -> None:
        self._embedded += texts
        self.r.progress.advance(texts=texts)

    def _model(self, embedding: EmbeddingSettings) -> tuple[Model, CachedEmbedder, KnownQueries]:
        with self._lock:
            if embedding not in self._models:
                model = self.r.model if embedding == self.r.settings.embedding else self.r.model_of(embedding)
                embedder = CachedEmbedder(model.encoder, self.r.stores.vectors, on_progress=self._count)
                self._models[embedding] = model, embedder, self.r.queries(model)
            return self._models[embedding]


_open: dict[str, Laboratory] = {}


@contextmanager
def laboratory(experiment: str) -> Iterator[Laboratory]:
    """The process's one laboratory of an experiment's file, as the file was when it was opened.

    A task on another machine opens its own.
    """
    key = str(Path(experiment).absolute())
    if (outer := _open.get(key)) is not None:
        yield outer
        return
    settings = load_experiment(experiment)
    with shared(str(settings.base)) as r:
        found = _open.setdefault(key, Laboratory(r, settings))
        try:
            yield found
        finally:
            _open.pop(key, None)
