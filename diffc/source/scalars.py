"""Scalar operations in generated source, written so that plain Python computes as NumPy does.

A number in the text is a Python float, and Python's own division and power raise where IEEE arithmetic gives
inf or NaN. Such numbers are followed through the program; where only they would meet, one becomes NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

from diffc.loops.places import Operand, Scalar
from diffc.loops.statements import Compute
from diffc.ops.elementwise import Elementwise, cast_op
from diffc.source.naming import Names
from diffc.source.notation import NUMPY, number

__all__ = ["Scalars"]

_KEEPS_PYTHON = ("add", "sub", "mul", "neg", "abs", "square", "stop_gradient", "where")
"""Operations that make a Python number of Python numbers."""

_RAISES = ("div", "pow", "mod", "fmod", "floor_divide")
"""Operations that raise an error of Python numbers where NumPy's give inf or NaN."""


class Scalars:
    """Writes the expressions of one program."""

    def __init__(self, names: Names) -> None:
        """Take the names of values."""
        self._names = names
        self.library: dict[str, Callable[..., float]] = {}
        """The functions that the expressions so far call, which are neither Python's nor NumPy's."""
        self._python: set[int] = set()
        """The values that may be Python floats when plain Python runs the program."""

    def begin(self, accumulator: Scalar) -> str:
        """Return the name of a new accumulator, which is a Python number until something is added."""
        self._python.add(accumulator.number)
        return self._names.define(accumulator)

    def expression(self, item: Compute) -> str:
        """Return the expression that computes a value."""
        dtype, result = item.number_dtype, item.value.dtype
        if item.op is cast_op:
            operand = self._operand(item.operands[0], dtype)
            return operand if dtype == result else f"{NUMPY[result]}({operand})"
        choice = item.op.name == "where"
        dtypes = ["bool" if choice and k == 0 else dtype for k in range(len(item.operands))]
        operands = [self._operand(each, d) for each, d in zip(item.operands, dtypes, strict=True)]
        python = [self._is_python(each) for each in item.operands[choice:]]
        if item.op.name in _RAISES and dtype in ("f64", "i64") and all(python):
            operands[0] = f"{NUMPY[dtype]}({operands[0]})"
        if item.op.name in _KEEPS_PYTHON and (all(python) or (choice and any(python))):
            self._python.add(item.value.number)
        elementwise = item.op if isinstance(item.op, Elementwise) else None
        template = _template(elementwise, dtype) if elementwise else ""
        library = elementwise.library if elementwise else None
        if library is not None:
            self.library[library.__name__] = library
        text = template.format(*operands)
        if "math." in template:
            self._python.add(item.value.number)
        leaves_f32 = library is not None or _leaves_f32(template)
        return f"np.float32({text})" if result == "f32" and leaves_f32 else text

    def _operand(self, operand: Operand, dtype: str) -> str:
        return self._names[operand] if isinstance(operand, Scalar) else number(operand, dtype)

    def _is_python(self, operand: Operand) -> bool:
        return not isinstance(operand, Scalar) or operand.number in self._python


def _template(op: Elementwise, dtype: str) -> str:
    return (dtype == "i64" and op.integer_source) or op.source


def _leaves_f32(template: str) -> bool:
    """Tell whether a template has a number or a function in it that makes an f32 an f64."""
    return "math." in template or any(text in template for text in ("0.0", "1.0", ", 0)"))
