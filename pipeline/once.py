"""A property that is made once, for objects that threads share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):
    """A property that is made when it is first asked for, once, also when threads ask at the same time.

    Its owner has an RLock as `lock`. A subclass may override it with `functools.cached_property` and call `super()`.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, resources: Any, _owner: type | None = None) -> T:
        with resources.lock:
            made = resources.__dict__
            if self._name not in made:
                made[self._name] = self._make(resources)
            found: T = made[self._name]
            return found
