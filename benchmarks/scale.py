"""What grows with the corpus: cold, unchanged and 1% runs over 1, 10 and 100 thousand documents, time and memory.

    .venv/bin/python -m benchmarks.scale [--documents 1000 10000] [--keep FOLDER] [--plot docs/scale.svg] [--verbatim]

100 thousand documents take longer cold than one likes to wait: `--documents 100000 --keep FOLDER` once, at night, and the same
again for the unchanged run, the 1% run and the searches, which go on from what is kept; what was measured lies there in
`rows.jsonl`, and the plot shows the newest of each. `--verbatim` takes the documents as
they are: the pipeline without the parser.

Documents are made from the handbook's paragraphs, each another text; embedding is by hashed words, so that the pipeline is
measured and not a model. Whole processes through the command line; memory is that of all processes together (PSS). Needs
../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA
from benchmarks.measured import measured

FOLDER_DOCUMENTS = 500
"""Files a folder: what people have, and no file system minds."""

TAGS = ("staff", "hr", "finance", "legal", "engineering")

CONFIGURATION: dict[str, Any] = {
    "index": "scale",
    "state_dir": "state",
    "sources": [{"name": "made", "type": "files", "root": "made", "include": ["**/*.md"]}],
    "access": {"rules": [*({"match": f"{tag}/**", "tags": [tag]} for tag in TAGS[1:]), {"match": "**", "tags": ["staff"]}]},
    "chunking": {"strategy": "recursive", "max_tokens": 100, "overlap_tokens": 0},
    "embedding": {"model": "hashing:384"},
    "gates": [],
}


@dataclass(frozen=True, slots=True)
class Row:
    documents: int
    run: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    chunks: int
    outcome: str


def paragraphs() -> list[str]:
    """The handbook's paragraphs of 60 to 1,200 characters."""
    found = []
    for file in sorted((CORPORA / "handbook" / "content").rglob("*.md")):
        parts = file.read_text(encoding="utf-8", errors="replace").split("\n\n")
        found += [part.strip() for part in parts if 60 <= len(part.strip()) <= 1200 and not part.startswith(("---", "<"))]
    return found


def document(number: int, stock: list[str], note: str = "") -> str:
    """About 4,000 characters (ten chunks of 100 tokens) that no other document has in this order."""
    rng = random.Random(number)
    parts, length = [f"# Page {number} of {rng.choice(TAGS)}"], 0
    while length < 4000:
        part = rng.choice(stock)
        parts.append(f"## Section {len(parts)} of page {number}\n\n{part}")
        length += len(part)
    return "\n\n".join([*parts, note]).strip() + "\n"


def place(root: Path, number: int) -> Path:
    return root / TAGS[number % len(TAGS)] / f"{number // FOLDER_DOCUMENTS:04}" / f"page-{number:06}.md"


def make(folder: Path, documents: int, stock: list[str], *, verbatim: bool) -> None:
    """The corpus and its configuration; what is kept of both stays as it is."""
    if (folder / "sluice.yaml").exists():
        return
    for number in range(documents):
        file = place(folder / "made", number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document(number, stock), encoding="utf-8")
    source = {**CONFIGURATION["sources"][0], **({"parse": "verbatim"} if verbatim else {})}
    (folder / "sluice.yaml").write_text(yaml.safe_dump({**CONFIGURATION, "sources": [source]}), encoding="utf-8")


def runs(folder: Path, documents: int, stock: list[str]) -> Iterator[Row]:
    """Cold, unless a cold run is kept; unchanged; 1% edited."""
    if not (folder / "state" / "releases").is_dir():
        yield run(folder, documents, "cold")
    yield run(folder, documents, "unchanged")
    for number in range(0, documents, 100):
        text = document(number, stock, f"A sentence that was added to page {number} at {time.time():.0f}.")
        place(folder / "made", number).write_text(text, encoding="utf-8")
    yield run(folder, documents, "1% edited")


def run(folder: Path, documents: int, name: str) -> Row:
    command = [str(Path(sys.executable).with_name("sluice")), "--config", str(folder / "sluice.yaml"), "run", "--json"]
    found = measured(command, also=[str(folder)])
    if found.status != 0:
        sys.exit(f"{' '.join(command)} ended with {found.status}:\n{found.stderr[-3000:]}\n{found.stdout[-500:]}")
    result = json.loads(found.stdout)
    row = Row(documents, name, found.wall_s, found.cpu_s, found.peak_mb, result["chunks"], result["outcome"])
    print(
        f"{documents:>9,} {name:>10} {row.wall_s:9.1f} {row.cpu_s:9.1f} {row.peak_mb:9.0f} {row.chunks:>10,} {row.outcome:>10}  "
        + ", ".join(f"{stage} {value:.1f}" for stage, value in result["seconds"].items()),
        flush=True,
    )
    return row


