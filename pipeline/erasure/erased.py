"""What is still known of documents that were erased on demand: the key of each, a hash, and since when; never a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.resources import Resources
from sluice.ids import document_key
from sluice.spelling import forms


@dataclass(frozen=True, slots=True)
class Gone:
    """A document that was erased, by the name that somebody gives it."""

    key: str
    source: str
    uri: str
    at: datetime

    def said(self) -> str:
        """Since when, for people."""
        return f"erased on {self.at:%Y-%m-%d %H:%M} UTC"


def erased(r: Resources, uri: str, source: str | None = None) -> list[Gone]:
    """What was erased under this uri, in whichever Unicode form: at most one of each configured source, or of this one."""
    since = r.stores.forgotten.since()
    spelled = [(s.name, form) for s in r.settings.sources if source in (None, s.name) for form in forms(uri)]
    found = {name: Gone(key, name, form, since[key]) for name, form in spelled if (key := document_key(name, form)) in since}
    return list(found.values())
