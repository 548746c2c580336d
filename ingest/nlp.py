"""Unstructured's tokenizer, offline.

Unstructured asks spaCy's `en_core_web_sm` whether a line has a verb and how many sentences it has, to tell a title
from a paragraph in formats that do not say (plain text, PDF, parts of DOCX). It downloads that model from GitHub at
first use, and fails where there is no network. `install()` puts a function in place of its loader, before first use:
the real model where it is installed, else a blank pipeline with a linear tokenizer, a sentence splitter and a rule for
verbs.
The two may call different lines titles, so `kind()` is part of the parse fingerprint. Formats that mark their
headings (Markdown, HTML) parse alike with both.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
import threading
from typing import Any

_MODEL = "en_core_web_sm"
_RULES = "rules-1"
_WORD = re.compile(r"\w+(?:[.'’-]\w+)*|[^\w\s]")
_VERB = re.compile(
    r"(?:am|is|are|was|were|be|been|being|has|have|had|do|does|did|can|could|will|would|shall|should|may|might|must"
    r"|get|gets|got|go|goes|went|make|makes|made|take|takes|took|see|sees|saw|say|says|said|use|uses|give|gives|gave"
    r"|come|comes|came|know|knows|knew|think|thinks|want|wants|need|needs|work|works|call|calls|find|finds|found"
    r"|keep|keeps|kept|let|lets|put|puts|run|runs|ran|set|sets|show|shows|send|sends|sent|tell|tells|told"
    r"|[a-z]{3,}(?:ed|ize|izes|ise|ises|ify|ifies))",
    re.IGNORECASE,
)
_LOCK = threading.Lock()
_installed = False


def kind() -> str:
    """Which tokenizer parses here: the model with its version, or the rules; does not import spaCy."""
    try:
        return f"{_MODEL}-{importlib.metadata.version(_MODEL)}"
    except importlib.metadata.PackageNotFoundError:
        return _RULES


def install() -> None:
    """Make unstructured usable: offline, silent, without telemetry; idempotent, safe from threads, slow the first time."""
    global _installed
    silence()
    with _LOCK:
        if _installed:
            return
        # Read at import and at each call: its notice on stdout, and its calls home with document types and counts.
        os.environ.setdefault("UNSTRUCTURED_DISABLE_NOTICE", "1")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        os.environ.setdefault("SCARF_NO_ANALYTICS", "1")
        from unstructured.nlp import tokenize

        tokenize._load_spacy_model = _load
        tokenize._get_nlp.cache_clear()
        tokenize._get_nlp()
        _installed = True


def _load() -> Any:
    import spacy

    if kind() != _RULES:
        return spacy.load(_MODEL, exclude=["ner", "lemmatizer", "attribute_ruler"])
    from spacy.tokens import Doc

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")

    def words(text: str) -> Any:
        """Linear in the text; spaCy's own rules take minutes for 20,000 equals signs in a row."""
        found = list(_WORD.finditer(text))
        tags = [""] * len(found)
        # Unstructured only asks whether there is a verb: one is enough.
        verb = next((place for place, word in enumerate(found) if _VERB.fullmatch(word.group())), None)
        if verb is not None:
            tags[verb] = "VB"
        spaces = [text[word.end() : word.end() + 1].isspace() for word in found]
        return Doc(pipeline.vocab, words=[word.group() for word in found], spaces=spaces, tags=tags)

    pipeline.tokenizer = words
    return pipeline


def silence() -> None:
    """Silence the known noise of the libraries behind unstructured, and of pypdf; each for its own reason."""
    for name in ("unstructured", "pdfminer", "pypdf"):  # they log each flaw of a broken file; the outcome is what counts
        logging.getLogger(name).setLevel(logging.ERROR)
