"""What the styles of HTML hide, taken out where the poison rules do not look: in what lies within something else."""

from __future__ import annotations

from ingest import edits
from ingest.elements import Loss
from ingest.poison.markup import hidden


def without_hidden(source: str, *, markdown: bool = False) -> tuple[str, tuple[Loss, ...]]:
    """HTML or Markdown without what its styles hide: for what the poison rules do not open (an envelope, a notebook)."""
    cuts = [cut for cut in hidden(source, markdown=markdown) if cut.rule.startswith("hidden_")]
    kept = edits.edited(source, [edits.Edit(cut.start, cut.end) for cut in cuts])
    return kept, (Loss("hidden", len(cuts)),) if cuts else ()
