"""A configuration file as frozen settings.

YAML, with `${NAME}` replaced from the environment and every path relative to the file that holds it. A key that
nothing understands fails with its path. Sources, chunking strategies and gates are open families: the keys that are
common to a family live here; the rest of a section stays in `options` until the member it names checks it with
`options(...)`, which reports a wrong key in the same words.

Over 300 lines: it is the configuration's whole shape, read from top to bottom.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sluice.access import AccessRule, AccessRules, AccessTags
from sluice.cores import cores
from sluice.errors import ConfigurationError
from sluice.globs import matches
from sluice.schedules import cron, moment, time_zone
from sluice.spelling import did_you_mean
from sluice.yaml_files import entry, place, read_yaml


def _resolved(path: Path, info: ValidationInfo) -> Path:
    base: Path = (info.context or {}).get("base", Path())
    try:
        return Path(os.path.normpath(base / path.expanduser()))
    except RuntimeError:
        raise ValueError(f"'{path}': there is no user of that name; write ./{path} for a folder called so") from None


def _named(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():  # of a variable that is set to nothing, it would be the file's own folder
        raise ValueError("is empty; the folder of this file is '.'")
    return value


ConfigPath = Annotated[Path, BeforeValidator(_named), AfterValidator(_resolved)]
"""A path in a configuration, made absolute against the file that holds it."""


def _glob(value: str) -> str:
    try:
        matches("", value)
    except ConfigurationError as error:
        raise ValueError(f"{error.message}; {error.hint}") from None
    return value


Glob = Annotated[str, Field(min_length=1), AfterValidator(_glob)]
"""A glob over uris (`sluice.globs`)."""


class Section(BaseModel):
    """A frozen section that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_is_a_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads `yes`, `on` and `no` as truth values, and they would count as 1 and 0."""
        if isinstance(value, bool) and info.field_name and _is_number(cls.model_fields[info.field_name].annotation):
            raise ValueError("must be a number, and is read as true or false")
        return value


def _is_number(annotation: Any) -> bool:
    """Whether a field takes numbers, and no truth values."""
    kinds = {getattr(kind, "__origin__", kind) for kind in (get_args(annotation) or (annotation,))}
    return bool(kinds & {int, float}) and bool not in kinds


def _share(value: Any) -> Any:
    """A number above 1, or one with %, was meant as a percentage; what is no number at all is the type's to refuse."""
    percent = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    meant = float(percent.group(1)) if percent else value
    if percent or (isinstance(meant, int | float) and not isinstance(meant, bool) and meant > 1):
        told = f"; {meant:g} % is {meant / 100:{'.2f' if meant == int(meant) else 'g'}}" if 0 <= meant <= 100 else ""
        raise ValueError(f"{value} is not a share between 0 and 1{told}")
    return value


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""A part of a whole, as a number between 0 and 1."""
SomeShare = Annotated[float, BeforeValidator(_share), Field(gt=0, le=1)]
"""The same, and not none of it."""


class OpenSection(Section):
    """A section of an open family: keys it does not know are kept in `options` for the member to check."""

    options: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _collect(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or ("options" in value and not info.context):
            return value  # made in code; in a file, `options` is a key like any other
        known = set(cls.model_fields) - {"options"}
        return {k: v for k, v in value.items() if k in known} | {"options": {k: v for k, v in value.items() if k not in known}}


class MongoSettings(Section):
    uri: str = "embedded"
    database: str = ""


class QdrantSettings(Section):
    url: str = "embedded"
    api_key: str | None = None
    timeout_s: float = Field(default=30, gt=0)
    wait_s: float = Field(default=30, ge=0)
    """How long a process waits for the embedded store while another one holds it."""
    batch: int = Field(default=256, ge=1, le=2000)
    """Points in one request of a load; a server takes 32 MB."""
    shards: int | None = Field(default=None, ge=1)
    """Of a new collection; without, the server's default: one."""
    replicas: int = Field(default=1, ge=1)
    """Copies of each shard; a write is acknowledged by the majority of them."""
    hnsw_m: int = Field(default=16, ge=0)
    """Neighbours of a point in the graph that is built once a collection is loaded; 0: none, every search is exact."""
    quantization: Literal["none", "int8"] = "none"
    """int8: a quarter of the memory to search in; answers are ranked by the whole vectors."""
    vectors_on_disk: bool = False
    payload_on_disk: bool = True
    index_wait_s: float = Field(default=3600, gt=0)
    """How long a loaded collection may take to be indexed (status green) before it is judged."""
    grpc: bool = False
    """Talk to the server by gRPC, which takes vectors as they are; snapshots and the cluster's state are asked for by REST."""
    grpc_port: int = Field(default=6334, ge=1, le=65535)
    strict: bool = False
    """Have the server refuse, in new collections, a filter on what has no index: nobody's query can then scan all of it."""


