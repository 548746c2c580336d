"""The language of a text, as an ISO 639-1 code; `und` where there is too little to tell."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

UNDETERMINED = "und"

_SAMPLE = 2000
_LETTERS = 20  # below this the guess is noise
_SURE = 0.9
_NOISE = re.compile(r"https?://\S+|\S+@\S+|[\d_|`*#<>{}\[\]()]+|\b\w\b")
_LOCK = threading.Lock()


def language(text: str) -> str:
    """`en`, `de`, … of the first 2,000 characters; the same text always gives the same answer."""
    sample = _NOISE.sub(" ", text[:_SAMPLE])
    if sum(character.isalpha() for character in sample) < _LETTERS:
        return UNDETERMINED
    factory, unknown = _profiles()
    detector = factory.create()
    detector.append(sample)
    try:
        best = detector.get_probabilities()
    except unknown:
        return UNDETERMINED
    return str(best[0].lang) if best and best[0].prob >= _SURE else UNDETERMINED


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
