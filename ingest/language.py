"""The language of a text, as an ISO 639-1 code; `und` where there is too little to tell."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

UNDETERMINED = "und"

_SAMPLE = 2000
_LETTERS = 20  # below this the guess is noise
_SURE_LETTERS = 60
"""Fewer letters than this say less than a document that names its language."""
_CODE = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9_-]*)?")
_SCRIPTED = 4
_SCRIPTS = (
    (re.compile("[\u3040-\u30ff]"), "ja"),  # kana: before Han, which Japanese has too
    (re.compile("[\uac00-\ud7a3]"), "ko"),
    (re.compile("[\u0e00-\u0e7f]"), "th"),
    (re.compile("[\u0370-\u03ff]"), "el"),
    (re.compile("[\u0530-\u058f]"), "hy"),
    (re.compile("[\u10a0-\u10ff]"), "ka"),
    (re.compile("[\u1780-\u17ff]"), "km"),
    (re.compile("[\u0e80-\u0eff]"), "lo"),
    (re.compile("[\u1000-\u109f]"), "my"),
    (re.compile("[\u3400-\u9fff]"), "zh"),
)
"""Scripts that one language is written in (nearly always): a few letters tell it, and no statistics are asked."""
_SURE, _LESS_SURE = 0.9, 0.7
_ELUSIVE = frozenset({"af"})
"""What a few words of a language with far more speakers are taken for: Dutch."""
_NOISE = re.compile(r"https?://\S+|\S+@\S+|[\d_|`*#<>{}\[\]()]+|\b\w\b")
_LOCK = threading.Lock()


def language(text: str, declared: str = "") -> str:
    """`en`, `de`, … of the first 2,000 characters; the same text always gives the same answer.

    What the document says of itself (`declared`: `de`, `pt-BR`) counts where its text is too short to be sure, or does not tell.
    """
    said = _CODE.fullmatch(declared.strip())
    otherwise = said.group(1).lower() if said and text.strip() else UNDETERMINED
    sample = _NOISE.sub(" ", text[:_SAMPLE])
    letters = sum(character.isalpha() for character in sample)
    if not sample.isascii() and (by_script := _by_script(sample, letters)):
        return by_script
    if letters < (_LETTERS if otherwise == UNDETERMINED else _SURE_LETTERS):
        return otherwise
    found = _likeliest(sample, _SURE)
    if found and letters < _SURE_LETTERS:
        # Of a few words the statistics are sure whatever they say: an answer that holds however they are written is one.
        again = {_likeliest(sample.lower(), _LESS_SURE), _likeliest(sample.title(), _LESS_SURE)}
        found = found if again == {found} and found not in _ELUSIVE and len(sample.split()) > 1 else ""
    return found or otherwise


def _likeliest(sample: str, least: float) -> str:
    """The language that the statistics say, "" where they are less sure than this."""
    factory, unknown = _profiles()
    detector = factory.create()
    detector.append(sample)
    try:
        best = detector.get_probabilities()
    except unknown:
        return ""
    return str(best[0].lang).partition("-")[0] if best and best[0].prob >= least else ""


def _by_script(sample: str, letters: int) -> str:
    """The language whose script most of the letters are of; "" where none is, or several languages share it."""
    found = {language: len(script.findall(sample)) for script, language in _SCRIPTS}
    if found["ja"] * 10 > found["zh"]:  # Han is what Japanese has most of
        found["ja"] += found.pop("zh")
    best = max(found, key=lambda language: found[language])
    return best if found[best] >= _SCRIPTED and found[best] * 2 > letters else ""


def load() -> None:
    """Load the languages' profiles, which takes a fifth of a second, before a text is asked about."""
    _profiles()


def _profiles() -> tuple[Any, type[Exception]]:
    with _LOCK:  # loading the profiles is neither instant nor safe from two threads
        return _loaded()


@cache
def _loaded() -> tuple[Any, type[Exception]]:
    from langdetect import DetectorFactory, detector_factory
    from langdetect.lang_detect_exception import LangDetectException

    DetectorFactory.seed = 0  # it samples n-grams at random: without a seed the answer changes from run to run
    detector_factory.init_factory()
    return detector_factory._factory, LangDetectException
