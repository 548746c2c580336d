"""Every error Sluice raises on purpose.

    SluiceError                    exit 1
    ├── Permanent                  trying again will not help until something changes
    │   ├── ConfigurationError     exit 2: a key, path, golden file or argument is wrong
    │   ├── DocumentError          one document cannot be processed: quarantine, never failure
    │   │   └── DocumentDropped    a policy leaves it out: dropped for that reason, no failure
    │   ├── MassDeletion           a source suddenly yields far less than last time
    │   ├── ReleaseError           a release cannot make this transition from its state
    │   │   └── UnknownRelease     exit 2: no release has this id
    │   ├── IntegrityError         something that must be equal is not (hashes, counts, offsets)
    │   ├── Cancelled              somebody ended the run; what it did is kept
    │   ├── BudgetSpent            a run may not spend more
    │   └── GateRejected           exit 3: the evidence is not good enough
    └── Retryable                  the same call may succeed later
        ├── StoreUnavailable       MongoDB or Qdrant did not answer
        │   └── DiskFull           a disk has no room; trying again at once will not help
        ├── SourceUnavailable      a source did not answer
        ├── ModelUnavailable       a model's endpoint did not answer
        └── IndexBusy              exit 4: another process holds the index

A message says what failed, on which id, what was seen against what was allowed; the hint says what to do next.
Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterator


class SluiceError(Exception):
    """Root of every expected failure: `message` for what happened, `hint` for what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_json(self) -> dict[str, str]:
        """The `error` object of the command line's JSON output."""
        return {"type": type(self).__name__, "message": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[object, tuple[type[SluiceError], dict[str, object]]]:
        return _rebuild, (type(self), dict(self.__dict__))


def _rebuild(kind: type[SluiceError], state: dict[str, object]) -> SluiceError:
    """Unpickle an error (they cross process boundaries with worker pools and Dask)."""
    error = kind.__new__(kind)
    Exception.__init__(error, state["message"])
    error.__dict__.update(state)
    return error


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it came of, one after the other."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def together(first: SluiceError, *others: SluiceError) -> SluiceError:
    """One error for several that were met: the first, with what the others say after it."""
    if not others:
        return first
    hints = dict.fromkeys(error.hint for error in (first, *others) if error.hint)
    said = {"message": "; ".join(_told(error, first) for error in (first, *others)), "hint": "; ".join(hints)}
    return _rebuild(type(first), first.__dict__ | said)


def _told(error: SluiceError, first: SluiceError) -> str:
    """The message; the file that it begins with, as the first does, is named once."""
    file, mark, rest = error.message.partition(": ")
    return rest if mark and error is not first and first.message.startswith(file + mark) and "/" in file else error.message


class Permanent(SluiceError):
    """Trying again will not help until something changes."""


class Retryable(SluiceError):
    """The same call may succeed later."""


class ConfigurationError(Permanent):
    """A configuration key, a path, a golden file or a command's argument is wrong."""

    exit_code = 2


class DocumentError(Permanent):
    """One document cannot be processed; `reason` is the short, countable name of why.

    `withdraws`: its last good version must not stay in its place (a policy refused it: redaction, poison).
    `keep_raw`: whether its bytes as fetched may be kept. `tags`: who may read it by its source's own word, where that is known
    although the rest cannot be had: they hold for the version that stays.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        hint: str = "",
        withdraws: bool = False,
        keep_raw: bool = True,
        tags: frozenset[str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.withdraws = withdraws
        self.keep_raw = keep_raw
        self.tags = tags


RETRY = "look at the document first: sluice quarantine retry tries it again"
"""What is said of a document that ended the processes that worked on it."""

NOT_CUT = "not_cut"
"""The reason of a document that the chunking strategy cannot cut."""


class DocumentDropped(DocumentError):
    """A policy says that a document has no place in a release; it withdraws what was there."""

    def __init__(self, reason: str, message: str, *, hint: str = "", keep_raw: bool = True) -> None:
        super().__init__(reason, message, hint=hint, withdraws=True, keep_raw=keep_raw)


class MassDeletion(Permanent):
    """A source suddenly yields far less than last time; nothing was tombstoned."""


class ReleaseError(Permanent):
    """A release cannot make this transition from its present state."""


class UnknownRelease(ReleaseError):
    """Nobody knows a release of this id: a typing mistake."""

    exit_code = 2


class IntegrityError(Permanent):
    """Two things that must be equal are not."""


class BudgetSpent(Permanent):
    """What a run may spend is spent; what it did is kept."""


class Cancelled(Permanent):
    """Somebody ended the run while it worked; what it did is kept."""


class GateRejected(Permanent):
    """The evidence is not good enough for this release to go live."""

    exit_code = 3


class StoreUnavailable(Retryable):
    """MongoDB or Qdrant did not answer."""


class DiskFull(StoreUnavailable):
    """A disk has no room left; the message says which, and how much was seen and needed."""


class SourceUnavailable(Retryable):
    """A source did not answer."""


class ModelUnavailable(Retryable):
    """The endpoint that serves a model did not answer."""


class IndexBusy(Retryable):
    """Another process holds the index; the message says who, and since when."""

    exit_code = 4
