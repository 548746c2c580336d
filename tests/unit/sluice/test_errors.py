"""Errors: one root, two temperaments, exit codes as in the contract, and whole after a journey."""

from __future__ import annotations

import copy
import pickle

import pytest

from sluice import errors
from sluice.errors import DocumentError, Permanent, Retryable, SluiceError

EXIT_CODES = {"ConfigurationError": 2, "UnknownRelease": 2, "GateRejected": 3, "IndexBusy": 4}


def family(kind: type[SluiceError]) -> list[type[SluiceError]]:
    return [kind, *(member for child in kind.__subclasses__() if child.__module__ == errors.__name__ for member in family(child))]


FAMILY = family(SluiceError)


def made(kind: type[SluiceError]) -> SluiceError:
    if issubclass(kind, DocumentError):
        return kind("too_large", "what failed", hint="what to do")
    return kind("what failed", hint="what to do")


@pytest.mark.parametrize("kind", FAMILY)
def test_exit_codes_are_those_of_the_contract(kind: type[SluiceError]) -> None:
    """2 wrong configuration, 3 rejected by a gate, 4 held by another process, 1 for every other failure."""
    assert kind.exit_code == EXIT_CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", [k for k in FAMILY if k not in (SluiceError, Permanent, Retryable)])
def test_every_error_has_one_temperament(kind: type[SluiceError]) -> None:
    """Trying again either may help or will not."""
    assert issubclass(kind, Permanent) != issubclass(kind, Retryable)


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("travel", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_an_error_is_whole_after_a_journey(kind: type[SluiceError], travel: object) -> None:
    """Through a worker pool and back: type, message, hint, reason and notes."""
    error = made(kind)
    error.add_note("seen on worker 3")
    again = travel(error)  # type: ignore[operator]
    assert type(again) is kind
    assert (again.message, again.hint, str(again)) == ("what failed", "what to do", "what failed")
    assert again.__notes__ == ["seen on worker 3"]
    assert getattr(again, "reason", None) == getattr(error, "reason", None)


def test_the_error_object_is_that_of_the_contract() -> None:
    """`{"type", "message", "hint"}`."""
    assert made(errors.IndexBusy).as_json() == {"type": "IndexBusy", "message": "what failed", "hint": "what to do"}


def test_the_tree_at_the_top_of_the_file_names_every_error() -> None:
    """A new class joins the drawing, with its exit code where it has one of its own."""
    drawing = str(errors.__doc__)
    for kind in FAMILY:
        (line,) = [line for line in drawing.splitlines() if f" {kind.__name__} " in f" {line} "]
        assert (f"exit {kind.exit_code}" in line) == (kind.__name__ in EXIT_CODES or kind is SluiceError)
