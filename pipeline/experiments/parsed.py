"""Documents parsed otherwise for an experiment: from the bytes that are kept, into a folder of the experiments' own.

    <state_dir>/experiments/parsed/<parser's fingerprint>/<document key>-<content hash>.json

Nothing live is read anew or touched: access, expiry and status stay those of the index. What was parsed once is not parsed
again; files of documents that are not in the index any more go when the same parser is asked again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.experiments import ParsingSettings
from ingest import processing
from ingest.pipeline import DOCUMENT_FAILURES
from ingest.protocols import Parser
from pipeline.experiments.variant_parts import Documents
from pipeline.resources import Resources
from sluice.errors import DocumentDropped
from sluice.ids import version_id
from sluice.records import Document, DocumentState
from sluice.replacing import replacing
from stores.mongo.codec import from_row, to_row


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser made of the index's documents; implements `pipeline.evidence.labelled.Held`.

    `as_in_base`: documents whose bytes are not kept (redaction), which stay as they are; `failed`: those left out, by reason.
    """

    documents: Documents = field(default_factory=list)
    as_in_base: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def get(self, ids: Sequence[str]) -> dict[str, Document]:
        """The documents of these versions of the index, as parsed here."""
        mine = {version_id(s.key, s.version, s.parse_fingerprint): document for s, document in self.documents}
        return {identity: mine[identity] for identity in ids if identity in mine}

    def cost(self) -> dict[str, Any]:
        return {"documents": len(self.documents), "as_in_base": self.as_in_base, "failed": dict(sorted(self.failed.items()))}


def parsers(r: Resources, parsing: ParsingSettings) -> dict[str, Parser]:
    """The parser of each source with these options in place of its own; ConfigurationError for one that cannot be."""
    return {source.name: processing.build(parsing.of(source)) for source in r.settings.sources}


def parse(r: Resources, chosen: Mapping[str, Parser], held: Documents, folder: Path) -> Parsed:
    """The index's documents (`held`) through these parsers, each in its source's; what needs no parsing is as it is held."""
    found = Parsed()
    kept: dict[str, set[str]] = {parser.fingerprint: set() for parser in chosen.values()}
    as_in_base = 0
    with r.progress.stage("parse", len(held)):
        for state, document in held:
            r.go_on()
            r.progress.advance(1)
            parser = chosen.get(state.source)
            if parser is None or parser.fingerprint == state.parse_fingerprint:
                found.documents.append((state, document))
                continue
            if not state.raw:
                as_in_base += 1
                found.documents.append((state, document))
                continue
            file = folder / parser.fingerprint / f"{state.key}-{state.version}.json"
            kept[parser.fingerprint].add(file.name)
            try:
                again = _read(file) or _parsed(r, parser, state, file)
            except (DocumentDropped, *DOCUMENT_FAILURES) as error:
                found.failed[str(getattr(error, "reason", type(error).__name__))] += 1
                continue
            if again.text.strip():
                found.documents.append((state, again))
            else:
                found.failed["empty"] += 1
    for fingerprint, names in kept.items():
        for file in (folder / fingerprint).glob("*.json"):
            if file.name not in names:
                file.unlink(missing_ok=True)
    return Parsed(found.documents, as_in_base, found.failed)


def _parsed(r: Resources, parser: Parser, state: DocumentState, file: Path) -> Document:
    document = parser.parse(r.ingestion("compare").item(state), source=state.source)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as made:
        made.write_text(json.dumps(to_row(document)), encoding="utf-8")
    return document


def _read(file: Path) -> Document | None:
    try:
        return from_row(Document, json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # parsed again, and written anew
