"""A YAML file as a mapping: `${NAME}` replaced from the environment, no key given twice, errors that name file and key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sluice.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


NO_FILE = "name one with --config FILE, or save a first one (README, Your own documents, explains it), with documents in docs/:"
SHORTEST = """\
index: handbook
sources: [{name: docs, type: files, root: docs}]
access: {rules: [{match: "**", tags: [staff]}]}
gates: [{type: data_quality}]"""
"""The shortest configuration with which something goes live."""


def read_yaml(file: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """A YAML mapping with `${NAME}` replaced in every string; raises ConfigurationError."""
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError:
        other = file.with_suffix(".yml" if file.suffix == ".yaml" else ".yaml")
        if other.exists():
            raise ConfigurationError(f"{file}: no such file, but {other.name} is there", hint=f"--config {other}") from None
        raise ConfigurationError(f"{file}: no such configuration file", hint=f"{NO_FILE}\n{SHORTEST}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}", hint="is it a text file in UTF-8?") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: not valid YAML: {_yaml_problem(error)}", hint="correct the file") from None
    if not isinstance(raw, dict):
        found = "empty" if raw is None else f"a {type(raw).__name__}"
        raise ConfigurationError(
            f"{file}: a configuration is a mapping of keys, this is {found}", hint="write `key: value` lines"
        )
    try:
        return {str(key): _expanded(value, environment, file, str(key)) for key, value in raw.items()}
    except RecursionError:
        raise ConfigurationError(
            f"{file}: not valid: an anchor (&name) holds itself (*name)", hint="write out what it is to hold"
        ) from None


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice: YAML would forget the first in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key.value}' is given twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def _yaml_problem(error: Exception) -> str:
    """What and where, without the line itself, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"


class Unexpanded(dict[str, str]):
    """An environment in which every variable stands for itself: for showing a configuration without its secrets."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"${{{name}}}"


def place(raw: Any, path: Sequence[int | str]) -> str:
    """Where a key is, for people: `sources.docs.url`, `gates.retrieval.k`, `access.rules.'hr/**'.tags`; see `entry`."""
    said: list[str] = []
    for number, part in enumerate(path):
        inner = _at(raw, part)
        if isinstance(part, str):
            said.append(part)
        else:
            rest = path[number + 1 :]
            named = len(rest) > 0 and tuple(rest) not in {("name",), ("type",), ("match",)}  # what is wrong itself names nothing
            said.append(entry(raw, part) if named else str(part + 1))
        raw = inner
    return ".".join(said)


def _at(raw: Any, part: int | str) -> Any:
    if isinstance(raw, dict):
        return raw.get(part)
    return raw[part] if isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw) else None


def entry(items: Any, position: int) -> str:
    """What an entry of a list is called: by its name, a rule by its glob, a gate by its type, else by its number from 1; and
    by that where two are called the same."""
    called = [_name(item) for item in items] if isinstance(items, list | tuple) else []
    own = called[position] if position < len(called) else ""
    return own if own and called.count(own) == 1 else str(position + 1)


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    if isinstance(match := item.get("match"), str):
        return f"'{match}'"
    name = item.get("name", item.get("type"))
    return name if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) else ""


def _expanded(value: Any, environment: Mapping[str, str], file: Path, where: str) -> Any:
    if isinstance(value, dict):
        return {str(k): _expanded(v, environment, file, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, environment, file, f"{where}.{entry(value, i)}") for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            raise ConfigurationError(
                f"{file}: {where}: the environment variable '{name}' is not set", hint=f"set it: export {name}=…"
            )
        return environment[name]

    return _VARIABLE.sub(variable, value)
