"""Function: a program as users hold it, and the transforms from Function to Function.

Every transform returns a Function again, so that they nest to any order. Nothing is compiled before
a Function is called or given to `compile`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Literal

from diffc import autodiff, compiler
from diffc.autodiff.selection import Wrt
from diffc.errors import DiffcError
from diffc.forks import Lock
from diffc.frontends import formulas
from diffc.frontends.numpy.tracing import active
from diffc.ir import Extent, Graph, Type, substitute
from diffc.ops import constant
from diffc.ops.captured import Captured, captured_arrays, read_captured
from diffc.syntax import print_graph, read_graph

if TYPE_CHECKING:
    from inspect import Signature

    from diffc.runtime import Kernel

__all__ = [
    "Function", "compile", "derivative", "from_sympy", "fwd_and_bwd", "grad", "hessian", "how_to_make", "hvp",
    "jacobian", "jvp", "parse", "value_and_grad", "vjp", "vmap",
]  # fmt: skip


class _Signature:
    """What `inspect.signature` and editors show of a Function: its inputs by name."""

    def __get__(self, function: Function | None, owner: type[Function]) -> Signature:
        from inspect import Parameter, Signature

        if function is None:
            raise AttributeError("the class has the signature of its constructor")
        names = function.graph.input_names
        plain = all(name.isidentifier() and not iskeyword(name) for name in names)
        # A name that is no identifier is an argument by position.
        kind = Parameter.POSITIONAL_OR_KEYWORD if plain else Parameter.POSITIONAL_ONLY
        shown = names if plain else [f"x{k}" for k in range(len(names))]
        return Signature([Parameter(name, kind) for name in shown])


class Function:
    """A static graph with named inputs and outputs. Immutable.

    `str(f)` is its IR. Calling it with arrays and numbers compiles it, once, and runs it.
    """

    def __init__(
        self,
        graph: Graph,
        derived: bool = False,
        math: Literal["precise", "fast"] = "precise",
        captured: Mapping[str, Any] | None = None,
    ) -> None:
        """Hold a graph; `derived` tells that it is a derivative, whose primal has been simplified.

        `math` is how it is compiled where `compile` is told nothing else; its derivatives have the same.
        `captured` gives the arrays that the graph refers to by name. They are held as they are, and read at
        each call.
        """
        if not isinstance(graph, Graph):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DiffcError(f"a Function holds a Graph, not {type(graph).__name__}: make one with dc.parse")
        self.graph = graph
        self.derived = derived
        self.math: Literal["precise", "fast"] = compiler.Options(math).math
        self.captured = Captured(captured)
        self._kernel: Kernel | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.graph.name

    @property
    def __name__(self) -> str:
        return self.graph.name

    __signature__ = _Signature()

    @property
    def inputs(self) -> dict[str, Type]:
        """The inputs' types by name, in order."""
        return {node.attrs["name"]: node.type for node in self.graph.inputs}

    @property
    def outputs(self) -> dict[str, Type]:
        """The outputs' types by name, in order."""
        return dict(zip(self.graph.output_names, [node.type for node in self.graph.outputs], strict=True))

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """Compile the function if that has not happened, and run it; see `Kernel`.

        Within a function that is being traced it becomes part of that function's graph.
        """
        if active.get() is not None:
            return self._inlined(args, named)
        return (self._kernel or self.kernel)(*args, **named)

    @property
    def kernel(self) -> Kernel:
        """What a call runs: compiled, with the default options, when it is first needed."""
        if self._kernel is None:
            with self._lock:
                if self._kernel is None:
                    self._kernel = compile(self)
        return self._kernel

    def _inlined(self, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        from diffc.frontends.numpy.inlining import call_inline

        return call_inline(self.graph, self.captured, args, named)

    def embedded(self) -> Function:
        """Return the function with the elements that its captured arrays have now as constants."""
        if not self.captured:
            return self
        nodes = {
            node: constant(read_captured(name, node.type, self.captured[name]), node.dtype)
            for name, node in captured_arrays(self.graph).items()
        }
        graph = self.graph.with_outputs(substitute(self.graph.outputs, nodes))
        return Function(graph, self.derived, self.math)

    def __str__(self) -> str:
        return print_graph(self.graph)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {kind}" for name, kind in self.inputs.items())
        outputs = ", ".join(f"{name}: {kind}" for name, kind in self.outputs.items())
        return f"<Function {self.name}({inputs}) -> {outputs}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_read_function, (str(self), self.derived, self.math, self.captured))


def _read_function(
    text: str,
    derived: bool,
    math: Literal["precise", "fast"] = "precise",
    captured: Mapping[str, Any] | None = None,
) -> Function:
    return Function(read_graph(text), derived, math, captured)


def parse(text: str, inputs: Mapping[str, str | Type] | None = None, name: str = "f") -> Function:
    """Return the function of a formula.

    Args:
        text: the formula, such as `((a + b) * c)**2`; `a*b, a+b` has two outputs.
        inputs: the type of each input, as `{"x": "f64[N]"}`. Without it every name is an f64 scalar, in
            order of appearance.
        name: the function's name.

    Raises:
        DiffcError: for a text that is no formula, with a caret under the place.

    >>> import diffc as dc
    >>> dc.parse("((a + b) * c)**2")(1.0, 2.0, 2.0)
    36.0
    """
    if inputs is not None and not isinstance(inputs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(f"inputs gives each name its type, as {{'x': 'f64[N]'}}, not {inputs!r:.60}")
    with compiler.without_collector():
        return Function(formulas.parse(text, inputs, _named(name)))


def from_sympy(expr: Any, inputs: Any = None, name: str = "f", dtype: str = "f64") -> Function:
    """Return the function of a SymPy expression, matrix or (nested) list of them.

    Args:
        expr: what to compute.
        inputs: symbols or their names in order, `[a, b, c]` or "a b c", or named and packed into vectors,
            `{"q": [q1, q2], "m": m}`; without it the free symbols, sorted by name.
        name: the function's name.
        dtype: f64 or f32.

    Raises:
        DiffcError: for a function or an object that has no meaning for real numbers, by name.
    """
    from diffc.frontends import sympy

    return Function(sympy.from_sympy(expr, inputs, _named(name), dtype))


def grad(f: Function, wrt: Wrt = 0, has_aux: bool = False) -> Function:
    """Return the gradient of a scalar function by `wrt`: a position, a name, or a sequence (then a tuple).

    With `has_aux` the outputs are (value, aux), and the result is (gradient, aux).
    """
    return _transformed(autodiff.grad, f, wrt, has_aux)


def value_and_grad(f: Function, wrt: Wrt = 0, has_aux: bool = False) -> Function:
    """Return (value, gradient) of a scalar function; with `has_aux`, ((value, aux), gradient)."""
    return _transformed(autodiff.value_and_grad, f, wrt, has_aux)


def derivative(f: Function, *names: str | int) -> Function:
    """Return a partial derivative by scalar inputs: `derivative(f, "a", "b")`, `derivative(f, "x", 3)`."""
    return _transformed(autodiff.derivative, f, *names)


def jacobian(f: Function, wrt: Wrt = 0, has_aux: bool = False) -> Function:
    """Return the Jacobian, of shape output + input; several outputs outside, several inputs inside.

    With `has_aux` the outputs are (value, aux), and the result is (Jacobian, aux).
    """
    return _transformed(autodiff.jacobian, f, wrt, has_aux)


def hessian(f: Function, wrt: Wrt = 0, has_aux: bool = False) -> Function:
    """Return the second derivatives of a scalar function, of shape input + input, or (these, aux)."""
    return _transformed(autodiff.hessian, f, wrt, has_aux)


def jvp(f: Function, wrt: Wrt = 0) -> Function:
    """Return (*inputs, *tangents) -> (value, tangent); the tangents are inputs `d_<name>`."""
    return _transformed(autodiff.jvp, f, wrt)


def vjp(f: Function, wrt: Wrt = 0) -> Function:
    """Return (*inputs, *cotangents) -> (value, gradients); the cotangents are inputs `ct_<output>`."""
    return _transformed(autodiff.vjp, f, wrt)


def hvp(f: Function, wrt: Wrt = 0) -> Function:
    """Return (*inputs, *vectors) -> Hessian @ vector; the vectors are inputs `v_<name>`."""
    return _transformed(autodiff.hvp, f, wrt)


def vmap(
    f: Function,
    in_axes: int | Sequence[int | None] | None = 0,
    out_axes: int | Sequence[int] = 0,
    size: Extent | str | None = None,
) -> Function:
    """Return the function mapped over a new axis of its inputs, of extent `size` (a new symbol `B`)."""
    return _transformed(autodiff.vmap, f, in_axes, out_axes, size)


def fwd_and_bwd(f: Function, wrt: Wrt = 0) -> tuple[Function, Function]:
    """Return (forward, backward) as functions of their own.

    forward: (*inputs) -> (value, residuals); backward: (*residuals, *cotangents) -> gradients.
    """
    forward, backward = compiler.differentiate(autodiff.fwd_and_bwd, _graph(f), wrt, derived=f.derived)
    return Function(forward, True, f.math, f.captured), Function(backward, True, f.math, f.captured)


def compile(
    f: Function,
    math: Literal["precise", "fast"] | None = None,
    parallel: bool | int = False,
    cache: bool = True,
    lowering: Literal["llvm", "source"] = "llvm",
) -> Kernel:
    """Return the compiled kernel of a function.

    Args:
        f: the function.
        math: "precise" keeps what IEEE arithmetic keeps but for the order of sums and products; "fast"
            also rewrites by rules that hold for real numbers only; the function's own `math` without it.
        parallel: whether it runs on several threads where its arrays are large enough, or on how many at
            most. Any number of threads gives the same bits. Without it a call whose workspace is larger than
            the caches runs in blocks on one thread. What no call needs is not compiled.
        cache: whether to look for the machine code in the cache on disk, and to leave it there.
        lowering: "llvm", or "source" to have Numba compile the printed source.
    """
    graph = _graph(f)
    if not isinstance(cache, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(f"cache is True or False, not {cache!r:.60}")
    options = compiler.Options(f.math if math is None else math, lowering, f.derived)
    from diffc.compiler.variants import compile_kernel

    return compile_kernel(graph, options, parallel, cache=cache, captured=f.captured)


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise DiffcError(f"a function's name is a text, not {name!r:.60}")
    return name


def _graph(f: Any) -> Graph:
    if not isinstance(f, Function):
        raise DiffcError(f"a diffc Function is needed, got {type(f).__name__}: {how_to_make(f)}")
    return f.graph


def how_to_make(f: Any) -> str:
    """Return how a Function is made of what is none."""
    if isinstance(f, str):
        return "make one of a formula with dc.parse"
    wrapped = getattr(f, "__wrapped__", None)
    if callable(wrapped):
        return "trace the plain function first, as in dc.grad(dc.trace(f, dc.f64(3)))"
    from inspect import isroutine

    if isroutine(f):
        return (
            "make one of a plain function with dc.trace(f, dc.f64(3), ...), from the types of its arguments"
        )
    return "make one with dc.trace, dc.parse or dc.from_sympy"


def _transformed(transform: Any, f: Function, *args: Any) -> Function:
    graph = compiler.differentiate(transform, _graph(f), *args, derived=f.derived)
    return Function(graph, True, f.math, f.captured)