class StoreSettings(Section):
    mongodb: MongoSettings = MongoSettings()
    qdrant: QdrantSettings = QdrantSettings()


class LimitSettings(Section):
    """What one document may cost before it is given up; beyond a limit it is quarantined with that reason."""

    timeout_s: float = Field(default=120, gt=0)
    """The first document of a format also loads its libraries (up to 5 s)."""
    memory_mb: int = Field(default=2048, ge=64)
    """What parsing may take on top of the libraries."""
    size_mb: int = Field(default=200, ge=1)
    expanded_mb: int = Field(default=512, ge=1)
    """What a zipped format (DOCX, XLSX, PPTX, ODT, EPUB) may unpack to."""
    pages: int = Field(default=5000, ge=1)
    max_lost_share: Share = 0.1
    """How much of a document's text may be missing from what is read of it, where its reader can tell."""
    min_encoding_confidence: Share = 0.5
    """How sure the guess of a text's encoding must be; what names its encoding, and UTF-8, is not guessed."""
    sandbox: bool = True
    """Parse in worker processes; without, nothing holds `timeout_s` and `memory_mb`."""


PoisonPolicy = Literal["keep", "strip", "flag", "quarantine"]


class PoisonSettings(Section):
    """What is done with text that a person does not see, or that speaks to the model, by rule.

    keep: not looked for; flag: counted in the document's metadata; strip: counted and removed; quarantine: the document
    goes, and its last good version with it.
    """

    hidden_style: PoisonPolicy = "strip"
    hidden_colour: PoisonPolicy = "strip"
    hidden_size: PoisonPolicy = "strip"
    hidden_offscreen: PoisonPolicy = "strip"
    zero_width: PoisonPolicy = "strip"
    bidi_controls: PoisonPolicy = "strip"
    tag_characters: PoisonPolicy = "strip"
    comment: PoisonPolicy = "flag"
    alt_text: PoisonPolicy = "strip"
    instructions: PoisonPolicy = "flag"
    role_markers: PoisonPolicy = "flag"
    exfiltration: PoisonPolicy = "flag"


RedactPolicy = Literal["keep", "mask", "drop", "quarantine"]


class RedactSettings(Section):
    """What is done with secrets and personal data, by type.

    keep: not looked for; mask: replaced by its type; drop: the document has no place in a release; quarantine: a person
    must look. With any of the last three the raw bytes of a document in which something was found are not kept.
    """

    secret: RedactPolicy = "keep"
    email: RedactPolicy = "keep"
    phone: RedactPolicy = "keep"
    card: RedactPolicy = "keep"
    iban: RedactPolicy = "keep"
    national_id: RedactPolicy = "keep"
    phone_regions: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """Countries (ISO 3166) whose numbers are known without their country code."""

    @property
    def policies(self) -> dict[str, RedactPolicy]:
        """Type to policy, of the types that are looked for."""
        found = {name: getattr(self, name) for name in type(self).model_fields if name != "phone_regions"}
        return {name: policy for name, policy in found.items() if policy != "keep"}


def _duration(value: Any) -> Any:
    """Days as a number, `30d`, `2w`, `12h`, or ISO 8601 (`P30D`), as pydantic reads that."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return timedelta(days=value)
        except OverflowError:
            raise ValueError(f"{value:g} days are more than any calendar has") from None
    if isinstance(value, str) and (short := re.fullmatch(r"(\d{1,5})\s*([hdw])", value.strip())):
        return timedelta(hours=int(short.group(1)) * {"h": 1, "d": 24, "w": 168}[short.group(2)])
    if isinstance(value, bool) or (isinstance(value, str) and not value.startswith("P")):
        raise ValueError("write a number of days, 30d, 2w, 12h, or P30D")
    return value


def _some_time(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than no time at all")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_some_time)]


class LifetimeSettings(Section):
    """How long the documents that a glob matches live after their last change."""

    match: Glob
    ttl: Duration


def _languages(value: Any) -> Any:
    """`off` and `on`, which YAML reads as truth values, as no language and English."""
    return {False: (), True: ("eng",)}[value] if isinstance(value, bool) else value


Languages = Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z][\w/]*$")], ...], BeforeValidator(_languages)]
"""Languages that OCR reads, by tesseract's names (`eng`, `deu`, `chi_sim`)."""


