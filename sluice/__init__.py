"""The shared vocabulary of Sluice: records, identity, access, counts, errors and settings; and `open`, for programs that search.

    import sluice
    with sluice.open("sluice.yaml") as index:
        hits = index.searcher().search("how long is parental leave?", sluice.Principal.of(["people"]), k=5)

Everything here is pure: no network, no clock, no third-party service. Every other package may import it;
it imports none of them (`library.py` says how `open` finds what it opens).
"""

from __future__ import annotations

from sluice.access import Principal
from sluice.errors import SluiceError
from sluice.library import Index, Searcher
from sluice.library import open_index as open
from sluice.records import Hit

__all__ = ["Hit", "Index", "Principal", "Searcher", "SluiceError", "open"]
