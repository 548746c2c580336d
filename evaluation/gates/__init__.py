"""Gates: what a release must show to go live. One file each; the table below is the whole registry.

A type that is not in the table is a user's own, `module:Class`: a class with an `Options` model (pydantic) that is
made with the checked options, and is then a `Gate` (see `base.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Any

from evaluation.gates.base import Asking, Gate, GateContext, Prepared, ReleaseView, release_tags
from evaluation.gates.exact import ExactGate
from evaluation.golden import GoldenSet
from sluice import plugins
from sluice.blame import own_code
from sluice.errors import ConfigurationError, IntegrityError, Retryable, SluiceError, together
from sluice.ids import fingerprint
from sluice.records import Verdict
from sluice.settings import GateSettings, Settings, options
from sluice.yaml_files import entry

__all__ = [
    "GATES",
    "Gate",
    "GateContext",
    "ReleaseView",
    "build",
    "build_all",
    "gates_fingerprint",
    "may_search",
    "prepare",
    "queries_of",
    "release_tags",
    "run_gates",
]

GATES: Mapping[str, str] = {
    "reconciliation": "evaluation.gates.reconciliation:ReconciliationGate",
    "retrieval": "evaluation.gates.retrieval:RetrievalGate",
    "leaks": "evaluation.gates.leaks:LeaksGate",
    "inference": "evaluation.gates.inference:InferenceGate",
    "exact": "evaluation.gates.exact:ExactGate",
    "data_quality": "evaluation.gates.data_quality:DataQualityGate",
    "drift": "evaluation.gates.drift:DriftGate",
    "latency": "evaluation.gates.latency:LatencyGate",
    "replay": "evaluation.gates.replay:ReplayGate",
}

_READING = ("reconciliation", "data_quality", "drift")
"""Those that read points and search nothing."""


def build(section: GateSettings, settings: Settings, *, where: str = "gates") -> Gate:
    """The gate that a section of the configuration names; raises ConfigurationError for an unknown type or option."""
    kind = _gate_class(section.type, f"{settings.path}: {where}.type")
    gate: Gate = kind(options(kind.Options, section, where=where, settings=settings))
    return gate


def _load(gate: Gate, where: str) -> None:
    """Read its files; of one that is not there the key that names it is said."""
    try:
        gate.load()
    except ConfigurationError as error:
        named = dict(getattr(gate, "options", ()))
        key = next((key for key, value in named.items() if error.message == f"{value}: no such file"), None)
        if key is None:
            raise
        hint = f"{error.hint}; it is relative to the configuration"
        if key == "golden":
            hint += (
                "; a set that is still to be made begins as an empty file, and every release is refused until it asks something"
            )
        raise ConfigurationError(f"{where}.{key}: {error.message}", hint=hint) from None


def build_all(settings: Settings) -> list[Gate]:
    """Reconciliation, always, then the configured gates in their order, each with its files read and checked.

    Raises one error for all that is wrong with them, also where vectors are compressed and no gate compares with exact ones.
    """
    sections = [s for s in settings.gates if s.type != "reconciliation"]
    always = next((s for s in settings.gates if s.type == "reconciliation"), GateSettings(type="reconciliation"))
    types = [{"type": section.type} for section in settings.gates]
    called = {id(section): entry(types, position) for position, section in enumerate(settings.gates)}
    gates, wrong = list[Gate](), list[SluiceError]()
    for section in (always, *sections):
        where = f"gates.{called.get(id(section), 'reconciliation')}"
        try:
            gates.append(build(section, settings, where=where))
            _load(gates[-1], f"{settings.path}: {where}")
        except SluiceError as error:
            wrong.append(error)
    kept = settings.stores.qdrant
    compared = any(isinstance(gate, ExactGate) for gate in gates)
    if kept.quantization != "none" and kept.url != "embedded" and not compared:
        wrong.append(
            ConfigurationError(
                f"{settings.path}: stores.qdrant.quantization: vectors kept as {kept.quantization} lose neighbours, and no gate "
                "looks at what that costs the readers of each set of tags",
                hint="add {type: exact, golden: FILE} to the gates, or leave quantization at 'none'",
            )
        )
    if wrong:
        raise together(*wrong)
    return gates


def gates_fingerprint(gates: Sequence[Gate]) -> str:
    """Changes when any gate's options or the content of a file that it reads change."""
    return fingerprint("gates", {"gates": [[gate.name, gate.fingerprint] for gate in gates]})


def may_search(gates: Sequence[Gate]) -> bool:
    """Whether any of these gates may search, so that queries are embedded."""
    return any(gate.name not in _READING for gate in gates)


def queries_of(gates: Sequence[Gate]) -> list[str]:
    """The queries that these gates put to every release."""
    return list(dict.fromkeys(query for gate in gates if isinstance(gate, Asking) for query in gate.queries))


def prepare(gates: Sequence[Gate]) -> None:
    """Begin to load what gates are slow to load, on a thread that nobody waits for but the gate that needs it."""
    slow = [gate.ahead for gate in gates if isinstance(gate, Prepared)]
    if slow:
        Thread(target=_quietly, args=(slow,), name="gates ahead", daemon=True).start()


def _quietly(slow: Sequence[Callable[[], None]]) -> None:
    for load in slow:
        with suppress(Exception):  # the gate meets it again, and its verdict says so
            load()


def run_gates(gates: Sequence[Gate], context: GateContext) -> list[Verdict]:
    """Every gate's verdict, in order; each is run whatever the others found, those that are `Prepared` beside the others.

    A gate that breaks has not passed: its verdict fails and names the error. Errors that are not about the release
    (ConfigurationError, Retryable) are raised.
    """
    read = (getattr(gate, "golden", None) for gate in gates)
    whole = replace(context, golden_files=frozenset(str(golden.path) for golden in read if isinstance(golden, GoldenSet)))
    context.ahead(queries_of(gates), True)
    with ThreadPoolExecutor(1, "gates beside") as beside:
        begun = {n: beside.submit(_verdict, gate, whole) for n, gate in enumerate(gates) if isinstance(gate, Prepared)}
        found = {n: _verdict(gate, whole) for n, gate in enumerate(gates) if n not in begun}
        return [found[n] if n in found else begun[n].result() for n in range(len(gates))]


def _verdict(gate: Gate, context: GateContext) -> Verdict:
    try:
        return gate.judge(context)
    except (ConfigurationError, Retryable):
        raise
    except IntegrityError as error:
        return Verdict(gate.name, False, error.message, {"error": error.as_json()})
    except Exception as error:
        place = own_code(error)
        said = f"{place}: {type(error).__name__}: {error}" if place is not None else f"{type(error).__name__}: {error}"
        return Verdict(
            gate.name,
            False,
            f"the gate itself failed, and no evidence is not a pass: {said}",
            {"error": {"type": type(error).__name__, "message": str(error)}},
        )


def _gate_class(name: str, where: str) -> Any:
    kind = plugins.resolve(name, GATES, kind="gate", where=where)
    if not hasattr(kind, "Options") or not hasattr(kind, "judge"):
        raise ConfigurationError(f"{where}: '{name}' is not a gate", hint="a gate has an Options model, load() and judge()")
    return kind
