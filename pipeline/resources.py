"""Everything an operation uses, put together from the settings: the one place where stages meet stores.

Nothing is opened or loaded before it is used, so a command pays for what it touches only. Within a process one
configuration has one Resources (`shared`): the embedded vector store admits one client, and the tasks of a flow share it
with the command that started the flow. On another machine a task opens its own.

Over 300 lines: a list of what can be opened, a few lines each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from indexing.access_sync import CurrentAccess
from indexing.build import Builder
from indexing.contents import Contents, VersionsHeld
from indexing.cuts import Cutter
from indexing.delta import may_be_base
from indexing.embed import CachedEmbedder
from indexing.endings import Over
from indexing.models import Model, open_model, sparse_encoder
from indexing.models.device import gpu_likely
from indexing.models.reranker import CrossEncoderReranker
from indexing.protocols import Encoder, QueryLog, SparseEncoder
from indexing.queries import KnownQueries
from indexing.query_log import JsonLinesLog
from indexing.releases import Releases
from indexing.routing import LiveSearcher
from indexing.search import Searcher
from ingest.freshness import Lifetimes
from ingest.protocols import Parser, Source
from pipeline.budget import meter
from pipeline.machine_cache import models_folder
from pipeline.older_texts import current_access
from pipeline.progress import Progress, Silent
from sluice.access import AccessTags, every_tag
from sluice.errors import Cancelled, ReleaseError
from sluice.once import once
from sluice.recipe import Parts, Recipe
from sluice.records import DocumentState
from sluice.releases import Release
from sluice.settings import ChunkingSettings, EmbeddingSettings, SearchSettings, Settings, load
from sluice.untold import untold
from sluice.yaml_files import Unexpanded, read_yaml
from stores import Stores, open_stores

if TYPE_CHECKING:  # what reads, cuts and measures is imported by who asks for it: a search pays for none of it
    import chunking
    from evaluation import Gate
    from ingest.pipeline import Ingestion
    from pipeline.evidence.labelled import CorpusDocuments, Held


def utc_now() -> datetime:
    """The present, aware, in UTC, to the millisecond that MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Resources:
    """One configuration, opened; threads may share it. Close it, or use it as a context manager."""

    def __init__(self, settings: Settings, *, progress: Progress | None = None) -> None:
        self.settings = settings
        self.progress: Progress = progress or Silent()
        self.spending: str | None = None
        """The run to which is charged what is embedded."""
        self.closed = False
        self.lock = threading.RLock()
        self._cancelled, self._working, self._idle = threading.Event(), 0, threading.Condition()
        self._queries: dict[str, KnownQueries] = {}
        self._rerankers: dict[str, CrossEncoderReranker] = {}
        few = settings.runner.few
        self.fetching, self.building = threading.BoundedSemaphore(few), threading.BoundedSemaphore(few)
        """Taken by a partition that is fetched, and by one that is cut, embedded and written."""
        self._closing = ExitStack()

    # ── work on threads ──────────────────────────────────────────────────────────────────────────────────────────

    def cancel(self, wait_s: float = 0.0) -> None:
        """Have every partition in work end within one batch, and wait for them: nobody writes any more when this returns."""
        self._cancelled.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._working, wait_s)

    def begin(self) -> None:
        """A new operation: what was cancelled is past."""
        self._cancelled.clear()

    def go_on(self) -> None:
        """Raise Cancelled once somebody cancelled."""
        if self._cancelled.is_set():
            raise Cancelled("the run was cancelled", hint="run again: it goes on from what is kept")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """For the time of a partition: not begun once somebody cancelled, and waited for by who cancels."""
        with self._idle:
            self.go_on()
            self._working += 1
        try:
            yield
        finally:
            with self._idle:
                self._working -= 1
                self._idle.notify_all()

    # ── stores ───────────────────────────────────────────────────────────────────────────────────────────────────

    @once
    def stores(self) -> Stores:
        return self._closing.enter_context(open_stores(self.settings))

    def close(self) -> None:
        self.closed = True
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── ingest ───────────────────────────────────────────────────────────────────────────────────────────────────

    @once
    def sources(self) -> dict[str, Source]:
        from ingest import sources

        return sources.build_all(self.settings)

    @once
    def parsers(self) -> dict[str, Parser]:
        from ingest import processing

        return {s.name: processing.build(s) for s in self.settings.sources}

    @once
    def parse_fingerprints(self) -> dict[str, str]:
        return {name: parser.fingerprint for name, parser in self.parsers.items()}

    @once
    def lifetimes(self) -> Lifetimes:
        return Lifetimes.of(self.settings.sources)

    def ingestion(self, run_id: str) -> Ingestion:
        """What fetches and parses, for the record of this run."""
        from ingest.pipeline import Ingestion

        s = self.stores
        rules = self.settings.access.compiled()
        return Ingestion(s.documents, s.blobs, s.versions, s.quarantine, rules, run_id, utc_now, self.lifetimes)

    def corpus(self, release: Release | None = None, versions: Held | None = None) -> CorpusDocuments:
        """The documents that golden labels point to, as they are now, as a release holds them, or as parsed otherwise."""
        from pipeline.evidence.labelled import CorpusDocuments

        held = self.versions_in(release) if release is not None else None
        s, names = self.stores, [source.name for source in self.settings.sources]
        states, forgotten = s.documents.read(), s.forgotten.keys()
        limits = {source.name: source.limits for source in self.settings.sources}
        parsed, kept = versions or s.versions, s.versions
        return CorpusDocuments(states, parsed, s.blobs, held, sources=names, forgotten=forgotten, limits=limits, kept=kept)

    def versions_in(self, release: Release) -> Mapping[str, str]:
        """Which parsed version of each document a release holds: document key → version id."""
        return VersionsHeld(self.contents.of(release.collection))

    @once
    def contents(self) -> Contents:
        """What collections hold of each document."""
        return Contents(self.stores.qdrant)

    # ── chunk and embed ──────────────────────────────────────────────────────────────────────────────────────────

    @once
    def model(self) -> Model:
        return self.model_of(self.settings.embedding)

    def model_of(self, embedding: EmbeddingSettings) -> Model:
        """An embedding model: its tokenizer and encoder, with `precision: auto` as decided once for this index."""
        return open_model(
            embedding,
            base=self.settings.base,
            cache=models_folder(self.settings.state_dir),
            decide=self.stores.decisions.decide,
            decided=self.stores.decisions.get,
            note=self.progress.note,
        )

    def prepare(self) -> None:
        """Begin, on threads of their own, what a changed run will wait for: while documents are fetched and parsed there is
        time to load the model, and to read what the live collection holds.

        Not before a first release on a processor, which is busy then; a GPU is not, and its libraries take 10 s to import.
        """
        live = self.releases.live()
        if live is None and not gpu_likely(self.settings.embedding.device):
            return

        def load() -> None:
            with suppress(Exception):  # who embeds meets it again
                self.model.encoder.load()

        def read() -> None:
            with suppress(Exception):  # who builds meets it again
                if live is not None and may_be_base(live, self.recipe):
                    self.contents.of(live.collection)

        for ahead in (load, read):
            threading.Thread(target=ahead, name=f"{ahead.__name__} ahead", daemon=True).start()

    @once
    def chunker(self) -> chunking.Chunker:
        return self.chunker_of(self.settings.chunking)

    def chunker_of(self, section: ChunkingSettings) -> chunking.Chunker:
        import chunking

        return chunking.build(section, self.model.tokenizer, whole=self.settings, encoder=self.embedder.as_encoder())

    @once
    def cutter(self) -> Cutter:
        """The chunker of the configuration, which cuts nothing twice."""
        return Cutter(self.chunker, self.stores.cuts)

    def forget_sums(self) -> None:
        """Let go of what a run remembered of how documents are cut: 25 MB of 100,000."""
        if isinstance(cutter := vars(self).get("cutter"), Cutter):
            cutter.forget()

    @once
    def sparse(self) -> SparseEncoder | None:
        return sparse_encoder() if self.settings.search.mode != "dense" else None

    @once
    def embedder(self) -> CachedEmbedder:
        def told(texts: int) -> None:
            self.progress.advance(texts=texts)
            self.go_on()

        encoder, tokenizer = self.model.encoder, self.model.tokenizer
        return CachedEmbedder(encoder, self.stores.vectors, tokenizer=tokenizer, on_progress=told, ask=meter(self))

    def builder(self) -> Builder:
        return Builder(self.stores.versions, self.cutter, self.embedder, self.stores.qdrant, self.sparse, self.progress.advance)

    @once
    def recipe(self) -> Recipe:
        """How an index of this configuration is made and searched."""
        return self.recipe_of(self.settings, self.model, self.chunker)

    def recipe_of(self, settings: Settings, model: Model, chunker: chunking.Chunker) -> Recipe:
        """The same for another configuration (an experiment's variant), whose parts are open."""
        sparse = sparse_encoder().fingerprint if settings.search.mode != "dense" else ""
        again = self.reranker_of(settings.search)
        parts = Parts(chunker.fingerprint, model.encoder.fingerprint, sparse, again.fingerprint if again is not None else "")
        return Recipe.of(settings, model.precision, parts)

    # ── releases ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def releases(self) -> Releases:
        """The releases of the index, for reading: who changes them says who they are (`releases_by`)."""
        return self.releases_by("a reader")

    def releases_by(self, actor: str) -> Releases:
        """The releases of the index, for somebody who holds its lease."""
        qdrant = self.stores.qdrant
        s = self.stores
        return Releases(
            index=self.settings.index,
            ledger=s.ledger,
            collections=qdrant,
            aliases=qdrant,
            points=qdrant,
            outbox=s.outbox,
            audit=s.audit,
            actor=actor,
            now=utc_now,
            contents=self.contents,
        )

    def access(self, states: list[DocumentState]) -> CurrentAccess:
        """Who may read what now, and which older text of it."""
        policies = {source.name: source.redact for source in self.settings.sources if source.redact.policies}
        return current_access(self.stores.versions, states, policies)

    @property
    def query_log(self) -> QueryLog | None:
        """Where readers' searches are written down; None unless the configuration names a file."""
        path = self.settings.search.log
        return JsonLinesLog(path, utc_now) if path is not None else None

    def searcher(self, release: Release, *, log: QueryLog | None = None, known: Sequence[str] | None = None) -> Searcher:
        """Search in one release with the model and the mode it was built with.

        With `known`, these queries are embedded together, and they and whatever was made known before cost nothing more: for
        who asks the same ones of release after release.
        """
        recipe = Recipe.of_release(release.there())
        model = self.model
        if recipe.parts.model != model.encoder.fingerprint:
            model = self.model_of(self._with_key(recipe.embedding))
        encoder: Encoder = model.encoder
        if known is not None:
            encoder = queries = self.queries(model)
            queries.ahead(known, keep=True)
        again = self.reranker_of(recipe.search)
        for name, kept, found in (
            (recipe.embedding.model, recipe.parts.model, encoder.fingerprint),
            (recipe.search.rerank, recipe.parts.reranker, again.fingerprint if again is not None else ""),
        ):
            if kept != found:
                raise ReleaseError(
                    f"release {release.id} was made with another version of '{name}' than is installed",
                    hint="install the version it was made with, or run again to build a new release",
                )
        sparse = sparse_encoder() if recipe.search.mode != "dense" else None
        return Searcher(self.stores.qdrant, release.collection, encoder, recipe.search, sparse, again, log, release.id, self.over)

    @once
    def over(self) -> Over:
        """Whose time is up by now."""
        return Over(self.stores.endings, utc_now)

    def queries(self, model: Model) -> KnownQueries:
        """The encoder of a model, for queries that are asked again and again."""
        encoder = model.encoder
        made = KnownQueries(encoder, self.stores.vectors, model.tokenizer, as_documents=model.queries_as_documents)
        return self._queries.setdefault(encoder.fingerprint, made)

    def _with_key(self, embedding: EmbeddingSettings) -> EmbeddingSettings:
        """A release keeps no key: that of today, where the same server is asked."""
        ours, theirs = self.settings.embedding.endpoint, embedding.endpoint
        if ours is None or theirs is None or ours.url != theirs.url:
            return embedding
        return embedding.model_copy(update={"endpoint": theirs.model_copy(update={"api_key": ours.api_key})})

    def reranker_of(self, search: SearchSettings) -> CrossEncoderReranker | None:
        """What reads hits again: a folder, relative to the configuration, or a model's name; None unless one is named."""
        if search.rerank is None:
            return None
        folder = self.settings.base / search.rerank
        name = str(folder) if folder.is_dir() else search.rerank
        return self._rerankers.setdefault(name, CrossEncoderReranker(name))

    def live_searcher(self, *, log: QueryLog | None = None) -> LiveSearcher:
        """Search in whatever is live, or for a share of the readers in the canary."""
        return LiveSearcher(self.releases, lambda release: self.searcher(release, log=log))

    # ── gates ────────────────────────────────────────────────────────────────────────────────────────────────────

    @once
    def gates(self) -> list[Gate]:
        """Reconciliation and the configured gates, their files read and checked (ConfigurationError)."""
        import evaluation

        return evaluation.build_all(self.settings)

    @property
    def gates_fingerprint(self) -> str:
        import evaluation

        return evaluation.gates_fingerprint(self.gates)

    def configuration(self) -> dict[str, Any]:
        """What a release is made from, as the file says it: `${NAME}` stays a name, and a secret that is written there is hidden
        (`sluice.untold`); plain data.

        `embedding` and `search` are those of the recipe, complete.
        """
        written = read_yaml(self.settings.path, Unexpanded())
        kept: dict[str, Any] = {key: written[key] for key in ("index", "sources", "chunking", "retention") if key in written}
        recipe = self.recipe.as_json()
        hidden: dict[str, Any] = untold({name: kept[name] for name in ("sources",) if name in kept})
        return {**kept, **hidden, "embedding": recipe["embedding"], "search": recipe["search"]}

    def kept_recipe(self) -> dict[str, Any]:
        """The recipe as a release keeps it: what a strategy's own options take from the environment stays a name here, too."""
        recipe, written = self.recipe.as_json(), read_yaml(self.settings.path, Unexpanded()).get("chunking") or {}
        named = {key: written[key] for key, value in self.settings.chunking.options.items() if written.get(key, value) != value}
        return recipe | {"chunking": recipe["chunking"] | named}

    def known_tags(self, states: list[DocumentState]) -> AccessTags:
        """Every tag that a rule or a document gives."""
        ruled = {tag for rule in self.settings.access.rules for tag in rule.tags}
        return AccessTags(ruled | every_tag(state.tags for state in states))


_shared: dict[str, tuple[Resources, int]] = {}
_shared_lock = threading.Lock()


@contextmanager
def shared(config: str, open_: Callable[[Settings], Resources] = Resources) -> Iterator[Resources]:
    """The process's one Resources of a configuration file; the last to leave closes it."""
    key = str(Path(config).absolute())
    with _shared_lock:
        resources, users = _shared.get(key, (None, 0))
        if resources is None:
            resources = open_(load(key))
        _shared[key] = (resources, users + 1)
    try:
        yield resources
    finally:
        with _shared_lock:
            resources, users = _shared[key]
            if users == 1:
                del _shared[key]
                resources.close()
            else:
                _shared[key] = (resources, users - 1)
