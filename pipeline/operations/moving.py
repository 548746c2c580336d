"""`sluice export` and `sluice import`: a release as Parquet and a manifest, to keep it or to take it to other stores.

A folder holds what the release was made of (documents as parsed, with their states) and what came of it (points with their
vectors). Importing puts the documents and the vectors where a run would have put them and builds: nothing is fetched, parsed or
embedded, every chunk is cut again, and the result must have the fingerprint and the chunks that were exported.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from indexing.fingerprints import release_fingerprint
from pipeline.naming import named
from pipeline.operations.nightly import unless_stopped
from pipeline.outcomes import Outcome, Report
from pipeline.reading.otherwise import otherwise
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run, recorded
from pipeline.steps.assessing import assess
from pipeline.steps.building import build
from pipeline.steps.settling import settle
from sluice.display import counted
from sluice.errors import ConfigurationError, IntegrityError, ReleaseError
from sluice.ids import document_key, version_id
from sluice.plain import plain
from sluice.records import DocumentState
from sluice.releases import Release
from sluice.spelling import forms
from stores.mongo import codec, versions_codec

pq: Any = pyarrow.parquet  # it has no types

FORMAT = 1
ROWS = 1000
"""In a group of a file, and in memory."""

MANIFEST, DOCUMENTS, POINTS = "manifest.json", "documents.parquet", "points.parquet"

_DOCUMENTS = pa.schema([("key", pa.string()), ("uri", pa.string()), ("state", pa.string()), ("version", pa.binary())])
_POINTS = pa.schema(
    [("id", pa.string()), ("text_hash", pa.string()), ("payload", pa.string()), ("dense", pa.list_(pa.float32()))]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Outcome):
    """A release that lies in a folder now."""

    folder: Path
    documents: int
    chunks: int
    bytes: int


def export(r: Resources, release_id: str, folder: Path) -> Exported:
    """Write a release whose documents have not moved on since; ConfigurationError where the folder holds something."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty", hint="name a new folder")
    release = named(r, release_id).there()
    states = [state for state in r.stores.documents.read() if state.in_release]
    if release.fingerprint != release_fingerprint(states, r.recipe.answers):
        erased = _erased_since(r, release)
        moved = (
            f"{counted(erased, 'document was', 'documents were')} erased since"
            if erased
            else "its documents or the configuration have moved on"
        )
        raise ReleaseError(
            f"release {release.id} cannot be exported: {moved}",
            hint="sluice run comes first: export the release that it publishes (where that is held: sluice promote it)",
        )
    with _whole(folder):
        _write(folder / DOCUMENTS, _DOCUMENTS, _document_rows(r, states))
        chunks = _write(folder / POINTS, _POINTS, _point_rows(r, release))
        away = sorted(r.stores.forgotten.keys())  # they stay away where this is imported, too
        manifest = {"format": FORMAT, "release": plain(release), "parse": dict(r.parse_fingerprints), "forgotten": away}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.iterdir())
    return Exported(outcome="exported", release=release.id, folder=folder, documents=len(states), chunks=chunks, bytes=size)


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Make the folder; what could not be written to its end is taken away: the same command is told to be run again."""
    ours = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for name in (MANIFEST, DOCUMENTS, POINTS):
            (folder / name).unlink(missing_ok=True)
        if ours:
            folder.rmdir()
        raise


def _erased_since(r: Resources, release: Release) -> int:
    """How many documents were forgotten since the release was made."""
    return sum(
        row.get("command") == "forget"
        and row.get("outcome") == "forgotten"
        and datetime.fromisoformat(row["started"]) > release.created
        for row in r.stores.runs.read(None)
    )


def exported_id(folder: Path) -> str:
    """The id that a release had where it was exported; ConfigurationError for a folder that holds none."""
    return str(_manifest(folder)["release"]["id"])


def _write(file: Path, schema: Any, rows: Iterator[dict[str, Any]]) -> int:
    count, held = 0, list[dict[str, Any]]()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for row in rows:
            held.append(row)
            count += 1
            if len(held) == ROWS:
                writer.write_table(pa.Table.from_pylist(held, schema))
                held.clear()
        if held:
            writer.write_table(pa.Table.from_pylist(held, schema))
    return count


def _document_rows(r: Resources, states: Sequence[DocumentState]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(states), ROWS):
        part = {version_id(s.key, s.version, s.parse_fingerprint): s for s in states[start : start + ROWS]}
        versions = r.stores.versions.get(list(part))
        for identity, state in part.items():
            if identity not in versions:
                raise IntegrityError(f"the parsed version of '{state.uri}' is missing from MongoDB", hint="sluice run mends it")
            row = json.dumps(codec.to_row(state))
            yield {"key": state.key, "uri": state.uri, "state": row, "version": versions_codec.pack(versions[identity])}


def _point_rows(r: Resources, release: Release) -> Iterator[dict[str, Any]]:
    """Vectors as they were embedded, where the cache has them still; else as the store gives them back."""
    held: list[Any] = []

    def rows() -> Iterator[dict[str, Any]]:
        known = r.stores.vectors.get(release.fingerprints["model"], [p.payload["text_hash"] for p in held])
        for p in held:
            dense = known.get(p.payload["text_hash"], p.dense)
            yield {
                "id": p.id,
                "text_hash": p.payload["text_hash"],
                "payload": json.dumps(plain(p.payload), ensure_ascii=True),
                "dense": None if dense is None else np.asarray(dense, np.float32).tolist(),
            }
        held.clear()

    for point in r.stores.qdrant.scan(release.collection, FIELDS, vectors=True):
        held.append(point)
        if len(held) == ROWS:
            yield from rows()
    yield from rows()


FIELDS = (
    "document_key", "source", "uri", "title", "heading_path", "page", "start", "end", "text", "language", "access_tags",
    "metadata", "version", "tokens", "text_hash",
)  # fmt: skip


def import_(r: Resources, run: Run, folder: Path) -> Report:
    """Take an exported release in, and stage it; `promote` puts it before the gates.

    For an index that has no documents yet. Raises ConfigurationError for a folder that holds no export, or one that another
    configuration made, ReleaseError for an index that has documents, or where one of the folder's was erased, IntegrityError
    where what comes of it is not what was exported: it is not staged then.
    """
    manifest = _manifest(folder)
    release = manifest["release"]

    def work() -> Report:
        if r.stores.documents.read():
            raise ReleaseError(
                f"index '{r.settings.index}' has documents already",
                hint="import into an index of its own: another name or state_dir",
            )
        _same_making(r, manifest)
        states = [codec.from_row(DocumentState, json.loads(row)) for row in _column(folder / DOCUMENTS, "state")]
        _same_fingerprint(release_fingerprint(states, r.recipe.answers), release)
        _none_erased(states, r.stores.forgotten.keys().union(manifest.get("forgotten", ())))
        run.still_mine()
        _take_vectors(r, release["fingerprints"]["model"], folder)
        r.stores.forgotten.add_all(manifest.get("forgotten", ()), utc_now(), run.actor)
        _take_documents(r, folder)
        states = settle(r, run)
        found = assess(r, states)
        _same_fingerprint(found.fingerprint, release)
        built = build(r, run, found)
        ids = {point.id for point in r.stores.qdrant.scan(built.collection)}
        exported = set(_column(folder / POINTS, "id"))
        if ids != exported:
            rejected = r.releases_by(run.actor).reject(r.releases.get(built.id))
            raise IntegrityError(
                f"release {rejected.id} holds {counted(len(ids), 'chunk')}, {len(ids ^ exported)} of which are not as exported",
                hint="the files were changed, or another version of the chunker is installed",
            )
        return run.account.report("staged", built.id)

    return recorded(r, run, {"folder": str(folder), "release": release["id"]}, lambda: unless_stopped(r, run, work))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] == FORMAT and all((folder / name).is_file() for name in (DOCUMENTS, POINTS)):
            return manifest
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ConfigurationError(f"{folder} holds no exported release", hint="name the folder that sluice export wrote")


def _same_making(r: Resources, manifest: dict[str, Any]) -> None:
    """Refuse what this configuration would make otherwise, before anything is changed."""
    ours = {**r.recipe.fingerprints, "parse": r.parse_fingerprints}
    theirs = manifest["release"]["fingerprints"]
    other = sorted(name for name in ours if plain(ours[name]) != theirs.get(name))
    if other:
        keys = otherwise(r, manifest["release"], other)
        raise ConfigurationError(
            f"{r.settings.path} makes releases otherwise than the exported one was made: {keys}",
            hint=f"write these keys as they are there (the export's {MANIFEST} has its configuration), and import again",
        )


def _none_erased(states: Sequence[DocumentState], erased: Collection[str]) -> None:
    """Refuse an export with a document that was erased where it is to be taken in, or while it was written."""
    back = sum(any(document_key(state.source, form) in erased for form in forms(state.uri)) for state in states)
    if back:  # counted, not named: what is refused is kept on record
        raise ReleaseError(
            f"{counted(back, 'document')} of the export {'was' if back == 1 else 'were'} erased since (sluice forget), and would "
            "come back",
            hint="import what was exported after that; sluice forget URI --undo lets a document come back on purpose",
        )


def _same_fingerprint(found: str, release: Mapping[str, Any]) -> None:
    if found != release["fingerprint"]:
        raise IntegrityError(
            f"what was imported has fingerprint {found[:16]}, the export {str(release['fingerprint'])[:16]}",
            hint="the files were changed, or lifetimes of this configuration differ; nothing was staged",
        )


def _column(file: Path, name: str) -> Iterator[str]:
    for batch in pq.ParquetFile(file).iter_batches(batch_size=ROWS, columns=[name]):
        yield from batch[name].to_pylist()


def _take_documents(r: Resources, folder: Path) -> None:
    for batch in pq.ParquetFile(folder / DOCUMENTS).iter_batches(batch_size=ROWS):
        states = []
        for row in batch.to_pylist():
            state = codec.from_row(DocumentState, json.loads(row["state"]))
            r.stores.versions.put(
                version_id(state.key, state.version, state.parse_fingerprint), versions_codec.unpack(row["version"])
            )
            states.append(replace(state, raw=False))  # its bytes stayed behind: what must be parsed anew is fetched anew
        r.stores.documents.write(states)


def _take_vectors(r: Resources, model: str, folder: Path) -> None:
    for batch in pq.ParquetFile(folder / POINTS).iter_batches(batch_size=ROWS, columns=["text_hash", "dense"]):
        hashes, vectors = batch["text_hash"].to_pylist(), batch["dense"].to_pylist()
        known = {h: np.asarray(v, np.float32) for h, v in zip(hashes, vectors, strict=True) if v is not None}
        r.stores.vectors.put(model, known)
