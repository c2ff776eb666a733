"""What stands for a Python function: named like it, bound to instances as a method, copied and pickled."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import WRAPPER_ASSIGNMENTS, update_wrapper
from inspect import Signature
from types import FunctionType, MethodType
from typing import Any

from diffc.errors import DiffcError
from diffc.forks import Lock
from diffc.frontends.numpy.parameters import function_name

__all__ = ["Wrapper"]

_INSTANCES = 64
"""A wrapper of a method keeps those of so many instances."""

_WORKING = frozenset({*WRAPPER_ASSIGNMENTS, "__wrapped__", "__signature__", "_bound", "_lock"})
"""The attributes that follow from the others, or are one object's own."""


class _ByName:
    """A plain function in what is copied or pickled: `pickle` stores it by its name."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function

    def __call__(self) -> None:
        """Stand where a function does."""

    def __deepcopy__(self, memo: Any) -> _ByName:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        function = self.function
        found: Any = sys.modules.get(function.__module__)
        for name in function.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is not function:
            raise DiffcError(
                f"{function.__qualname__} cannot be pickled, as it is not found by this name in "
                f"{function.__module__}: define it with def, outside of other functions, or make a Function "
                "of it with dc.trace(f, dc.f64(3)), which is pickled as text"
            )
        return _ByName, (function,)


class Wrapper:
    """A callable in a function's place."""

    wrapped_signature: Signature | None = None
    working: frozenset[str] = frozenset()
    """The attributes that `start` sets."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Take the function, and the name of the transform."""
        if not callable(function):
            raise DiffcError(f"{name} takes a Function or a Python function, not {function!r:.60}")
        self.function = function
        self._label = name
        self.start()

    def start(self) -> None:
        """Take the name of the function, and begin with nothing compiled."""
        self._bound: dict[int, Any] = {}
        self._lock = Lock()
        # Not the attributes: those of another transform would replace this one's.
        update_wrapper(self, self.function, updated=())
        name = function_name(self.function)
        self.__name__ = f"{self._label}_{name}" if self._label else name
        if self.wrapped_signature is not None:
            self.__signature__ = self.wrapped_signature

    @abstractmethod
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do what the transform does of the function."""
        raise NotImplementedError

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the wrapper of an instance's method, where this one decorates a method.

        It holds the instance, so that no other one has its id; the last ones made are kept.
        """
        if instance is None:
            return self
        bound = self._bound.get(id(instance))
        if bound is None:
            inner: Any = self.function  # a transform itself, where several decorate one method
            if hasattr(inner, "__get__"):
                inner = inner.__get__(instance, owner)
            bound = object.__new__(type(self))
            bound.__setstate__({**self.__getstate__(), "function": inner})
            with self._lock:
                while len(self._bound) >= _INSTANCES:
                    del self._bound[next(iter(self._bound))]
                bound = self._bound.setdefault(id(instance), bound)
        return bound

    def __getstate__(self) -> dict[str, Any]:
        """Return what the wrapper was made of, without what is compiled."""
        left = _WORKING | self.working
        return {name: value for name, value in vars(self).items() if name not in left}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Become the wrapper that was made of such."""
        vars(self).update(state)
        if isinstance(self.function, _ByName):
            self.function = self.function.function
        self.start()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return a decorated function's name, or a decorated method's and its instance, as functions do."""
        path: str = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for name in path.split("."):
            found = getattr(found, name, None)
        if found is self:
            return path
        inner = self.function
        while isinstance(inner, Wrapper):
            inner = inner.function
        if isinstance(inner, MethodType):
            instance, name = inner.__self__, getattr(inner, "__name__", "")
            if getattr(instance, name, None) is self:
                return getattr, (instance, name)
        make, args, state, *rest = super().__reduce_ex__(protocol)  # type: ignore[misc]
        if isinstance(self.function, FunctionType):
            state = {**state, "function": _ByName(self.function)}  # type: ignore[dict-item]
        return make, args, state, *rest
