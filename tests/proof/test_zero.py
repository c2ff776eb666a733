"""The zero decision: identities it must prove, near misses it must refute, and what it must leave open."""

import random

import mpmath
import pytest
import sympy
from sympy import (
    Abs,
    Function,
    Heaviside,
    Max,
    Min,
    Piecewise,
    Rational,
    acos,
    asin,
    asinh,
    atan,
    atan2,
    cos,
    cosh,
    diff,
    erf,
    erfc,
    exp,
    log,
    pi,
    sec,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from sympy.codegen.cfunctions import expm1, log1p

from diffc.proof.zero import ZeroResult, decide_zero, equal
from diffc.proof.zero.primes import random_prime
from diffc.proof.zero.program import ModularProgram, modular_root

x, y, z, a, b, m = sympy.symbols("x y z a b m", real=True)
u, v = sympy.symbols("u v", positive=True)
f = Function("f")
sigmoid = 1 / (1 + exp(-x))

IDENTITIES = {
    "tanh": (diff(tanh(x), x), sech2 := (2 / (exp(x) + exp(-x))) ** 2),
    "tanh-sech": (1 - tanh(x) ** 2, sympy.sech(x) ** 2),
    "tanh-output": (sech2, 1 - ((exp(2 * x) - 1) / (exp(2 * x) + 1)) ** 2),
    "sigmoid": (diff(sigmoid, x), sigmoid * (1 - sigmoid)),
    "softplus": (diff(log(1 + exp(x)), x), sigmoid),
    "logsumexp": (log(exp(a) + exp(b)), m + log(exp(a - m) + exp(b - m))),
    "softmax": (exp(a) / (exp(a) + exp(b)), exp(a - m) / (exp(a - m) + exp(b - m))),
    "tan": (diff(tan(x), x), sec(x) ** 2),
    "tan-sec": (1 + tan(x) ** 2, 1 / cos(x) ** 2),
    "atan": (diff(atan(3 * x), x), 3 / (1 + 9 * x**2)),
    "asin": (diff(asin(x), x), 1 / sqrt((1 - x) * (1 + x))),
    "acos": (acos(x) + asin(x), pi / 2),
    "asinh": (diff(log(x + sqrt(x**2 + 1)), x), diff(asinh(x), x)),
    "pow-base": (diff(u**y, u), y * u ** (y - 1)),
    "pow-base-open": (diff(x**y, x), y * x ** (y - 1)),
    "pow-exponent": (diff(u**y, y), exp(y * log(u)) * log(u)),
    "erf": (diff(erf(x * y), x), 2 * y / sqrt(pi) * exp(-((x * y) ** 2))),
    "erfc": (erfc(x) + erf(x), 1),
    "expm1": (diff(expm1(x), x), expm1(x) + 1),
    "log1p": (log1p(x), log(1 + x)),
    "cosh": (cosh(x) ** 2 - sinh(x) ** 2, 1),
    "sin-double": (sin(2 * x), 2 * sin(x) * cos(x)),
    "sin-sum": (sin(x + 3 * y), sin(x) * cos(3 * y) + cos(x) * sin(3 * y)),
    "sin-half": (sin(x / 2) ** 2, (1 - cos(x)) / 2),
    "sin-shift": (sin(x + pi / 6), sqrt(3) / 2 * sin(x) + cos(x) / 2),
    "sin-float": (sin(0.2 * x), 2 * sin(0.1 * x) * cos(0.1 * x)),
    "atan2": (diff(atan2(y, x), y), x / (x**2 + y**2)),
    "abs": (Abs(x) * sign(x), x),
    "abs-sqrt": (sqrt(x**2 + 2 * x + 1), Abs(x + 1)),
    "abs-cos": (sqrt(1 - sin(x) ** 2), Abs(cos(x))),
    "max": (Max(x, y), (x + y + Abs(x - y)) / 2),
    "max-partial": (diff(Max(x, y), x), Piecewise((1, x > y), (0, True))),
    "max-partial-step": (diff(Max(x, y), x), Heaviside(x - y)),
    "max-order": (Max(x, y, z), Piecewise((x, (x > y) & (x > z)), (y, y > z), (z, True))),
    "max-min": (Max(x, y) + Min(x, y), x + y),
    "relu": (Heaviside(x) * x, Max(x, 0)),
    "difference-of-squares": ((x - y) * (x + y), x**2 - y**2),
    "sqrt": (sqrt(u) * sqrt(u), u),
    "sqrt-derivative": (diff(sqrt(1 + x**2), x) * sqrt(1 + x**2), x),
    "sqrt-product": (sqrt(u + u * v), sqrt(u) * sqrt(1 + v)),
    "sqrt-open": (1 / sqrt(x), sqrt(x) / x),
    "cube-root": ((x * y) ** Rational(2, 3) * (x * y) ** Rational(1, 3), x * y),
    "log-product": (log(u * v), log(u) + log(v)),
    "log-square": (log(x**2), 2 * log(Abs(x))),
    "log-constant": (log(x**2 + 2 * x + 1) + log(12), 2 * log(Abs(x + 1)) + log(3) + 2 * log(2)),
    "exp-fraction": (exp(x / (x + 1)), sympy.E * exp(-1 / (x + 1))),
    "undefined": (f((x - y) * (x + y)), f(x**2 - y**2)),
    "undefined-derivative": (diff(f(x) ** 2, x), 2 * f(x) * diff(f(x), x)),
    "gelu": (
        diff(x * erfc(-x / sqrt(2)) / 2, x),
        erfc(-x / sqrt(2)) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi),
    ),
    "float": (0.5 * x + 0.25 * x, 3 * x / 4),
}