class SourceSettings(OpenSection):
    """What every source has; the rest is checked by the source that `type` names."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    type: str
    parse: Literal["elements", "verbatim"] = "elements"
    ocr: Languages = ()
    """Read what is printed in scanned pages and picture files, in these languages; off: such files are quarantined."""
    pdf_tables: Literal["fast", "pdfplumber"] = "fast"
    """Whose eyes see the lines around cells in PDFs: PDFium's, or pdfplumber's (shaded boxes too; ten times slower)."""
    max_deletions: Share = 0.25
    """The share of a source's documents that may vanish at once before the run stops (with 10 or more gone)."""
    clean: tuple[str, ...] = ()
    """Names of cleaners (`ingest.clean.CLEANERS`), or `module:name` of one's own, applied in this order."""
    redact: RedactSettings = RedactSettings()
    poison: PoisonSettings = PoisonSettings()
    limits: LimitSettings = LimitSettings()
    ttl: Duration | None = None
    """How long a document lives after its last change, unless its front matter says when it expires."""
    ttl_rules: tuple[LifetimeSettings, ...] = ()
    """The same for some of its documents: the first that matches counts, before `ttl`."""

    @model_validator(mode="after")
    def _verbatim_reads_no_pictures(self) -> SourceSettings:
        if self.ocr and self.parse == "verbatim":
            raise ValueError("ocr needs parse: elements; verbatim takes the bytes as text")
        return self


def _tag(value: str) -> str:
    if not value or value != value.strip() or "," in value or _UNSEEN.search(value):
        raise ValueError("a tag is a word without commas, outer spaces and control characters; as written, nobody could hold it")
    return value


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\ufeff\ud800-\udfff]")

Tag = Annotated[str, AfterValidator(_tag)]
"""A tag as rules, golden sets and leak cases write it."""


class RuleSettings(Section):
    match: Glob
    tags: tuple[Tag, ...]
    source: str | None = None


class AccessSettings(Section):
    rules: tuple[RuleSettings, ...] = ()
    why: Literal["store", "reader"] = "store"
    """What `why` tells: `store` all that the index knows, for whoever looks after it; `reader` nothing of a document that the
    principal may not read, not even that there is one."""

    def compiled(self) -> AccessRules:
        return AccessRules(tuple(AccessRule(r.match, AccessTags(r.tags), r.source) for r in self.rules))


class ChunkingSettings(OpenSection):
    """What every strategy has; the rest is checked by the strategy that `strategy` names. Sizes are in tokens."""

    strategy: str = "recursive"
    max_tokens: int = Field(default=200, ge=8)
    overlap_tokens: int = Field(default=0, ge=0)
    context: Literal["none", "title", "headings"] = "none"

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> ChunkingSettings:
        if self.overlap_tokens >= self.max_tokens:
            raise ValueError(f"overlap_tokens ({self.overlap_tokens}) must be smaller than max_tokens ({self.max_tokens})")
        return self


class EndpointSettings(Section):
    """Where an `openai:` model is served, and what its server takes; `api_key` is written `${NAME}` and kept nowhere."""

    url: Annotated[str, Field(pattern=r"^https?://[^/@]+")]
    """Up to what comes before `/embeddings`, e.g. https://api.openai.com/v1."""
    dimensions: int = Field(ge=1, le=65536)
    window: int = Field(default=512, ge=8)
    """Tokens that the model reads of a text; a longer one is refused, never cut."""
    api_key: SecretStr | None = Field(default=None, exclude=True)
    tokenizer: str | None = None
    """The model's own tokenizer: a sentence-transformers folder. Without it the bundled one counts, roughly."""
    document_prompt: str = ""
    query_prompt: str = ""
    revision: str = ""
    """Part of the model's identity: change it when the server's weights changed under the same name."""
    send_dimensions: bool = False
    """Ask for `dimensions` in each request (models whose vectors can be shortened)."""
    max_inputs: int = Field(default=32, ge=1)
    max_request_tokens: int = Field(default=16_384, ge=8)
    concurrency: int = Field(default=4, ge=1, le=64)
    timeout_s: float = Field(default=60, gt=0)
    token_tolerance_share: Share | None = None
    """By how much the server's count of tokens may be below ours; default 0 with its tokenizer, 0.5 without."""
    price_per_million_tokens: float = Field(default=0, ge=0)

    @property
    def token_tolerance(self) -> float:
        if self.token_tolerance_share is not None:
            return self.token_tolerance_share
        return 0.0 if self.tokenizer is not None else 0.5


