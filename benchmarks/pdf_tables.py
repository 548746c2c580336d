"""Tables in PDFs: rows and cells read right by the fast way and with pdfplumber, and what `compare` says of the two.

    .venv/bin/python -m benchmarks.pdf_tables [--keep FOLDER]

Six tables of ../shared/corpora/formats, whose cells are known: one is a PDF there, five are files of other formats, printed by
LibreOffice into narrow columns with lines around the cells, as reports have them. A row is right when it is one line of the
text with every cell of it, in order, between the bars; a cell when its row is there and has it. Needs soffice.
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.commands import CORPORA, sluice
from ingest.formats import format_of
from ingest.readers import read

FORMATS = CORPORA / "formats"
TABLES = {
    "lorem": ("docx-tables.docx", 0),
    "plain": ("fake-doc.rtf", 0),
    "steel": ("example-steelJIS-datasheet.html", 1),
    "ballots": ("table-multi-row-column-cells-actual.csv", 0),
    "fruit": ("simple-table.md", 0),
}
Cells = list[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work in this folder and keep it")
    chosen = parser.parse_args()
    if not FORMATS.is_dir() or shutil.which("soffice") is None:
        sys.exit("this benchmark needs the shared corpora and LibreOffice (soffice)")
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    try:
        truth = _documents(folder / "docs")
        for way in ("fast", "pdfplumber"):
            _told(way, folder / "docs", truth)
        _compared(folder, truth)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _documents(folder: Path) -> dict[str, Cells]:
    """The PDFs, and what their tables say."""
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, Cells] = {
        "numbers": [[f"{first}.01", str(second)] for first, second in zip(range(200, 1601, 200), range(1, 16, 2), strict=True)]
    }
    shutil.copy(FORMATS / "pdf" / "all-number-table.pdf", folder / "numbers.pdf")
    for name, (file, number) in TABLES.items():
        truth[name] = _cells(FORMATS / file, number)
        rows = "".join(
            "<tr>" + "".join(f'<td width="90">{html.escape(cell)}</td>' for cell in row) + "</tr>" for row in truth[name]
        )
        page = f'<h1>The {name} table</h1><table border="1" cellspacing="0" width="{90 * len(truth[name][0])}">{rows}</table>'
        (folder / f"{name}.html").write_text(f"<html><body>{page}</body></html>", encoding="utf-8")
        command = [
            "soffice",
            f"-env:UserInstallation=file://{folder}/office",
            "--headless",
            "--convert-to",
            "pdf:writer_web_pdf_Export",
        ]
        subprocess.run([*command, "--outdir", str(folder), str(folder / f"{name}.html")], check=True, capture_output=True)
    return truth


def _cells(file: Path, number: int) -> Cells:
    content = file.read_bytes()
    if file.suffix == ".csv":
        found = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if any(row)]
    else:
        tables = [p for p in read(format_of(file.name, None, content), content, file.name).pieces if p.kind == "table"]
        found = [row.split(" | ") for row in tables[number].text.splitlines()]
    width = max(map(len, found))
    return [[" ".join(cell.split()) for cell in row] + [""] * (width - len(row)) for row in found]


def _told(way: Any, folder: Path, truth: dict[str, Cells]) -> None:
    total = [0, 0, 0, 0]
    for name, rows in truth.items():
        content = (folder / f"{name}.pdf").read_bytes()
        lines = [line for piece in read("pdf", content, name, pdf_tables=way).pieces for line in piece.text.splitlines()]
        held = [[cell.strip() for cell in line.split(" | ")] for line in lines if " | " in line]
        right = cells = 0
        for row in rows:
            wanted = row[: max((i + 1 for i, cell in enumerate(row) if cell), default=0)]
            right += wanted in held
            cells += max(
                (sum(a == b for a, b in zip(wanted, line, strict=False) if a) for line in held if line[0] == wanted[0]), default=0
            )
        counts = right, len(rows), cells, sum(bool(cell) for row in rows for cell in row)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        print(f"{way:11} {name:8} rows {counts[0]:2} of {counts[1]:2}, cells {counts[2]:3} of {counts[3]:3}", flush=True)
    print(f"{way:11} {'all':8} rows {total[0]:2} of {total[1]:2}, cells {total[2]:3} of {total[3]:3}\n", flush=True)


def _compared(folder: Path, truth: dict[str, Cells]) -> None:
    """`sluice compare` with the parser as its axis: each row a question, the row its answer."""
    base = {
        "index": "tables",
        "state_dir": "state",
        "sources": [{"name": "docs", "type": "files", "root": "docs", "include": ["*.pdf"]}],
        "access": {"rules": [{"match": "**", "tags": ["all"]}]},
        "chunking": {"strategy": "table", "max_tokens": 60},
        "gates": [],
    }
    golden = [
        {"id": f"{name}-{n}", "query": " ".join(row), "relevant": [{"uri": f"{name}.pdf", "quote": " | ".join(row).strip(" |")}]}
        for name, rows in truth.items()
        for n, row in enumerate(rows)
        if sum(map(bool, row)) > 1
    ]
    ways = [{"name": way, "parsing": {"pdf_tables": way}} for way in ("fast", "pdfplumber")]
    experiment = {"name": "tables", "base": "base.yaml", "golden": "golden.jsonl", "measure": "TokenRecall@k", "variants": ways}
    (folder / "base.yaml").write_text(yaml.safe_dump(base), encoding="utf-8")
    (folder / "golden.jsonl").write_text("".join(json.dumps(query) + "\n" for query in golden), encoding="utf-8")
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    result = sluice("compare", str(folder / "experiment.yaml"))[1]
    for variant in result["variants"]:
        measures = ", ".join(f"{name} {value:.3f}" for name, value in variant["measures"].items())
        print(f"{variant['name']:11} {measures}")
    print("\n".join(result["conclusion"]))


if __name__ == "__main__":
    main()
