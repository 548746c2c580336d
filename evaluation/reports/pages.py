"""The evidence of a release as one HTML page, and as Markdown; made from manifests and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from evaluation.reports.blocks import Passages, html_of, listed, note
from evaluation.reports.markdown import cell, markdown_of, table
from evaluation.reports.markup import Html, join, page, tag
from evaluation.reports.release import Part, facts, headline, parts, what_to_do
from sluice.evidence import Block, Hits
from sluice.releases import Release


def report_html(release: Release, live: Release | None = None, passages: Passages = MappingProxyType({})) -> str:
    """One page about a release; `live` is the release it was held against, None where there was none.

    `passages` are the texts of the documents that `quoted` names, as each list of hits found them.
    """
    title = f"Release {release.id} of {release.index}"
    kind, said = headline(release)
    banner = tag("div", said, listed(what_to_do(release)), class_=f"banner {kind}".strip())
    body = [tag("h1", title), note(*facts(release, live)), banner]
    return page(title, [*body, *(_html(part, passages) for part in parts(release, live) if part.title != "What to do")])


def quoted(release: Release) -> dict[str, set[str]]:
    """The documents of which this release's page shows words, if it is given them: keys by the name of a list of hits."""
    found: dict[str, set[str]] = {}
    for block in (block for part in parts(release) for block in part.blocks if isinstance(block, Hits)):
        for name, hits in block.lists.items():
            found.setdefault(name, set()).update(hit.document_key for hit in hits if hit.document_key)
    return {name: keys for name, keys in found.items() if keys}


def page_html(title: str, facts: Sequence[str], said: str, *, bad: bool, sections: Sequence[tuple[str, Sequence[Block]]]) -> str:
    """One page of blocks below their headings, with facts in small print and one sentence that stands out."""
    banner = tag("div", said, class_=f"banner {'bad' if bad else 'good'}")
    return page(title, [tag("h1", title), note(*facts), banner, *(_html(Part(name, tuple(blocks))) for name, blocks in sections)])


def report(release: Release) -> str:
    """The release in one page of Markdown: what it is, what to do, verdicts and every gate's evidence."""
    rows = [
        ("documents", release.documents),
        ("chunks", release.chunks),
        ("held against", release.judged.get("against")),
        ("overruled", ", ".join(release.judged.get("overruled") or ()) or None),
        ("fingerprint", release.fingerprint[:16]),
        ("access root", release.access_root[:16]),
    ]
    head = f"# Release {cell(release.id)} of {cell(release.index)}\n\n**{cell(headline(release)[1])}**\n\n" + table(
        ("state", cell(release.state)),
        rows,
    )
    return "\n\n".join([head, *filter(None, map(_markdown, parts(release)))]) + "\n"


def _html(part: Part, passages: Passages = MappingProxyType({})) -> Html:
    body = join(html_of(block, passages) for block in part.blocks)
    return Html(tag("h2", part.title) + "\n" + body) if body else body


def _markdown(part: Part) -> str:
    body = "\n\n".join(filter(None, map(markdown_of, part.blocks)))
    return f"## {cell(part.title)}\n\n{body}" if body else ""