class EmbeddingSettings(Section):
    model: str = "bundled:all-MiniLM-L6-v2"
    precision: Literal["auto", "fp32", "bf16", "openvino-fp32", "openvino-bf16"] = "auto"
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    """Where the model runs: `auto` takes a GPU that torch can use, else the CPU. In no fingerprint: vectors are the same."""
    endpoint: EndpointSettings | None = None
    """For a model that is called `openai:NAME`."""

    @model_validator(mode="after")
    def _an_endpoint_and_its_model(self) -> EmbeddingSettings:
        if (self.endpoint is not None) != self.model.startswith("openai:"):
            raise ValueError("model: openai:NAME and endpoint: {url: …, dimensions: …} go together")
        return self


class SearchSettings(Section):
    mode: Literal["dense", "sparse", "hybrid"] = "dense"
    dense_weight: Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)] = 0.5
    """In hybrid search, how much of the fusion is the dense ranking's; the rest is the sparse one's."""
    log: ConfigPath | None = None
    """Where searches are written down (query, tags, ids and scores of the hits), for the replay gate."""
    rerank: str | None = None
    """A cross-encoder (a folder, or a model's name) that reads the best hits again together with the query."""
    rerank_k: int = Field(default=50, ge=1, le=1000)
    """How many hits it reads."""


class GateSettings(OpenSection):
    """The rest is checked by the gate that `type` names."""

    type: str


class RetentionSettings(Section):
    keep: int = Field(default=3, ge=1)
    experiments: int = Field(default=10, ge=0)
    """Of how many of the last experiments `gc` keeps the vectors; their records stay."""


