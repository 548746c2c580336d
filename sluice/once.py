"""A property that is made once, for objects that threads share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar, cast


class Locked(Protocol):
    """What has such properties: threads that ask at once wait for each other."""

    @property
    def lock(self) -> AbstractContextManager[Any]: ...


Owner = TypeVar("Owner", bound=Locked)
T = TypeVar("T")


class once(Generic[Owner, T]):
    """A property that is made when it is first asked for, once, also when threads ask at the same time.

    `functools.cached_property` does that on Python 3.11 only: from 3.12 on each thread makes one of its own.
    Its owner has an RLock as `lock`. A subclass may override it with `functools.cached_property` and call `super()`.
    """

    def __init__(self, make: Callable[[Owner], T]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Owner, _type: type[Owner] | None = None) -> T:
        with owner.lock:
            made = vars(owner)
            if self._name not in made:
                made[self._name] = self._make(owner)
            return cast(T, made[self._name])
