"""What an operation's scalar code is written against: values, and the arithmetic on them.

Every back end implements `Arithmetic` (`diffc.emit.interface` extends it by what kernels need), so that the
`emit` of an operation is written once for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

__all__ = ["Arithmetic", "Value"]


class Value(NamedTuple):
    """A value of the code under construction: how its back end spells it, its kind, its number of lanes.

    Kinds are f64 f32 i128 i64 i32 i8 bool ptr. One lane is a scalar, more are a vector of a fixed width.
    """

    ref: str
    kind: str
    lanes: int


class Arithmetic(ABC):
    """Emits operations on values; each method returns the value that it defines.

    Operands have equal kinds and lanes (`select` also takes a scalar condition). No result is rounded
    otherwise than stated: a multiply-add is fused only where `fma` says so.
    """

    @abstractmethod
    def constant(self, kind: str, value: float, lanes: int = 1) -> Value:
        """Return a literal, repeated over the lanes; floats are exact, integers may be unsigned."""

    # -- floating point --------------------------------------------------------------------------------------

    @abstractmethod
    def fadd(self, a: Value, b: Value) -> Value:
        """Return a + b."""

    @abstractmethod
    def fsub(self, a: Value, b: Value) -> Value:
        """Return a - b."""

    @abstractmethod
    def fmul(self, a: Value, b: Value) -> Value:
        """Return a * b."""

    @abstractmethod
    def fdiv(self, a: Value, b: Value) -> Value:
        """Return a / b."""

    @abstractmethod
    def fneg(self, a: Value) -> Value:
        """Return -a, the sign bit flipped."""

    @abstractmethod
    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """Return a * b + c, rounded once."""

    @abstractmethod
    def fabs(self, a: Value) -> Value:
        """Return |a|."""

    @abstractmethod
    def sqrt(self, a: Value) -> Value:
        """Return the correctly rounded square root."""

    @abstractmethod
    def floor(self, a: Value) -> Value:
        """Return the largest integer not above a."""

    @abstractmethod
    def ceil(self, a: Value) -> Value:
        """Return the smallest integer not below a."""

    @abstractmethod
    def rint(self, a: Value) -> Value:
        """Return the nearest integer, ties to even."""

    @abstractmethod
    def truncate(self, a: Value) -> Value:
        """Return the integer part, towards zero; a float (`trunc` narrows integers)."""

    @abstractmethod
    def copysign(self, a: Value, b: Value) -> Value:
        """Return |a| with the sign of b."""

    @abstractmethod
    def fcmp(self, predicate: str, a: Value, b: Value) -> Value:
        """Return the comparison as bool; `predicate` is LLVM's: oeq ogt oge olt ole one ord ueq ... uno."""

    def fmax(self, a: Value, b: Value) -> Value:
        """Return the larger, or NaN if either is NaN, as `numpy.maximum`."""
        larger = self.select(self.fcmp("ogt", a, b), a, b)
        return self.select(self.fcmp("uno", a, a), a, larger)

    def fmin(self, a: Value, b: Value) -> Value:
        """Return the smaller, or NaN if either is NaN, as `numpy.minimum`."""
        smaller = self.select(self.fcmp("olt", a, b), a, b)
        return self.select(self.fcmp("uno", a, a), a, smaller)

    # -- integers and booleans -------------------------------------------------------------------------------

    @abstractmethod
    def iadd(self, a: Value, b: Value) -> Value:
        """Return a + b, wrapping."""

    @abstractmethod
    def isub(self, a: Value, b: Value) -> Value:
        """Return a - b, wrapping."""

    @abstractmethod
    def imul(self, a: Value, b: Value) -> Value:
        """Return a * b, wrapping."""

    @abstractmethod
    def sdiv(self, a: Value, b: Value) -> Value:
        """Return the quotient towards zero; undefined for b == 0."""

    @abstractmethod
    def srem(self, a: Value, b: Value) -> Value:
        """Return the remainder with the sign of a; undefined for b == 0."""

    @abstractmethod
    def iand(self, a: Value, b: Value) -> Value:
        """Return the bitwise and."""

    @abstractmethod
    def ior(self, a: Value, b: Value) -> Value:
        """Return the bitwise or."""

    @abstractmethod
    def ixor(self, a: Value, b: Value) -> Value:
        """Return the bitwise exclusive or."""

    @abstractmethod
    def shl(self, a: Value, b: Value) -> Value:
        """Return a shifted left by b, which is below the width."""

    @abstractmethod
    def lshr(self, a: Value, b: Value) -> Value:
        """Return a shifted right by b, filled with zeros."""

    @abstractmethod
    def ashr(self, a: Value, b: Value) -> Value:
        """Return a shifted right by b, filled with the sign."""

    @abstractmethod
    def imin(self, a: Value, b: Value) -> Value:
        """Return the smaller signed integer."""

    @abstractmethod
    def imax(self, a: Value, b: Value) -> Value:
        """Return the larger signed integer."""

    @abstractmethod
    def icmp(self, predicate: str, a: Value, b: Value) -> Value:
        """Return the comparison as bool; `predicate` is LLVM's: eq ne slt sle sgt sge ult ule ugt uge."""

    @abstractmethod
    def band(self, a: Value, b: Value) -> Value:
        """Return a and b, of bools."""

    @abstractmethod
    def bor(self, a: Value, b: Value) -> Value:
        """Return a or b, of bools."""

    @abstractmethod
    def bxor(self, a: Value, b: Value) -> Value:
        """Return whether exactly one of two bools holds."""

    @abstractmethod
    def bnot(self, a: Value) -> Value:
        """Return not a, of bools."""

    @abstractmethod
    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """Return a where the condition holds, else b; a scalar condition chooses for all lanes."""

    # -- conversions -----------------------------------------------------------------------------------------

    @abstractmethod
    def bitcast(self, v: Value, kind: str) -> Value:
        """Return the same bits as another kind of equal size."""

    @abstractmethod
    def sitofp(self, v: Value, kind: str) -> Value:
        """Return a signed integer as the nearest float."""

    @abstractmethod
    def uitofp(self, v: Value, kind: str) -> Value:
        """Return an unsigned integer or a bool (0 or 1) as the nearest float."""

    @abstractmethod
    def fptosi(self, v: Value, kind: str) -> Value:
        """Return a float towards zero as a signed integer; poison out of range."""

    @abstractmethod
    def freeze(self, v: Value) -> Value:
        """Return v, or one arbitrary value, the same for every use, where v is poison or undefined."""

    @abstractmethod
    def fpext(self, v: Value, kind: str = "f64") -> Value:
        """Return a float widened."""

    @abstractmethod
    def fptrunc(self, v: Value, kind: str = "f32") -> Value:
        """Return a float rounded to a narrower kind."""

    @abstractmethod
    def sext(self, v: Value, kind: str) -> Value:
        """Return an integer widened with its sign."""

    @abstractmethod
    def zext(self, v: Value, kind: str) -> Value:
        """Return an integer or a bool widened with zeros."""

    @abstractmethod
    def trunc(self, v: Value, kind: str) -> Value:
        """Return an integer narrowed to its low bits (`truncate` is for floats)."""

    # -- functions -------------------------------------------------------------------------------------------

    @abstractmethod
    def maths(self, name: str, *args: Value) -> Value:
        """Return the maths function `name` (a key of `diffc.emit.maths.FUNCTIONS`) of the arguments."""
