"""The errors of what cannot be traced: each says what to write instead.

Those that Python or NumPy may expect where they ask for a number or an attribute are TypeErrors or
AttributeErrors as well.
"""

from __future__ import annotations

from typing import Any

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Extent
from diffc.syntax.suggestions import nearest

__all__ = [
    "TracedAttributeError", "ended_attribute", "no_array", "no_attribute", "no_axis",
    "no_assignment", "no_broadcast", "no_cast", "no_index", "no_number", "plain_output", "symbolic_extent",
    "unhashable",
]  # fmt: skip


class TracedAttributeError(DiffcError, AttributeError):
    """A traced value lacks an attribute."""


_CONVERSIONS = {
    "bool": (
        "its truth value is asked for, by if, while, and, or, not, assert, max() or min()",
        "write np.where(condition, a, b) for a choice, & | ~ for logic, np.maximum for the larger value; "
        "name by static= an argument of a transform that is to be known",
    ),
    "float": (
        "float() of it is asked for, perhaps by a function of the module math, or by a[i] = value",
        "write np.sin(x) instead of math.sin(x), np.stack([x, y]) instead of assigning to elements",
    ),
    "int": ("int() of it is asked for", "write x.astype(int) to convert the elements"),
    "complex": ("complex() of it is asked for", "keep the real and the imaginary part as two arrays"),
    "index": (
        "an integer that is known when tracing is asked for, by range(), a list's index, or a shape",
        "pass it as a Python integer by static=, by functools.partial, or as a default of the parameter",
    ),
    "format": ("it is formatted as a number", "return the value and format what the function gives"),
}


def no_number(value: Any, wanted: str) -> TypeProblem:
    """Return the error of a value that is asked to be a Python number."""
    what, instead = _CONVERSIONS[wanted]
    return TypeProblem(f"{value!r} has no value while {value.owner.name} is traced, but {what}: {instead}")


def no_index(value: Any) -> TypeProblem:
    """Return the error of a number that is no integer and is asked to be an index or a count."""
    _, instead = _CONVERSIONS["index"]
    return TypeProblem(
        f"{value!r} is no integer, but one is asked for, by range(), an index, or a shape. For a loop, a "
        f"list or a shape it must be known when tracing: {instead}. An array is indexed with x[i.astype(int)]"
    )


def no_axis(value: Any, what: str) -> TypeProblem:
    """Return the error of a scalar that is used as a sequence."""
    return TypeProblem(f"{value!r} is a scalar, without an axis, but {what}: write x itself, or np.stack")


def no_array(value: Any) -> TypeProblem:
    """Return the error of a value that is asked to be a NumPy array."""
    return TypeProblem(
        f"{value!r} cannot become a NumPy array while {value.owner.name} is traced. Instead of "
        "np.array([a, b]) write np.stack([a, b]); instead of np.asarray(x) write x; instead of filling an "
        "array with a[i] = value collect the values in a list and write np.stack(values), or "
        "a = dc.at(a, i).set(value); instead of scipy.special.logsumexp(x, axis) write "
        "np.logaddexp.reduce(x, axis), softmax is np.exp of x minus it; instead of "
        "scipy.special.polygamma(n, x) write dc.polygamma(n, x)"
    )


def no_assignment(value: Any) -> TypeProblem:
    """Return the error of an assignment to an element of a number."""
    return TypeProblem(f"{value!r} is a number, not an array: it has no elements to assign to")


def plain_output(name: str) -> TypeProblem:
    """Return the error of a traced value that is written to an array which is not traced."""
    return TypeProblem(
        f"{name} writes traced values to an array that is not traced: make the array inside the function, by "
        "np.zeros(n) or x.copy(), or write x = np.concatenate(...), np.where(...)"
    )


def no_cast(name: str, from_: Any, to: Any) -> TypeProblem:
    """Return the error of a result that NumPy does not write to an array of another dtype."""
    return TypeProblem(
        f"Cannot cast the output of {name} from {from_} to {to} with casting rule 'same_kind': the array "
        "that is changed in place keeps its dtype; make it one of floats, x.astype(float)"
    )


def no_broadcast(name: str, node: Any, into: Any) -> TypeProblem:
    """Return the error of a result with more axes than the array that it is written to."""
    return TypeProblem(
        f"{name}: {node.type} does not broadcast to {into.type}, to which it is written in place"
    )


def symbolic_extent(what: str, extent: Extent) -> TypeProblem:
    """Return the error of a loop over an axis of which the extent is not known."""
    return TypeProblem(
        f"{what} needs a number, the axis has the symbolic extent {extent}: compute with the whole array, "
        "use x.shape[0], or trace with an integer extent"
    )


def unhashable(value: Any) -> TypeProblem:
    """Return the error of a value used as a key."""
    return TypeProblem(
        f"{value!r} is not hashable: it can be no key of a dict, no element of a set and no argument of a "
        "function with functools.cache"
    )


_METHODS = {
    "resize": "it changes the array in place: write x = np.reshape(x, shape)",
    "partition": "it sorts in place: write x = np.sort(x)",
    "at": "write dc.at(x, i).set(v)",
    "tobytes": "the elements are not known",
    "data": "the elements are not known",
    "ctypes": "the elements are not known",
    "strides": "a traced array has no memory",
    "flags": "a traced array has no memory",
    "base": "a traced array has no memory",
}


def ended_attribute(value: Any, name: str) -> TracedAttributeError:
    """Return the error of an attribute of a value whose trace has ended."""
    function = value.owner.name
    return TracedAttributeError(
        f"x.{name}: a value of {function} is used after the tracing of {function} has ended: return it from "
        "the function instead of keeping it outside"
    )


def no_attribute(value: Any, name: str) -> TracedAttributeError:
    """Return the error of an attribute that a traced value lacks."""
    if name in _METHODS:
        return TracedAttributeError(f"x.{name} is not available while tracing: {_METHODS[name]}")
    names = [each for each in dir(type(value)) if not each.startswith("_")]
    return TracedAttributeError(f"a traced value has no attribute {name!r}{nearest(name, names)}")