def _clock(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("YAML reads 22:00 as a number; write it in quotes: '22:00'")
    try:
        return value if not isinstance(value, str) or moment(value, datetime.now(UTC), ZoneInfo("UTC")) else None
    except ValueError:
        raise ValueError(f"'{value}' is not a time; write '06:00'") from None


Cron = Annotated[str, AfterValidator(cron)]
"""A cron expression: five fields (minute, hour, day of the month, month, day of the week)."""


class ScheduleSettings(Section):
    cron: Cron = "0 2 * * *"
    access_cron: Cron = "*/15 * * * *"
    """When `access sync` runs by itself."""
    gc_cron: Cron | None = None
    """When `gc` runs by itself; on demand without."""
    golden_cron: Cron | None = None
    """When the golden set is checked by itself; on demand without."""
    timezone: Annotated[str, AfterValidator(time_zone)] = "UTC"
    until: Annotated[str | None, BeforeValidator(_clock)] = None
    """When a scheduled run begins no more work (06:00): it keeps what it has, and the next night goes on."""
    catch_up: bool = True
    """Whether `sluice serve` makes up for a night that was missed because nothing ran here."""
    wait_s: float = Field(default=14_400, ge=0)
    """How long a scheduled run waits for whoever holds the index; access-sync does not: its holder applies access itself."""


class BudgetSettings(Section):
    """What one run may have embedded, at most; it stops before it spends more, and the next run goes on."""

    tokens: int | None = Field(default=None, ge=1)
    cost: float | None = Field(default=None, gt=0)
    """In the currency of `embedding.endpoint.price_per_million_tokens`."""


class RunnerSettings(Section):
    """Who does the partitions of a run: this thread, threads of this process (Prefect's), or a Dask cluster."""

    type: Literal["inline", "threads", "dask"] = "threads"
    workers: int | None = Field(default=None, ge=1, le=256)
    """Partitions in work at once. Without it as many as there are cores are parsed, two fetched, two embedded and written, and a
    local Dask cluster has two processes."""
    alone: int = Field(default=1024, ge=0)
    """Documents that a command does in its own process, without Prefect, where no Prefect server is configured: two minutes at
    most; a flow and a server of its own would take 5 s of processor time and 230 MB. With dask, at most one partition."""
    address: Annotated[str, Field(pattern=r"^(tcp|tls|ws|wss)://[^/]")] | None = None
    """The scheduler of a Dask cluster; without it, dask makes a cluster of `workers` processes on this machine."""
    tries: int = Field(default=3, ge=1, le=20)
    """How often work may lose its dask worker before its document is quarantined."""

    @model_validator(mode="after")
    def _an_address_of_dask(self) -> RunnerSettings:
        if self.address is not None and self.type != "dask":
            raise ValueError("address belongs to type: dask")
        return self

    @property
    def threads(self) -> int:
        """Partitions of any kind in work at once in this process."""
        return self.workers or max(2, cores())

    @property
    def few(self) -> int:
        """Partitions at once of what more would not hasten: fetching, which asks somebody's server, and embedding, which wants
        every core: one embeds while another is cut."""
        return self.workers or 2

    @property
    def elsewhere(self) -> bool:
        """Whether partitions may be done on other machines."""
        local = ("127.", "localhost", "[::1]")
        return self.address is not None and not self.address.split("://")[1].startswith(local)


class EventSettings(Section):
    """Who is told when a release goes live: each webhook gets the event as JSON, at least once."""

    webhooks: tuple[Annotated[str, Field(pattern=r"^https?://[^/]")], ...] = ()
    timeout_s: float = Field(default=10, gt=0)
    lineage: str | None = None
    """Where OpenLineage events of each run go: a file (a JSON line each), or the address of a server."""


def _name_of_an_index(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*(_[A-Za-z0-9.-]+)*", value):
        raise ValueError("an index is named with letters, digits, '.', '-' and single '_'")
    return value


def _folders(options: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """The folders and files of this machine that a source reads, by key; also those of a source within it."""
    for key in ("root", "path"):
        if isinstance(value := options.get(key), str):
            yield key, Path(os.path.expanduser(value))
    if isinstance(inner := options.get("of"), Mapping):
        yield from ((f"of.{key}", folder) for key, folder in _folders(inner))


class Settings(Section):
    """One index: where its documents come from, how they become chunks and vectors, and what must hold to go live."""

    index: Annotated[str, AfterValidator(_name_of_an_index)]
    state_dir: ConfigPath
    """What Sluice keeps on this machine; no source lies in it. A file that does not say has it in `.sluice/INDEX` beside it."""
    stores: StoreSettings = StoreSettings()
    sources: tuple[SourceSettings, ...] = Field(min_length=1)
    access: AccessSettings = AccessSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    search: SearchSettings = SearchSettings()
    gates: tuple[GateSettings, ...]
    retention: RetentionSettings = RetentionSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    events: EventSettings = EventSettings()
    runner: RunnerSettings = RunnerSettings()
    budget: BudgetSettings = BudgetSettings()
    base: Annotated[Path, BeforeValidator(lambda value: value)] = Field(exclude=True)
    """The folder of the configuration file: what relative paths are relative to."""
    path: Path = Field(exclude=True)
    """The configuration file itself, for messages and for other processes to load again."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        names = [s.name for s in self.sources]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are named '{name}': a source's name is part of its documents' identity")
        for source in self.sources:
            for key, folder in _folders(source.options):
                if Path(os.path.normpath(self.base / folder)).is_relative_to(self.state_dir):
                    # What lies there would be closed to everybody else, or Sluice's own files be documents.
                    where = f"sources.{source.name}.{key} ({folder})"
                    raise ValueError(f"state_dir: {self.state_dir} holds {where}: give Sluice a folder of its own")
        rules = [{"match": rule.match} for rule in self.access.rules]
        for position, rule in enumerate(self.access.rules):
            if rule.source is not None and rule.source not in names:
                raise ValueError(
                    f"access.rules.{entry(rules, position)}.source: no source is named '{rule.source}' "
                    f"(there are: {', '.join(names)})"
                )
        endpoint = self.embedding.endpoint
        if self.budget.cost is not None and not (endpoint is not None and endpoint.price_per_million_tokens):
            raise ValueError("budget.cost needs embedding.endpoint.price_per_million_tokens; for a model that runs here: tokens")
        if self.runner.elsewhere and self.stores.mongodb.uri == "embedded":
            raise ValueError(
                "runner.address: workers on other machines cannot reach the embedded stores; name servers in stores.mongodb.uri "
                "and stores.qdrant.url, or leave the address out for worker processes on this machine"
            )
        return self

    @property
    def database(self) -> str:
        return self.stores.mongodb.database or f"sluice_{self.index}".replace(".", "_")

    def source(self, name: str) -> SourceSettings:
        for source in self.sources:
            if source.name == name:
                return source
        raise ConfigurationError(
            f"{self.path}: no source is named '{name}'{did_you_mean(name, (s.name for s in self.sources))}",
            hint=f"the configured sources are: {', '.join(s.name for s in self.sources)}",
        )


T = TypeVar("T", bound=BaseModel)


def load(path: Path | str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read a configuration file; raises ConfigurationError naming the file and the key."""
    file = Path(path).absolute()
    raw = read_yaml(file, os.environ if environment is None else environment)
    for own in ("base", "path"):
        if own in raw:
            raise ConfigurationError(f"{file}: unknown key '{own}'", hint="remove it")
    if "gates" not in raw:
        raise ConfigurationError(
            f"{file}: the key 'gates' is missing",
            hint="list the gates a release must pass, or write 'gates: []' to promote on reconciliation alone",
        )
    raw.setdefault("state_dir", f".sluice/{raw.get('index', 'index')}")
    return validated(Settings, raw | {"base": file.parent, "path": file}, where=str(file), base=file.parent)


def options(model: type[T], section: OpenSection, *, where: str, settings: Settings) -> T:
    """The rest of an open section, as the options model of the member it names; raises ConfigurationError.

    `where` is the section's place in the configuration: keys are named below it.
    """
    return validated(model, section.options, where=str(settings.path), base=settings.base, prefix=f"{where}.")


def validated(model: type[T], raw: Mapping[str, Any], *, where: str, base: Path, prefix: str = "") -> T:
    """`raw` as a `model`, or one ConfigurationError that names each wrong key by its path (five at most)."""
    try:
        return model.model_validate(dict(raw), context={"base": base})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        within = {tuple(problem["loc"][:end]) for problem in problems for end in range(len(problem["loc"]))}
        # A list is not too short beside what is wrong in it.
        problems = [each for each in problems if each["type"] != "too_short" or tuple(each["loc"]) not in within]
        lines = [_problem(problem, prefix, model, raw) for problem in problems[:5]]
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise ConfigurationError(
            f"{where}: " + "; ".join(lines) + more, hint="correct the key and run again; nothing was changed"
        ) from None


def _problem(problem: Any, prefix: str, model: type[BaseModel], raw: Mapping[str, Any]) -> str:
    path = (prefix + place(raw, problem["loc"])).rstrip(".")
    if problem["type"] == "extra_forbidden":
        meant = get_close_matches(str(problem["loc"][-1]), _keys_at(model, problem["loc"][:-1]), 1)
        return f"unknown key '{path}'" + (f"; did you mean '{meant[0]}'?" if meant else "")
    if problem["type"] == "missing":
        return f"the key '{path}' is missing"
    if problem["type"] in ("tuple_type", "list_type"):
        return f"{path}: must be a list: [...]"
    if problem["type"] == "too_short":
        return f"{path}: must hold at least {problem['ctx']['min_length']}, and holds {problem['ctx']['actual_length']}"
    if problem["type"] == "string_too_short":
        return f"{path}: must not be empty"
    if problem["type"] in ("model_type", "dict_type", "mapping_type"):
        return f"{path}: must hold keys and values: {{key: value}}"
    if problem["type"] == "path_type":
        return f"{path}: must be a path"
    if problem["type"] == "string_type":
        return f"{path}: {_no_text(raw, problem['loc'])}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message


def _no_text(raw: Any, path: Sequence[int | str]) -> str:
    """What stands where text is to stand: YAML makes something else of much that somebody wrote as a word."""
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return "must be text"
    if raw is None:
        return "must be text, and there is none"
    known = {bool: "true or false", int: "a number", float: "a number", date: "a date", datetime: "a time"}
    if (kind := known.get(type(raw))) is None:
        return "must be text"
    return f"must be text, and is read as {kind}: write it in quotes"


def _keys_at(model: type[BaseModel] | None, place: Sequence[int | str]) -> list[str]:
    """The keys that the section at this place of a model has; none where that is not known."""
    for part in place:
        if isinstance(part, str):
            field = model.model_fields.get(part) if model is not None else None
            model = _section_of(field.annotation) if field is not None else None
    return list(model.model_fields) if model is not None else []


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section within an annotation (`tuple[RuleSettings, ...]`, `EndpointSettings | None`)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_of(inner)) is not None), None)
