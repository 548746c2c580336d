"""E-books."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crude import office as crude
from tests.crude.words import lost
from tests.unit.ingest.office_files import book, zipped
from tests.unit.ingest.reading import holds, losses, read, refused


def test_pages_are_read_in_the_order_of_the_spine() -> None:
    """Headings, lists, tables of every page; the title is the book's; pictures are said."""
    content = book(
        "<h1>Chapter one</h1><p>It was <b>bright</b>.</p><ul><li>a</li></ul>",
        "<h1>Chapter two</h1><table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table><img src='x'/>",
    )
    document = read(content, "a.epub")
    holds(document)
    assert document.text == "Chapter one\n\nIt was bright.\n\na\n\nChapter two\n\nx | y\n1 | 2"
    assert (document.title, document.metadata["author"]) == ("A book", "Ada")
    assert losses(document) == {"picture": 1}
    assert not lost(crude.epub(content), document.text)


def test_every_script_and_a_page_that_is_missing() -> None:
    """Declared encodings hold; a page that the spine names and the file lacks is said."""
    japanese = '<?xml version="1.0" encoding="shift_jis"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>日本語の本</p></body></html>'
    content = book("<p>Première</p>", "<p>x</p>", "<p>Третья</p>")
    import io
    import zipfile

    source = zipfile.ZipFile(io.BytesIO(content))
    parts = {name: source.read(name) for name in source.namelist() if name != "OEBPS/p1.xhtml"}
    parts["OEBPS/p2.xhtml"] = japanese.encode("shift_jis")
    document = read(zipped(parts), "a.epub")
    assert document.text == "Première\n\n日本語の本"
    assert losses(document) == {"missing_part": 1}


def test_a_locked_book_is_protected_and_an_obfuscated_font_is_not() -> None:
    """DRM encrypts pages; what only scrambles fonts does not matter. A zip without a book is malformed."""
    lock = "<encryption><EncryptedData><EncryptionMethod Algorithm='{}'/></EncryptedData></encryption>"
    pages = book("<p>x</p>", also={"META-INF/encryption.xml": lock.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")})
    assert refused(pages, "a.epub") == "protected"
    assert (
        read(book("<p>x</p>", also={"META-INF/encryption.xml": lock.format("http://www.idpf.org/2008/embedding")}), "a.epub").text
        == "x"
    )
    assert refused(zipped({"mimetype": "application/epub+zip"}), "a.epub") == "malformed"


FORMS = (
    "<p>{}</p>", "<h1>{}</h1>", "<section><h2>{}</h2></section>", "<ul><li>{}</li></ul>", "<ol><li>x</li><li>{}</li></ol>",
    "<table><tr><td>{}</td><td>x</td></tr></table>", "<figure><img src='x'/><figcaption>{}</figcaption></figure>",
    "<aside epub:type='footnote'>{}</aside>", "<p>x<a epub:type='noteref'>{}</a></p>", "<blockquote><p>{}</p></blockquote>",
    "<dl><dt>x</dt><dd>{}</dd></dl>", "<ruby>x<rt>{}</rt></ruby>", "<div>{}</div>", "<nav><ol><li><a>{}</a></li></ol></nav>",
    "<svg xmlns='http://www.w3.org/2000/svg'><text>{}</text></svg>", "<p>&#160;{}&amp;</p>", "<pre>{}</pre>",
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(0, len(FORMS) - 1), max_size=5), min_size=1, max_size=4))
def test_every_word_of_a_book_comes_back_once(pages: list[list[int]]) -> None:
    """In every construct of every page, in the order of the spine; a list of contents is part of a book."""
    bodies, words = [], []
    for number, forms in enumerate(pages):
        parts = [FORMS[form].format(f"wört{number}y{place}x") for place, form in enumerate(forms)]
        bodies.append("".join(parts) + "<p>end</p>")
        words += [f"wört{number}y{place}x" for place in range(len(forms))]
    document = read(book(*bodies), "a.epub")
    holds(document)
    assert [document.text.count(word) for word in words] == [1] * len(words)
    found = [document.text.index(word) for word in words]
    assert found == sorted(found)


def test_numbers_of_the_printed_books_pages_are_no_words() -> None:
    mark = '<span epub:type="pagebreak" id="p{0}" title="{0}">{0}</span>'
    content = book(f"<p>Wo{mark.format(12)}rds and pagebreak.</p>", '<p>a <span role="doc-pagebreak" id="p13">13</span>b</p>')
    assert read(content, "a.epub").text == "Words and pagebreak.\n\na b"