def search_ms(folder: Path, queries: int = 200) -> dict[str, float]:
    """Of filtered searches in the live release, in this process, in milliseconds: the slowest of those that are the `first` under
    their tag, which read what no other has read; then the median and the 95th percentile of the others, of whole searches (with
    the other places of their texts, which are many here: a paragraph recurs in a hundred documents) and of the store's part.
    """
    from indexing.search import ANYWHERE  # late: this benchmark's other parts need no pipeline
    from pipeline.resources import shared
    from sluice.access import Principal

    rng = random.Random(1)
    stock = paragraphs()
    with shared(str(folder / "sluice.yaml")) as r:
        live = r.releases.live()
        if live is None:
            sys.exit(f"{folder}: nothing is live")
        searcher, opened = r.live_searcher(), r.searcher(live)

        def timed(ask: Callable[[str, Principal], object], tag: str) -> float:
            words, reader = " ".join(rng.choice(stock).split()[:8]), Principal.of([tag])
            start = time.perf_counter()
            ask(words, reader)
            return 1000 * (time.perf_counter() - start)

        def whole(words: str, reader: Principal) -> object:
            return searcher.search(words, reader, 10)

        def in_the_store(words: str, reader: Principal) -> object:
            asked = opened.asked(words, 10)
            return opened.vectors.nearest(opened.collection, asked, reader.tags, 10, ANYWHERE)

        found = {"first": max(timed(whole, tag) for tag in TAGS)}
        for name, ask in (("search", whole), ("store", in_the_store)):
            taken = sorted(timed(ask, rng.choice(TAGS)) for _ in range(queries))
            found |= {f"{name} p50": taken[len(taken) // 2], f"{name} p95": taken[int(len(taken) * 0.95)]}
    return found


def plot(rows: list[Row]) -> str:
    """Seconds and megabytes against documents, both axes logarithmic, one line a run: SVG."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 330" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="860" height="330" fill="white"/>')
    for panel, (field, unit) in enumerate((("wall_s", "seconds"), ("peak_mb", "MB, all processes"))):
        parts += _panel(rows, field, unit, left=60 + 430 * panel)
    return "".join([*parts, "</svg>"])


def remembered(folder: Path, rows: list[Row]) -> list[Row]:
    """The newest measurement of each run, of today or of the days before that are kept in this folder."""
    file = folder / "rows.jsonl"
    with file.open("a", encoding="utf-8") as kept:
        kept.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
    known = [Row(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted({(row.documents, row.run): row for row in known}.values(), key=lambda row: row.documents)


COLOURS = {"cold": "#1b6ca8", "unchanged": "#2e8b57", "1% edited": "#c2571a"}


def _panel(rows: list[Row], field: str, unit: str, *, left: int) -> Iterator[str]:
    import math

    width, top, height = 330, 40, 230
    xs = sorted({row.documents for row in rows})
    values = [asdict(row)[field] for row in rows]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    span = max(math.log10(xs[-1] / xs[0]), 1e-9)

    def x(documents: int) -> float:
        return left + width * math.log10(documents / xs[0]) / span

    def y(value: float) -> float:
        return top + height * (1 - (math.log10(value) - low) / (high - low))

    yield f'<text x="{left - 40}" y="20" font-weight="bold">{escape(unit)}</text>'
    for power in range(low, high + 1):
        at = y(10**power)
        yield f'<line x1="{left}" x2="{left + width}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{10**power:g}</text>'
    for documents in xs:
        yield f'<text x="{x(documents):.1f}" y="{top + height + 18}" text-anchor="middle">{documents:,}</text>'
    yield f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">documents</text>'
    for name, colour in COLOURS.items():
        line = [(x(row.documents), y(asdict(row)[field])) for row in rows if row.run == name]
        if not line:
            continue
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in line)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in line)
        yield f'<text x="{line[-1][0] - 4:.1f}" y="{line[-1][1] - 8:.1f}" text-anchor="end" fill="{colour}">{escape(name)}</text>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    parser.add_argument("--verbatim", action="store_true", help="documents as they are: the pipeline without the parser")
    parser.add_argument("--plot", type=Path, help="write the plot here (SVG)")
    chosen = parser.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-scale-"))
    stock, rows = paragraphs(), list[Row]()
    print(f"{'documents':>9} {'run':>10} {'wall s':>9} {'CPU s':>9} {'peak MB':>9} {'chunks':>10} {'outcome':>10}  stages")
    try:
        for documents in chosen.documents:
            make(folder / str(documents), documents, stock, verbatim=chosen.verbatim)
            rows += runs(folder / str(documents), documents, stock)
            taken = ", ".join(f"{name} {ms:.1f} ms" for name, ms in search_ms(folder / str(documents)).items())
            print(f"{documents:>9,} {'search':>10} {taken}", flush=True)
        if chosen.plot:
            chosen.plot.write_text(plot(remembered(folder, rows)), encoding="utf-8")
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
