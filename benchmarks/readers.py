"""Seconds of CPU and megabytes that the readers take over 1, 4 and 16 times the worst input known for each.

    python -m benchmarks.readers            prints a table

Each input is made here: what makes a reader go through its text again and again if it is not careful.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable

from ingest.parse import UnstructuredParser
from ingest.readers.sheets import reference
from sluice.records import RawItem
from tests.unit.ingest import office_files as office
from tests.unit.ingest import pdf_files as pdf


def nested_tables(count: int) -> bytes:
    table = office.para(office.run("word"))
    for _ in range(15):
        table = office.table(office.row(office.cell(table), office.cell(office.para(office.run("beside")))))
    return office.word(table * count)


def notes(count: int) -> bytes:
    body = "".join(f'<w:p><w:r><w:t>w</w:t></w:r><w:r><w:footnoteReference w:id="{n}"/></w:r></w:p>' for n in range(count))
    each = "".join(f'<w:footnote w:id="{n}">{office.para(office.run("note"))}</w:footnote>' for n in range(count))
    root = f"<w:footnotes {office.W_NAMES}>{each}</w:footnotes>"
    return office.word(body, related=(("r1", "footnotes", "footnotes.xml"),), parts={"footnotes.xml": root})


def runs(count: int) -> bytes:
    return office.word(office.para(office.run("word ") * count))


def merged_cells(count: int) -> bytes:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>w</t></is></c></row>' for n in range(1, count + 1))
    merges = "".join(f'<mergeCell ref="A{n}:XFD1048576"/>' for n in range(1, count + 1))
    return office.workbook({"S": f"<sheetData>{rows}</sheetData><mergeCells>{merges}</mergeCells>"})


def staircase(count: int) -> bytes:
    rows = "".join(f'<row r="{n}"><c r="{reference(n, n % 16000 + 1)}"><v>{n}</v></c></row>' for n in range(1, count + 1))
    columns = "".join(f'<col min="{n}" max="16384" hidden="0"/>' for n in range(1, 100))
    return office.workbook({"S": f"<cols>{columns}</cols><sheetData>{rows}</sheetData>"})


def shapes(count: int) -> bytes:
    return office.deck(office.shape(*[office.said("word ") * 5] * 10) * count)


def odf_lists(count: int) -> bytes:
    item = "<text:list><text:list-item><text:p>word</text:p></text:list-item></text:list>"
    for _ in range(20):
        item = f"<text:list><text:list-item><text:p>word</text:p>{item}</text:list-item></text:list>"
    return office.odf("text", item * count)


def rtf_groups(count: int) -> bytes:
    return b"{\\rtf1" + b"{\\footnote{\\b word " * count + b"}}" * count + b"}"


def rtf_cells(count: int) -> bytes:
    return b"{\\rtf1" + b"\\trowd\\clvmgf\\cellx1\\pard\\intbl a\\par b\\cell\\row" * count + b"}"


def scattered(count: int) -> bytes:
    return pdf.made("".join(pdf.at(10 + n * 13 % 590, 10 + n * 7 % 770, "word") for n in range(count)))


def one_paragraph(count: int) -> bytes:
    return pdf.made("".join(pdf.at(72, 780 - n * 0.01, "some-") for n in range(count)))


def repeated(unit: str, head: str = "", tail: str = "") -> Callable[[int], bytes]:
    return lambda count: (head + unit * count + tail).encode()


def mail(fields: str, body: str) -> Callable[[int], bytes]:
    head = "Subject: s\nContent-Type: multipart/mixed; boundary=X\n\n"
    return repeated(f"--X\nContent-Type: {fields}\n\n{body}\n", head, "--X--\n")


def footnotes(count: int) -> bytes:
    return "".join(f"[^{n}]: a note\n\n[idle{n}]: words\n\n" for n in range(count)).encode()


def cells(count: int) -> bytes:
    ran = {"output_type": "stream", "text": ["printed\n"] * 3}
    cell = {"cell_type": "code", "source": "f()", "outputs": [ran]}
    return json.dumps({"nbformat": 4, "cells": [cell, {"cell_type": "markdown", "source": "# Title\n\nText."}] * count}).encode()


SPANNING = "<tr>" + "<td rowspan=9 colspan=9>x</td>" * 3 + "</tr>"
PROSE = "Title\n\n- one\n- two\n\n[^1]: note\n\nA paragraph of some words.\n\n"
EVENT = "BEGIN:VEVENT\nSUMMARY:x\nATTENDEE;CN=Ann:mailto:a@b\nDESCRIPTION:first\\nsecond\nEND:VEVENT\n"
INPUTS: dict[str, tuple[str, Callable[[int], bytes], int]] = {
    "mail, attachments": ("a.eml", mail("application/pdf; name=a.pdf", "x"), 500),
    "mail, HTML parts": ("a.eml", mail("text/html", "<p>x y z</p>"), 500),
    "HTML, cells that span": ("a.html", repeated(SPANNING, "<table>", "</table>"), 1000),
    "HTML, never closed": ("a.html", repeated("<p>x <b>y <img alt=z>"), 2000),
    "Markdown, idle notes": ("a.md", footnotes, 1000),
    "CSV, quotes never closed": ("a.csv", repeated('a;"b;c\n'), 5000),
    "text": ("a.txt", repeated(PROSE), 2000),
    "XML, mixed content": ("a.xml", repeated("<a>x<b>y</b>z</a><c><d/></c>", "<r>", "</r>"), 4000),
    "XML, what it forbids": ("a.xml", repeated("<a>x&nbsp;\x0b</a>", "<r>", "</r>"), 4000),
    "notebook": ("a.ipynb", cells, 500),
    "calendar": ("a.ics", repeated(EVENT, "BEGIN:VCALENDAR\n"), 1000),
    "docx, tables in tables": ("a.docx", nested_tables, 30),
    "docx, notes": ("a.docx", notes, 1000),
    "docx, one paragraph": ("a.docx", runs, 4000),
    "xlsx, overlapping merges": ("a.xlsx", merged_cells, 1000),
    "xlsx, one cell in each column": ("a.xlsx", staircase, 4000),
    "pptx, shapes": ("a.pptx", shapes, 300),
    "odt, lists in lists": ("a.odt", odf_lists, 100),
    "rtf, notes in notes": ("a.rtf", rtf_groups, 4000),
    "rtf, rows": ("a.rtf", rtf_cells, 2000),
    "pdf, words anywhere": ("a.pdf", scattered, 1000),
    "pdf, lines on lines": ("a.pdf", one_paragraph, 1000),
}


def main() -> None:
    parser = UnstructuredParser()
    parser.parse(RawItem("a.docx", runs(1), "v"), source="s")
    print("| input | seconds 1x | 4x | 16x | MB 1x | 16x |\n|---|--:|--:|--:|--:|--:|")
    for name, (uri, make, size) in INPUTS.items():
        seconds, peaks = [], []
        for times in (1, 4, 16):
            item = RawItem(uri, make(size * times), "v")
            started = time.process_time()
            parser.parse(item, source="s")
            seconds.append(time.process_time() - started)
            if times != 4:
                tracemalloc.start()
                parser.parse(item, source="s")
                peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
                tracemalloc.stop()
        print(f"| {name} | {' | '.join(f'{s:.2f}' for s in seconds)} | {' | '.join(f'{p:.0f}' for p in peaks)} |", flush=True)


if __name__ == "__main__":
    main()