def difference(left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
    """Keep SymPy from cancelling the two sides before the decision sees them."""
    return sympy.Add(left, sympy.Mul(-1, right, evaluate=False), evaluate=False)


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_is_proved(name):
    result = decide_zero(difference(*IDENTITIES[name]))
    assert result.verdict == "zero", result
    assert result.basis.startswith("exact: "), result
    assert result.witness is None


NEAR_MISSES = {
    "sigmoid": diff(sigmoid, x) - sigmoid * (1 + sigmoid),
    "factor": x * (1 - 1e-12) - x,
    "sign": diff(cos(x), x) - sin(x),
    "chain": diff(exp(x**2), x) - exp(x**2),
    "pow": diff(u**y, u) - y * u**y,
    "sqrt-sign": sqrt(x**2) - x,
    "sqrt-square": sqrt(x**2 + 2 * x + 1) - x - 1,
    "asin-sin": asin(sin(x)) - x,
    "max": Max(x, y) - y,
    "rare-region": Max(x, 3) - Max(x, 2),
    "tanh": diff(tanh(x), x) - 1 + tanh(x),
    "erf": diff(erf(x), x) - 2 / pi * exp(-(x**2)),
    "angle": sin(2 * x) - 2 * sin(x),
    "log": log(u + v) - log(u) - log(v),
    "undefined": f(x) - f(x + 1),
    "constant": sqrt(2) + sqrt(3) - sqrt(10),
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_miss_has_a_witness(name):
    expr = NEAR_MISSES[name]
    result = decide_zero(expr)
    assert result.verdict == "nonzero", result
    assert result.witness is not None
    assert set(result.witness) == expr.free_symbols
    if not expr.has(f):
        assert abs(expr.xreplace(result.witness).evalf(40)) > mpmath.mpf("1e-20")


def test_witness_satisfies_assumptions():
    n, negative = sympy.Symbol("n", integer=True, even=True), sympy.Symbol("q", negative=True)
    witness = decide_zero(u + n * negative).witness
    assert witness is not None
    assert witness[u] > 0
    assert witness[n] % 2 == 0
    assert witness[negative] < 0


def test_conditions_restrict_the_domain():
    assert decide_zero(Max(x, y) - x).verdict == "nonzero"
    assert decide_zero(Max(x, y) - x, [x > y]).verdict == "zero"
    assert decide_zero(sqrt(x**2) + x, [x < 0]).verdict == "zero"
    assert decide_zero(x / x + Abs(y) / y - 2, [sympy.Ne(x, 0), y > 0]).verdict == "zero"
    witness = decide_zero(Abs(x) - x, [x < 0, y > x]).witness
    assert witness is not None
    assert witness[x] < 0 < witness[y] - witness[x]


def test_contradictory_cases_are_set_aside():
    nested = Max(a, Max(b, m, evaluate=False), evaluate=False)
    assert equal(nested, Max(Max(a, b, evaluate=False), m, evaluate=False)).verdict == "zero"


UNKNOWN = {
    "imaginary": x * sympy.I,
    "zoo": x + sympy.zoo,
    "nan": sympy.nan,
    "infinity": sympy.oo,
    "boolean": sympy.true,
    "matrix": sympy.eye(2),
    "text": "x +",
    "nothing": None,
    "division-by-zero": 1 / difference(x, x),
    "noncommutative": sympy.Symbol("A", commutative=False),
    "imaginary-symbol": sympy.Symbol("w", imaginary=True),
    "empty-domain": sqrt(-1 - x**2, evaluate=False),
    "denested-root": sqrt(x + 2 * sqrt(x - 1)) - sqrt(x - 1) - 1,
    "special-values": sympy.gamma(u + 1) - u * sympy.gamma(u),
    "tower": exp(exp(exp(exp(x)))) - exp(exp(exp(exp(x + 1)))) * f(x).diff(x),
    "equality-condition": Piecewise((1, sympy.Contains(x, sympy.Interval(0, 1))), (2, True)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_without_exception(name):
    result = decide_zero(UNKNOWN[name])
    assert result.verdict == "unknown", result
    assert result.basis
    assert result.witness is None


def test_equal_on_odd_input():
    assert equal("x +", 1).verdict == "unknown"
    assert equal(x, x) == ZeroResult("zero", decide_zero(sympy.S.Zero).basis)
    assert decide_zero(x, [x > 0, x < 0]).verdict == "unknown"


def random_expression(rng, depth):
    """Return one random rational function written two ways."""
    if depth == 0:
        leaf = rng.choice([x, y, exp(x), sin(y), sympy.Integer(rng.randint(1, 4))])
        return leaf, leaf
    p, p2 = random_expression(rng, depth - 1)
    q, q2 = random_expression(rng, depth - 1)
    r, r2 = random_expression(rng, depth - 1)
    return rng.choice(
        [
            (p * (q + r), p2 * q2 + p2 * r2),
            ((p + q) * (p - q), p2**2 - q2**2),
            (p / (1 + q**2), p2 * (2 + r2**2) / ((1 + q2**2) * (2 + r2**2))),
            (1 / (1 + p**2) + 1 / (1 + q**2), (2 + p2**2 + q2**2) / ((1 + q2**2) * (1 + p2**2))),
            ((p + q) ** 2, p2**2 + 2 * p2 * q2 + q2**2),
        ]
    )


def test_random_rearrangements():
    rng = random.Random(7)
    for case in range(100):
        left, right = random_expression(rng, 1 + case % 2)
        assert equal(left, right, seed=case).verdict == "zero", (left, right)
        assert equal(left, right + Rational(1, 1000) * x, seed=case).verdict == "nonzero", (left, right)


def shared_graph(depth):
    last = x
    for _ in range(depth):
        last = last * last + last
    same = sympy.Add(last * (last + 1), -(last**2 + last), evaluate=False)
    return same, sympy.Add(last * (last + 1), -(last**2 - last), evaluate=False)


def test_large_shared_graph_is_decided_without_expansion():
    """Written out it has 2**199 terms."""
    same, other = shared_graph(199)
    result = decide_zero(same)
    assert result.verdict == "zero"
    assert result.basis.startswith("probabilistic: 2 evaluations modulo random primes, error < 2^-6")
    assert decide_zero(other).verdict == "nonzero"


def test_deep_graph_needs_no_recursion():
    # Reciprocals keep the program from being folded.
    program = ModularProgram(random_prime(128, "deep"))
    node = program.const(3)
    for _ in range(20_000):
        node = program.add((program.power(program.add((node, program.const(1))), -1), program.const(2)))
    assert len(program.evaluate(random_prime(128, "other"), random.Random(0))) == len(program.ops)


def test_result_is_reproducible():
    expr = diff(sigmoid, x) - sigmoid * (1 - sigmoid)
    assert decide_zero(expr) == decide_zero(expr)
    assert decide_zero(x - y, seed=3) == decide_zero(x - y, seed=3)


@pytest.mark.parametrize("q", [2, 3, 4, 5, 6, 12, 35])
def test_modular_roots_multiply_like_positive_reals(q):
    prime = random_prime(128, "roots")
    left, right = pow(123456789, 2, prime), pow(987654321, 2, prime)
    product = modular_root(left, q, prime) * modular_root(right, q, prime) % prime
    assert product == modular_root(left * right % prime, q, prime)
    assert pow(modular_root(left, q, prime), q, prime) == left
    assert all(pow(small, (prime - 1) // 2, prime) == 1 for small in (2, 3, 5, 7, 11, 13))
