"""PDF files made here, object by object: fonts, pages, annotations, form fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HELVETICA = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def made(
    *pages: str,
    fonts: Mapping[str, str] | None = None,
    annotations: Sequence[str] = (),
    extra: Sequence[str] = (),
    catalog: str = "",
    about: str = "",
    resources: str = "",
) -> bytes:
    """A PDF with these pages (content streams). Objects of `extra` are numbered from 10, annotations are the first page's.

    `F1` is Helvetica; `catalog`, `about` and `resources` go into the catalogue, into each page and into its resources.
    """
    bodies: dict[int, str] = {10 + n: body for n, body in enumerate(extra)}
    listed = " ".join(f"/{name} {body}" for name, body in {"F1": HELVETICA, **(fonts or {})}.items())
    first = 10 + len(bodies)
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(pages)))
    bodies[1] = f"<< /Type /Catalog /Pages 2 0 R {catalog} >>"
    bodies[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"
    for n, content in enumerate(pages):
        noted = f"/Annots [{' '.join(annotations)}]" if annotations and n == 0 else ""
        bodies[first + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {first + 2 * n + 1} 0 R {noted} {about} "
            f"/Resources << /Font << {listed} >> {resources} >> >>"
        )
        bodies[first + 2 * n + 1] = stream(content)
    out, offsets = b"%PDF-1.7\n", {}
    for number in sorted(bodies):
        offsets[number] = len(out)
        out += f"{number} 0 obj\n{bodies[number]}\nendobj\n".encode("latin-1")
    at = len(out)
    rows = "".join(f"{number} 1\n{offsets[number]:010d} 00000 n \n" for number in sorted(offsets))
    end = f"trailer << /Size {max(bodies) + 1} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF"
    return out + f"xref\n0 1\n0000000000 65535 f \n{rows}{end}".encode()


def stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def at(x: float, y: float, text: str, *, size: float = 11, font: str = "F1", turn: str = "1 0 0 1") -> str:
    """A line of text at a place; `turn` is the matrix's first four numbers (`0 1 -1 0` runs up the page)."""
    return f"BT /{font} {size} Tf {turn} {x} {y} Tm ({text}) Tj ET\n"


def mapped(pairs: Mapping[str, str]) -> str:
    """A ToUnicode map as a stream object: hexadecimal code → hexadecimal UTF-16."""
    rows = " ".join(f"<{code}> <{text}>" for code, text in pairs.items())
    return stream(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange <00> <FF> "
        f"endcodespacerange {len(pairs)} beginbfchar {rows} endbfchar endcmap end end"
    )


def table(x: float, y: float, widths: Sequence[float], rows: Sequence[Sequence[Sequence[str]]], *, leading: float = 13) -> str:
    """A table with a line around every cell, its upper left corner at a place; a cell is its lines, `leading` apart."""
    drawn, top = "0.5 w ", y
    for row in rows:
        height, left = leading * max(len(cell) for cell in row) + 6, x
        for width, lines in zip(widths, row, strict=True):
            drawn += f"{left} {top - height} {width} {height} re S "
            drawn += "".join(at(left + 3, top - leading * (n + 1), line) for n, line in enumerate(lines))
            left += width
        top -= height
    return drawn
