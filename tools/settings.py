"""The reference of every key of a configuration and an experiment, from the models that check them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Set
from datetime import timedelta
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from chunking import STRATEGIES
from chunking.strategy import NoOptions
from evaluation.experiments.settings import ExperimentSettings, Grid
from evaluation.gates import GATES
from ingest.sources import SOURCES
from sluice import plugins
from sluice.settings import Settings

INTRODUCTION = """\
# Settings

Every key of a configuration, and of an experiment's file. This page is made from the models that check them
(`make reference`); a test fails when it is not what they say.

Paths are relative to the file that holds them. `${NAME}` takes an environment variable. A key that is not here is refused with
its path. A default of – is none.
"""
WORDS: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true, false",
    Path: "path",
    timedelta: "duration: days as a number, `30d`, `2w`, `12h`, `P30D`",
    SecretStr: "text, kept nowhere",
    Any: "anything",
}


def page() -> str:
    """docs/settings.md, whole."""
    parts = [INTRODUCTION, *_sections(Settings, "", "The file"), _family("Sources by type", "sources[]", SOURCES)]
    parts += [_family("Strategies by name", "chunking", STRATEGIES), _family("Gates by type", "gates[]", GATES)]
    parts += ["## An experiment's file\n", *_sections(ExperimentSettings, "", "The experiment", level=3, known=_within(Settings))]
    parts += ["The sections of a variant are those of a configuration, above.\n"]
    parts += [*_sections(Grid, "grid", level=3, told="In the place of `variants`: " + _first_down(_doc(Grid)))]
    return "\n".join(parts)


def _family(title: str, path: str, table: Mapping[str, str]) -> str:
    parts = [f"## {title}\n", f"What a member of the family has besides the keys of `{path}` above.\n"]
    for name in table:
        model = getattr(plugins.resolve(name, table, kind="member"), "Options", NoOptions)
        if model.model_fields:
            parts += _sections(model, f"{path}", name, level=3, told=_doc(model))
        else:
            parts.append(f"### {name}\n\nNo keys of its own.\n")
    return "\n".join(parts)


def _sections(
    model: type[BaseModel], path: str, title: str = "", *, level: int = 2, told: str | None = None, known: Set[type] = frozenset()
) -> Iterator[str]:
    """A model as a heading, what it says of itself and a table; then each model within it that is not `known`."""
    yield f"{'#' * level} {title or f'`{path}`'}\n"
    if told is None:
        told = _doc(model)
    if told:
        yield told + "\n"
    fields = {name: field for name, field in model.model_fields.items() if not _internal(field) and name != "options"}
    yield "| key | value | default | |\n|---|---|---|---|"
    for name, field in fields.items():
        row = f"`{name}`", _value(field), _default(field), _docstrings(model).get(name, "")
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
    yield ""
    for name, field in fields.items():
        for inner, many in _models(field.annotation):
            if inner not in known:
                yield from _sections(inner, f"{path}.{name}".lstrip(".") + many, level=max(level, 3), known=known)


def _within(model: type[BaseModel]) -> frozenset[type[BaseModel]]:
    """The models of a model's fields, and theirs."""
    inner = {found for field in model.model_fields.values() for found, _ in _models(field.annotation)}
    return frozenset(inner).union(*map(_within, inner))


def _internal(field: FieldInfo) -> bool:
    """A field that the program fills in: excluded from what is kept, and no secret of the user's."""
    return bool(field.exclude) and SecretStr not in _flat(field.annotation)


def _value(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(rule, name):g}" if isinstance(getattr(rule, name), int | float) else ""
        for rule in (*field.metadata, *_inner_rules(field.annotation))
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(rule, name, None) is not None
    ]
    return ", ".join(filter(None, (_type(field.annotation), *limits)))


def _inner_rules(hint: Any) -> Iterator[Any]:
    """What limits the one type of `Annotated[…] | None`."""
    for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else ():
        for rule in getattr(part, "__metadata__", ()):
            yield from getattr(rule, "metadata", (rule,))  # of a Field; others stand for themselves


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in inner if part is not NoneType))
    if origin in (tuple, list, frozenset, set):
        return f"list of {_type(inner[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return f"mapping of text to {_type(inner[1])}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "section"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{member.value}`" for member in hint)
    return WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list | frozenset | set):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def _models(hint: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The models within a type, each with what its path ends in: `[]` in a list, `.NAME` in a mapping."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint, ""
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        yield from ((model, ".NAME" + many) for model, many in _models(inner[1]))
    elif origin in (tuple, list):
        yield from ((model, "[]" + many) for model, many in _models(inner[0]))
    else:
        for part in inner if origin is not Literal else ():
            yield from _models(part)


def _flat(hint: Any) -> set[object]:
    return {hint}.union(*(_flat(part) for part in get_args(hint) if get_origin(hint) is not Literal))


def _doc(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__dict__.get("__doc__") or "")


def _first_down(text: str) -> str:
    return text[:1].lower() + text[1:]


@cache
def _docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """The string below each field, the nearest class's last."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind is BaseModel:
            continue
        classes = (node for node in ast.walk(_source(inspect.getsourcefile(kind))) if isinstance(node, ast.ClassDef))
        [body] = [node.body for node in classes if node.name == kind.__name__]
        for field, string in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                found.pop(field.target.id, None)
                if isinstance(string, ast.Expr) and isinstance(string.value, ast.Constant):
                    found[field.target.id] = re.sub(r"\s+", " ", str(string.value.value)).strip()
    return found


@cache
def _source(file: str | None) -> ast.Module:
    return ast.parse(Path(file or "").read_text(encoding="utf-8"))
