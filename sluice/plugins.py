"""What a configuration names: a member of a literal table, or a user's own class as `module:Class`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sluice.errors import ConfigurationError


def resolve(name: str, known: Mapping[str, str], *, kind: str, where: str = "") -> Any:
    """The class that `name` stands for; `known` maps short names to `module:Class`, and only the one asked for is imported.

    Raises ConfigurationError; its message begins with `where` (the file and key that hold the name), where that is given.
    """
    prefix = f"{where}: " if where else ""
    target = known.get(name, name)
    module, _, attribute = target.partition(":")
    if not (module and attribute):
        raise ConfigurationError(
            f"{prefix}there is no {kind} '{name}'",
            hint=f"name one of {', '.join(sorted(known))}, or a class of your own as module:Class",
        )
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # the last two for a name that begins with a dot
        raise ConfigurationError(
            f"{prefix}'{target}' cannot be imported: {error}",
            hint="the module must be importable where sluice runs: install it, or put its folder on PYTHONPATH",
        ) from error
