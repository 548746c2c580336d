"""Files of old programs made here, record by record: Excel 97's (BIFF8), Excel's binary ones (BIFF12), Outlook's messages."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tests.unit.ingest.office_files import relations, zipped

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR = 512
_SMALL = 4096


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file ([MS-CFB], version 3) with these streams in folders (`a/b`)."""
    entries: list[tuple[str, int, bytes]] = [("Root Entry", 5, b"")]
    children: dict[int, list[int]] = {0: []}
    folders = {"": 0}
    for path, content in streams.items():
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = len(entries)
            children[0].append(len(entries))
            children[len(entries)] = []
            entries.append((folder, 1, b""))
        children[folders[folder]].append(len(entries))
        entries.append((name, 2, content))
    sectors: list[bytes] = []
    chain: list[int] = []

    def put(content: bytes) -> int:
        parts = [content[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(content), _SECTOR)]
        first = len(sectors)
        sectors.extend(parts)
        chain.extend([*range(first + 1, first + len(parts)), _END])
        return first if parts else _END

    small, small_chain, starts = b"", list[int](), list[int]()
    for _, _, content in entries:
        if len(content) >= _SMALL:
            starts.append(put(content))
        elif content:
            starts.append(len(small) // 64)
            count = -(-len(content) // 64)
            small += content.ljust(64 * count, b"\0")
            small_chain += [*range(starts[-1] + 1, starts[-1] + count), _END]
        else:
            starts.append(_END)
    entries[0] = ("Root Entry", 5, small)
    starts[0] = put(small)
    coded_small = struct.pack(f"<{len(small_chain)}I", *small_chain)
    small_table = put(coded_small.ljust(-(-len(coded_small) // _SECTOR) * _SECTOR, b"\xff"))
    after = {one: following for listed in children.values() for one, following in pairwise(listed)}
    rows = b""
    for number, (name, kind, content) in enumerate(entries):
        coded = name.encode("utf-16-le")
        first = children.get(number) or [_FREE]
        rows += coded.ljust(64, b"\0") + struct.pack("<HBB", len(coded) + 2, kind, 1)
        rows += struct.pack("<III", _FREE, after.get(number, _FREE), first[0]) + bytes(36)
        rows += struct.pack("<IQ", starts[number], len(content))
    directory = put(rows.ljust(-(-len(rows) // _SECTOR) * _SECTOR, b"\0"))
    tables = 1
    while tables * _SECTOR // 4 < len(sectors) + tables:
        tables += 1
    fat = len(sectors)
    chain += [_FAT] * tables
    coded_chain = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, tables, directory, 0, _SMALL, small_table, -(-len(coded_small) // _SECTOR), _END, 0)
    head += struct.pack(f"<{tables}I", *range(fat, fat + tables)).ljust(436, b"\xff")
    return head + b"".join(sectors) + coded_chain


def summary(own: Mapping[str, str], codepage: int = 1200) -> dict[str, bytes]:
    """The stream of a compound file with the user's own properties ([MS-OLEPS] 2.21)."""
    wide = codepage == 1200

    def coded(text: str) -> bytes:
        return f"{text}\0".encode("utf-16-le" if wide else f"cp{codepage}")

    names = struct.pack("<I", len(own))
    for number, name in enumerate(own, 2):
        raw = coded(name)
        names += struct.pack("<II", number, len(raw) // (2 if wide else 1)) + raw + bytes(-len(raw) % 4 if wide else 0)
    values = [names, struct.pack("<II", 2, codepage), *(struct.pack("<II", 0x1E, len(coded(v))) + coded(v) for v in own.values())]
    at, table, body = 8 + 8 * len(values), b"", b""
    for number, value in enumerate(values):
        table += struct.pack("<II", number, at + len(body))
        body += value + bytes(-len(value) % 4)
    section = struct.pack("<II", at + len(body), len(values)) + table + body
    user = bytes.fromhex("05d5cdd59c2e1b10939708002b2cf9ae")
    head = struct.pack("<HHI", 0xFFFE, 0, 0) + bytes(16) + struct.pack("<I", 1) + user + struct.pack("<I", 48)
    return {"\x05DocumentSummaryInformation": head + section}


def xls(sheets: Mapping[str, Sequence[Sequence[tuple[str, str]]]], also: Mapping[str, bytes] | None = None) -> bytes:
    """An Excel 97 workbook: sheet → rows of (kind of record, text); kinds: `shared`, `label`, `rich`, `formula`."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def string(text: str, wide: int = 2) -> bytes:
        return struct.pack("<H" if wide == 2 else "<B", len(text)) + b"\1" + text.encode("utf-16-le")

    begin = struct.pack("<HHHHII", 0x600, 5, 0x0DBB, 0x07CC, 0, 6)
    shared = list(dict.fromkeys(text for rows in sheets.values() for row in rows for kind, text in row if kind == "shared"))
    font = record(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + string("Arial", 1))
    head = record(0x809, begin) + record(0x42, struct.pack("<H", 1200)) + font * 4
    head += record(0xE0, struct.pack("<HHH", 0, 0, 0) + bytes(14)) * 16
    bodies = []
    for rows in sheets.values():
        body = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0x0DBB, 0x07CC, 0, 6))
        for y, row in enumerate(rows):
            for x, (kind, text) in enumerate(row):
                place = struct.pack("<HHH", y, x, 15)
                match kind:
                    case "shared":
                        body += record(0xFD, place + struct.pack("<I", shared.index(text)))
                    case "label":
                        body += record(0x204, place + string(text))
                    case "rich":
                        body += record(0xD6, place + string(text) + struct.pack("<HHH", 1, 0, 0))
                    case "formula":
                        result = struct.pack("<BBHHH", 0, 0, 0, 0, 0xFFFF)
                        body += record(6, place + result + struct.pack("<HIH", 0, 0, 0)) + record(0x207, string(text))
        bodies.append(body + record(0x0A, b""))
    table = record(0xFC, struct.pack("<II", len(shared), len(shared)) + b"".join(map(string, shared)))
    size = len(head) + sum(len(record(0x85, bytes(6) + string(name, 1))) for name in sheets) + len(table) + 4
    listed = b""
    for name, body in zip(sheets, bodies, strict=True):
        listed += record(0x85, struct.pack("<IH", size, 0) + string(name, 1))
        size += len(body)
    return compound({"Workbook": head + listed + table + record(0x0A, b"") + b"".join(bodies), **(also or {})})


def xlsb(sheets: Mapping[str, Sequence[Sequence[tuple[str, str]]]]) -> bytes:
    """An Excel binary workbook ([MS-XLSB]): sheet → rows of (kind of cell, text); kinds: `shared`, `inline`, `formula`."""

    def number(value: int) -> bytes:
        coded = b""
        while True:
            value, low = value >> 7, value & 0x7F
            coded += bytes([low | 0x80 if value else low])
            if not value:
                return coded

    def record(kind: int, body: bytes = b"") -> bytes:
        coded = number(kind) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return coded + number(len(body)) + body

    def string(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    shared = list(dict.fromkeys(text for rows in sheets.values() for row in rows for kind, text in row if kind == "shared"))
    parts: dict[str, str | bytes] = {}
    listed = b""
    for place, (name, rows) in enumerate(sheets.items(), 1):
        listed += record(156, struct.pack("<II", 0, place) + string(f"rId{place}") + string(name))
        body = record(129) + record(145)
        for y, row in enumerate(rows):
            body += record(0, struct.pack("<IIHBBBI", y, 0, 300, 0, 0, 0, 1) + struct.pack("<II", 0, max(len(row) - 1, 0)))
            for x, (kind, text) in enumerate(row):
                cell = struct.pack("<II", x, 0)
                match kind:
                    case "shared":
                        body += record(7, cell + struct.pack("<I", shared.index(text)))
                    case "inline":
                        body += record(6, cell + string(text))
                    case "formula":
                        coded = b"\x17" + struct.pack("<H", len(text)) + text.encode("utf-16-le")  # PtgStr
                        body += record(8, cell + string(text) + struct.pack("<HI", 0, len(coded)) + coded + bytes(4))
        parts[f"xl/worksheets/sheet{place}.bin"] = body + record(146) + record(130)
    table = record(159, struct.pack("<II", len(shared), len(shared)))
    table += b"".join(record(19, b"\0" + string(text)) for text in shared) + record(160)
    types = "".join(
        f'<Override PartName="/xl/{name}" ContentType="application/vnd.ms-excel.{kind}"/>'
        for name, kind in [
            ("workbook.bin", "sheet.binary.macroEnabled.main"),
            ("sharedStrings.bin", "sharedStrings"),
            *((f"worksheets/sheet{place}.bin", "worksheet") for place in range(1, len(sheets) + 1)),
        ]
    )
    related = [(f"rId{place}", "worksheet", f"worksheets/sheet{place}.bin") for place in range(1, len(sheets) + 1)]
    content = "http://schemas.openxmlformats.org/package/2006/content-types"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{content}"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
            "_rels/.rels": relations(("rId1", "officeDocument", "xl/workbook.bin")),
            "xl/_rels/workbook.bin.rels": relations(*related, ("rIdS", "sharedStrings", "sharedStrings.bin")),
            "xl/workbook.bin": record(131) + record(143) + listed + record(144) + record(132),
            "xl/sharedStrings.bin": table,
            **parts,
        }
    )


def msg(
    subject: str,
    *,
    plain: str = "",
    html: bytes = b"",
    codepage: int = 0,
    rich: bytes = b"",
    attached: Sequence[str] = (),
    headers: str = "",
    fields: Sequence[str] = (),
) -> bytes:
    """A message as Outlook saves it ([MS-OXMSG]): its bodies, attachments by name, the headers it came with, and the names of
    fields that somebody gave it."""

    def properties(head: int, found: Mapping[int, bytes]) -> dict[str, bytes]:
        rows = b"".join(struct.pack("<IIII", tag, 6, len(value) + 2 * (tag & 0xFFFF == 0x1F), 0) for tag, value in found.items())
        rows += struct.pack("<IIII", 0x3FDE0003, 6, codepage, 0) if codepage else b""
        return {
            "__properties_version1.0": bytes(head) + rows,
            **{f"__substg1.0_{tag:08X}": value for tag, value in found.items()},
        }

    said = {0x001A001F: "IPM.Note".encode("utf-16-le"), 0x0037001F: subject.encode("utf-16-le")}
    said |= {0x1000001F: plain.encode("utf-16-le")} if plain else {}
    said |= {0x10130102: html} if html else {}
    said |= {0x10090102: rich} if rich else {}
    said |= {0x007D001F: headers.encode("utf-16-le")} if headers else {}
    streams = properties(32, said)
    named = (field.encode("utf-16-le") for field in fields)
    own = b"".join(struct.pack("<I", len(raw)) + raw + bytes(-len(raw) % 4) for raw in named)
    streams |= {"__nameid_version1.0/__substg1.0_00040102": own} if own else {}
    for number, name in enumerate(attached):
        inner = properties(8, {0x3707001F: name.encode("utf-16-le"), 0x37010102: b"x"})
        streams |= {f"__attach_version1.0_#{number:08X}/{key}": value for key, value in inner.items()}
    return compound(streams)
