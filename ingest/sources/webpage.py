"""What a page of the web says: its links, its own address, its directives, and its main text as HTML.

Pure; run it in a worker (`ingest.sources.bounded`): it reads what strangers wrote.

Main text is the smallest part of the page that holds it, whole: `<main>` where there is one, else the element that holds
nine tenths of what trafilatura finds. So lists, headings, definitions and short sentences stay that an extractor of
paragraphs leaves out; what goes is what hides (`hidden`, inline styles, rules of `<style>` blocks), navigation, the page's
header and footer, and controls. `aria-hidden` stays: people see it.

Over 300 lines: one page, read once; each rule of what hides and what is kept is a few lines.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from ingest.decode import decode
from ingest.edits import Edit, edited
from ingest.markup import rejoined
from ingest.poison.markup import hidden
from ingest.properties import permission_of_page
from sluice.errors import DocumentError

Node = Any  # lxml.html.HtmlElement; lxml ships no types

HTML = frozenset({"text/html", "application/xhtml+xml"})
WARM = ("trafilatura", "cssselect")
"""What a worker imports before a page's clock starts."""
_MOST_LINKS = 20_000
_LONGEST_LINK = 4096
_SHARE = 0.9
_LEAST = 0.2
"""What an extractor finds is not the page's main part where it is less of the page than this."""
_SHINGLE = 4
_CONTAINERS = frozenset({"div", "section", "article", "main", "form", "center"})
_DROPPED = frozenset(
    [
        "script",
        "style",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "canvas",
        "button",
        "select",
        "input",
        "textarea",
        "datalist",
        "nav",
    ]
)
_CHROME_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar"})
_OUTER = frozenset({"header", "footer", "aside"})
_AROUND = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|igation)?|menu|breadcrumbs?|sidebar|cookies?|consent|share|sharing|social|newsletter|pagination|"
    r"pager|skip-?(?:link|nav)|related(?:-?posts)?|advert(?:isement)?s?|promo|banner|site-?(?:header|footer)|footer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    [
        "p",
        "li",
        "dd",
        "dt",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "blockquote",
        "figcaption",
        "caption",
        "summary",
        "div",
        "section",
        "article",
        "main",
        "body",
        "address",
    ]
)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(?=</style)", re.DOTALL | re.IGNORECASE)
_DISPLAY = re.compile(r"\b(?:display|visibility)\s*:\s*[\w-]+", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\bmedia\s*=\s*[\"']?\s*(?!all\b|screen\b)\w", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MOST_SELECTORS = 2000
_MOST_STEPS = 3_000_000
"""Selectors times elements of a page: the later rules of a style sheet without end are not looked at on a page without end."""


def read_page(content: bytes, about: Mapping[str, Any]) -> dict[str, Any]:
    """`links` (address, nofollow), `canonical` addresses, `robots` (name, content), `login`, and with `main_text` the `html`.

    `about`: `url`, `content_type` (the header), `main_text`. Raises DocumentError `nested_too_deeply`.
    """
    url, text = str(about["url"]), decoded(content, str(about.get("content_type", "")))
    root = _parsed(text)
    base = next((_joined(url, href) for node in root.iter("base") if (href := node.get("href"))), url) or url
    metas = ((node.get("name") or "", node.get("content") or "") for node in root.iter("meta"))
    found = {
        "links": list(_links(root, base)),
        "canonical": [
            address
            for node in root.iter("link")
            if "canonical" in (node.get("rel") or "").lower().split() and (address := _joined(base, node.get("href") or ""))
        ][:10],
        "robots": [(name, said[:2000]) for name, said in metas if name and said][:200],
        "login": any((node.get("type") or "").strip().lower() == "password" for node in root.iter("input")),
    }
    return found | ({"html": main_text(text, url)} if about.get("main_text") else {})


def decoded(content: bytes, content_type: str) -> str:
    """A page's text: its mark, else UTF-8 where it is that, else what the header says, the document, a guess; nothing fails."""
    from w3lib.encoding import http_content_type_encoding, read_bom, to_unicode

    stated = http_content_type_encoding(content_type) if content_type else None
    marked, _ = read_bom(content)
    if marked is None and not (stated and stated.lower().startswith(("utf-16", "utf-32", "iso2022", "iso-2022", "hz"))):
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if marked is None and stated and not _is_wrong(content, stated):
        return to_unicode(content, stated)
    try:
        return decode(content, declared=True)
    except DocumentError:
        return content.decode("utf-8", "replace")


def _is_wrong(content: bytes, stated: str) -> bool:
    """Whether a header that says UTF-8 is refuted by more letters than it explains: the page is in another encoding."""
    if stated.lower().replace("-", "") != "utf8":
        return False
    text = content.decode("utf-8", "replace")
    unread = text.count("\ufffd")
    return unread > sum(not c.isascii() for c in text) - unread


def as_utf8(content: bytes, content_type: str) -> bytes:
    """Text whose header alone says how it is encoded, in a form that says so itself; anything else as it is."""
    from w3lib.encoding import http_content_type_encoding

    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in HTML) or not http_content_type_encoding(content_type):
        return content
    text = decoded(content, content_type)
    if text.encode("utf-8", "replace") == content:
        return content
    return b"\xef\xbb\xbf" + text.lstrip("\ufeff").encode("utf-8", "replace")


def main_text(text: str, url: str = "") -> str:
    """A page without navigation, advertisements, footers and what hides, as HTML that says that it is UTF-8."""
    # Which rule of a style block counts for `display` is judged on the tree below; what hides otherwise, lexically here.
    judged = _STYLE.sub(_without_display, text)
    root = _parsed(edited(text, [Edit(cut.start, cut.end) for cut in hidden(judged) if cut.rule.startswith("hidden_")]))
    title = " ".join((root.findtext(".//title") or "").split())
    stated = permission_of_page(root, text)
    _cut(root, _unseen(root))
    body = root.find(".//body")
    body = root if body is None else body
    whole = _words(body)
    _cut(root, [node for node in root.iter() if _is_chrome(node)])
    mains = [node for node in body.iter() if node.tag == "main" or _role(node) == "main"]
    if len(" ".join(map(_words, mains))) * 4 >= len(_words(body)) and any(_words(node) for node in mains):
        chosen, marks = [node for node in mains if not any(above.tag == "main" for above in node.iterancestors())], None
    else:
        _cut(root, [node for node in body.iter(*_OUTER) if not any(a.tag in ("article", "main") for a in node.iterancestors())])
        marks = _marks(body, _extracted(root, url))
        chosen = [_smallest(body, marks)]
    for node in chosen:
        _cut(node, _around(node, marks))
    if not any(map(_words, chosen)) and whole:  # all of it lies in what pages have around their text
        chosen = [_body_of(_parsed(text))]
    inner = "".join(map(_serialised, chosen))
    named = f'<meta name="{html.escape(stated)}">' if stated else ""  # for its reader to refuse
    return f"<html><head><meta charset='utf-8'>{named}<title>{html.escape(title)}</title></head><body>{inner}</body></html>"


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _parsed(text: str) -> Node:
    from lxml import html as reader

    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff")).replace("\0", "\ufffd")
    parser = reader.HTMLParser(huge_tree=True, remove_pis=True, remove_comments=True)
    try:
        root = reader.document_fromstring(source.encode("utf-16-le", "replace").decode("utf-16-le"), parser=parser)
    except (ValueError, AssertionError, TypeError):
        root = None
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception as error:  # lxml's ParserError: nothing in it
        if type(error).__name__ != "ParserError":
            raise
        root = None
    if any("depth" in entry.message for entry in parser.error_log):
        raise DocumentError(
            "nested_too_deeply", "its elements are nested more than 2,000 deep", hint="mend the page, or exclude it"
        )
    return reader.document_fromstring("<html><body></body></html>") if root is None else rejoined(root)


def _body_of(root: Node) -> Node:
    body = root.find(".//body")
    body = root if body is None else body
    _cut(body, [node for node in body.iter() if node.tag in ("script", "style", "template", "noscript")])
    return body


def _cut(root: Node, nodes: Iterable[Node]) -> None:
    """Take elements out; the text after each stays, and a space keeps the words around it apart."""
    for node in list(nodes):
        if node is not root and node.getparent() is not None:
            node.tail = f" {node.tail or ''}"
            node.drop_tree()


def _serialised(node: Node) -> str:
    from lxml import etree

    found = etree.tostring(node, encoding="unicode", method="html", with_tail=False)
    return re.sub(r"^<body\b[^>]*>|</body>$", "", found) if node.tag == "body" else str(found)


def _words(node: Node) -> str:
    return " ".join(" ".join(node.itertext()).split())


def _role(node: Node) -> str:
    return (node.get("role") or "").strip().lower() if isinstance(node.tag, str) else ""


def _is_chrome(node: Node) -> bool:
    return isinstance(node.tag, str) and (node.tag in _DROPPED or _role(node) in _CHROME_ROLES)


def _links(root: Node, base: str) -> Iterator[tuple[str, bool]]:
    seen: set[str] = set()
    for node in root.iter("a", "area"):
        address = _joined(base, node.get("href") or "")
        if address and address not in seen and len(seen) < _MOST_LINKS:
            seen.add(address)
            yield address, "nofollow" in (node.get("rel") or "").lower().split()


def _joined(base: str, href: str) -> str:
    """An absolute http or https address; "" for anything else, bad ports and brackets included."""
    href = re.sub(r"[\t\n\r]", "", href.strip())
    try:
        whole = urljoin(base, href) if href and len(href) <= _LONGEST_LINK else ""
    except ValueError:
        return ""
    return whole if whole.lower().startswith(("http://", "https://")) else ""


def _without_display(style: re.Match[str]) -> str:
    """A style block of the same length without what `_unseen` judges, and without what is for other media."""
    opening, rules = style.groups()
    blank = re.compile(r"[^\n]+") if _ELSEWHERE.search(opening) else _DISPLAY
    return opening + blank.sub(lambda found: " " * len(found.group()), rules)


# ── what hides ───────────────────────────────────────────────────────────────────────────────────────────────────


def _unseen(root: Node) -> list[Node]:
    """Elements that rules of the page's own `<style>` blocks hide, by any selector; the more specific rule wins, then the
    later."""
    verdicts: dict[Node, tuple[tuple[int, ...], bool]] = {}
    for weight, selector, hides in _display_rules(root):
        try:
            matched = selector(root)
        except MemoryError:
            raise
        except Exception:  # an expression that lxml does not know
            continue
        for node in matched:
            if node not in verdicts or verdicts[node][0] <= weight:
                verdicts[node] = (weight, hides)
    return [node for node, (_, hides) in verdicts.items() if hides and not re.search(r"display\s*:", node.get("style") or "")]


def _display_rules(root: Node) -> Iterator[tuple[tuple[int, ...], Any, bool]]:
    from cssselect import SelectorError, parse
    from cssselect.xpath import HTMLTranslator
    from lxml import etree

    translator, number, seen = HTMLTranslator(), 0, set[tuple[str, bool]]()
    most = max(50, min(_MOST_SELECTORS, _MOST_STEPS // (1 + sum(1 for _ in root.iter()))))
    for style in root.iter("style"):
        if (style.get("media") or "all").strip().lower() not in ("all", "screen", ""):
            continue
        flat = re.sub(r"/\*.*?\*/", "", style.text or "", flags=re.DOTALL)
        flat = re.sub(r"@media\s+(?:all|screen)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", r"\1", flat, flags=re.IGNORECASE)
        flat = re.sub(r"@[\w-]+[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", "", flat)
        for selectors, body in _RULE.findall(flat):
            said = re.findall(r"(?:^|;)\s*(display|visibility)\s*:\s*([\w-]+)", body.lower())
            if not said or ":" in selectors:  # states such as :hover; what JavaScript opens is not known here
                continue
            hides = any(value in ("none", "hidden", "collapse") for _, value in said)
            for selector in selectors.split(",")[:100]:
                if (selector.strip(), hides) in seen:
                    continue
                seen.add((selector.strip(), hides))
                number += 1
                if number > most:
                    return
                try:
                    (parsed,) = parse(selector.strip()[:300])
                    path = etree.XPath(translator.selector_to_xpath(parsed))
                except (SelectorError, etree.XPathError, ValueError):
                    continue
                yield (*parsed.specificity(), number), path, hides


# ── where the main text lies ─────────────────────────────────────────────────────────────────────────────────────


def _extracted(root: Node, url: str) -> str:
    """What trafilatura takes for the main text; "" where it finds none."""
    import trafilatura

    try:
        copy = _serialised(root)
        found = trafilatura.extract(copy, url=url or None, output_format="txt", include_tables=True, include_comments=False)
    except MemoryError:
        raise
    except Exception:  # hostile markup makes the library raise several types
        return ""
    return str(found or "")


def _marks(body: Node, found: str) -> Counter[Node]:
    """Element → how many characters of the found text lie in it (its own blocks and those below)."""
    lines = {" ".join(re.findall(r"\w+", line.lower())) for line in found.splitlines()}
    shingles = {shingle for line in lines for shingle in _shingles(line)}
    marks: Counter[Node] = Counter()
    for node in body.iter():
        if isinstance(node.tag, str) and (node.tag in _BLOCKS or node is body):
            own = " ".join(re.findall(r"\w+", " ".join(_own_text(node)).lower()))
            of = list(_shingles(own))
            hit = sum(shingle in shingles for shingle in of) / len(of) if of else float(own in lines and bool(own))
            if hit >= 0.5:
                marks[node] += len(own)
    for node in reversed(list(body.iter())):  # children come before their parents
        if marks[node] and node is not body and (parent := node.getparent()) is not None:
            marks[parent] += marks[node]
    return marks


def _own_text(node: Node) -> Iterator[str]:
    """An element's text without that of the blocks in it."""
    yield node.text or ""
    waiting = list(reversed(list(node)))
    while waiting:
        child = waiting.pop()
        if child is None:
            continue
        if isinstance(child, str):
            yield child
            continue
        waiting.append(child.tail or "")
        if isinstance(child.tag, str) and child.tag not in _BLOCKS:
            waiting += reversed(list(child))
            yield child.text or ""


def _shingles(words: str) -> Iterator[str]:
    parts = words.split()
    return (" ".join(parts[n : n + _SHINGLE]) for n in range(len(parts) - _SHINGLE + 1))


def _smallest(body: Node, marks: Counter[Node]) -> Node:
    """The deepest element that holds nine tenths of what was found; the body where nothing was."""
    at, wanted = body, marks[body] * _SHARE
    if marks[body] < _LEAST * len(_words(body)):
        return body
    while wanted and (inside := next((child for child in at if marks[child] >= wanted), None)) is not None:
        if inside.tag not in _CONTAINERS:
            break  # a paragraph, a list or a table: what is beside it belongs to it
        at = inside
    return at


def _around(node: Node, marks: Counter[Node] | None) -> list[Node]:
    """Parts that call themselves navigation and the like, and hold nothing of what was found nor much of the whole."""
    lengths: Counter[Node] = Counter()
    for part in reversed(list(node.iter())):  # children come before their parents
        lengths[part] += len((part.text or "").split()) if isinstance(part.tag, str) else 0
        if part is not node:
            lengths[part.getparent()] += lengths[part] + len((part.tail or "").split())
    found = []
    for part in node.iter("div", "ul", "ol", "section", "aside", "p", "span", "form", "header", "footer"):
        named = f"{part.get('class') or ''} {part.get('id') or ''}"
        if part is not node and _AROUND.search(named) and not (marks and marks[part]) and lengths[part] * 4 < lengths[node]:
            found.append(part)
    return found
