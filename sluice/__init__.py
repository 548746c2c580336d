"""The shared vocabulary of Sluice: records, identity, access, counts, errors and settings; and `open`, for programs that search.

    import sluice
    with sluice.open("sluice.yaml") as index:
        hits = index.searcher().search("how long is parental leave?", sluice.Principal.of(["people"]), k=5)

Everything here is pure: no network, no clock, no third-party service. Every other package may import it;
it imports none of them (`library.py` says how `open` finds what it opens).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sluice.access import Principal
    from sluice.errors import SluiceError
    from sluice.library import Index, Searcher
    from sluice.library import open_index as open
    from sluice.records import Hit

__all__ = ["Hit", "Index", "Principal", "Searcher", "SluiceError", "open"]

_FROM = {
    "Hit": "records:Hit",
    "Index": "library:Index",
    "Principal": "access:Principal",
    "Searcher": "library:Searcher",
    "SluiceError": "errors:SluiceError",
    "open": "library:open_index",
}
"""Where each name comes from, imported when it is asked for: encoders are carried to machines that have only what runs them."""


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'sluice' has no attribute '{name}'")
    module, attribute = _FROM[name].split(":")
    return getattr(import_module(f"sluice.{module}"), attribute)
