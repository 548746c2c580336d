"""The release that somebody named: by its id, by the beginning of it, or by the id that it had where it was exported."""

from __future__ import annotations

from pipeline.resources import Resources
from sluice.errors import UnknownRelease
from sluice.releases import Release


def named(r: Resources, release_id: str) -> Release:
    """As `Releases.get`; of an id from before an import it is said what the release is called here."""
    try:
        return r.releases.get(release_id)
    except UnknownRelease:
        for row in r.stores.runs.read(None):
            if row.get("command") == "import" and row.get("parameters", {}).get("release") == release_id and row.get("release"):
                here = row["release"]
                raise UnknownRelease(f"release {release_id} was imported, and is {here} here", hint=f"say {here}") from None
        raise
