"""Algebra: identities of numbers, and one way of writing signs and constant factors.

Signs move outward, through products and quotients into the sums that absorb them; constants gather in
front. All hold for IEEE numbers. Where a sum cancels exactly, the sign of its zero is only certain as
long as no term is a product: a product may be contracted with the sum into a multiply-add, which leaves
the rounding error of the product instead of a zero. This is what the condition `product` is about.
"""

from __future__ import annotations

from diffc.optimize.rule import Rule

__all__ = ["ABSORB", "RULES"]

_CONSTANTS = "constant(c) and constant(d) and normal_product(c, d)"

RULES = (
    # Neutral elements. x + 0 is not among them: it turns -0 into 0.
    Rule("mul_one", "x*1 => x", exact=True),
    Rule("div_one", "x/1 => x", exact=True),
    Rule("sub_zero", "x - 0 => x", exact=True),
    Rule("add_negative_zero", "x + (-0.0) => x", exact=True),
    Rule("mul_minus_one", "x*(-1) => -x", exact=True),
    Rule("div_minus_one", "x/(-1) => -x", exact=True),
    Rule("pow_zero", "x**0 => 1", exact=True, note="IEEE's pow is 1 here even for NaN; its derivative is 0"),
    Rule("pow_one", "x**1 => x", exact=True),
    Rule("pow_two", "pow(x, 2) => square(x)", note="the library's pow rounds otherwise by at most an ulp"),
    Rule("pow_minus_one", "x**(-1) => 1/x"),
    # Signs.
    Rule("neg_neg", "-(-x) => x", exact=True),
    Rule("add_neg", "x + (-y) => x - y", exact=True),
    Rule("sub_neg", "x - (-y) => x + y", exact=True),
    Rule("mul_neg", "x*(-y) => -(x*y)", exact=True),
    Rule("neg_div", "(-x)/y => -(x/y)", exact=True),
    Rule("div_neg", "x/(-y) => -(x/y)", exact=True),
    Rule("square_neg", "square(-x) => square(x)", exact=True),
    Rule("abs_neg", "abs(-x) => abs(x)", exact=True),
    Rule("sin_neg", "sin(-x) => -sin(x)", exact=True, note="odd functions pass the sign on"),
    Rule("tanh_neg", "tanh(-x) => -tanh(x)", exact=True),
    Rule("sinh_neg", "sinh(-x) => -sinh(x)", exact=True),
    Rule("tan_neg", "tan(-x) => -tan(x)", exact=True),
    Rule("atan_neg", "atan(-x) => -atan(x)", exact=True),
    Rule("asin_neg", "asin(-x) => -asin(x)", exact=True),
    Rule("erf_neg", "erf(-x) => -erf(x)", exact=True),
    Rule("cos_neg", "cos(-x) => cos(x)", exact=True),
    Rule("cosh_neg", "cosh(-x) => cosh(x)", exact=True),
    Rule("neg_sub", "-(x - y) => y - x", "product(y)", note="contraction: see the top of the file"),
    Rule("neg_sub_left", "-(x - y) => y - x", "product(x)", note="contraction"),
    Rule("neg_sum", "(-x) - y => -(x + y)", "product(x)", note="contraction"),
    Rule("neg_sum_right", "(-x) - y => -(x + y)", "product(y)", note="contraction"),
    Rule("sum_neg", "sum(-x, axis=A) => -sum(x, axis=A)", note="sums may be reordered, also from 0 or -0"),
    # Constant factors.
    Rule("double", "x + x => 2*x", exact=True),
    Rule("mul_self", "x*x => square(x)", exact=True),
    Rule("square_abs", "square(abs(x)) => square(x)", exact=True),
    Rule("mul_constants", "c*(d*x) => (c*d)*x", _CONSTANTS),
    Rule("mul_constant_quotient", "c*(d/x) => (c*d)/x", _CONSTANTS),
    Rule("mul_constant_quotient_product", "(c/x)*(d*y) => ((c*d)/x)*y", _CONSTANTS),
    Rule("negative_factor", "c*x => -((-c)*x)", "negative_constant(c)", exact=True),
    Rule("negative_numerator", "c/x => -((-c)/x)", "negative_constant(c)", exact=True),
    Rule("div_constant", "x/c => (1/c)*x", "power_of_two(c)", exact=True, note="1/c is exact"),
    Rule("add_negative", "x + c => x - (-c)", "negative_constant(c)", exact=True),
    Rule("sub_negative", "x - c => x + (-c)", "negative_constant(c)", exact=True),
    # Functions and their inverses.
    Rule("abs_abs", "abs(abs(x)) => abs(x)", exact=True),
    Rule("abs_positive", "abs(x) => x", "positive(x)", exact=True),
    Rule("abs_nonnegative", "abs(x) => x", "nonnegative(x)", stage="after", exact=True, note="abs'(0) is 0"),
    Rule("sqrt_square", "sqrt(square(x)) => x", "positive(x)", note="never overflows"),
    Rule("sqrt_square_abs", "sqrt(square(x)) => abs(x)", stage="after", note="at 0 the derivatives differ"),
    Rule("maximum_self", "maximum(x, x) => x", exact=True),
    Rule("minimum_self", "minimum(x, x) => x", exact=True),
    Rule("relu", "maximum(x, 0) => relu(x)", stage="after", exact=True, note="at 0: 1/2 before, 0 after"),
    Rule("relu_positive", "relu(x) => x", "positive(x)", exact=True),
    Rule("maximum_positive", "maximum(x, 0) => x", "positive(x)", exact=True),
    Rule("stop_gradient", "stop_gradient(x) => x", stage="after", exact=True),
)

ABSORB = (
    Rule("neg_constant", "-(c*x) => (-c)*x", "constant(c)", exact=True),
    Rule("neg_numerator", "-(c/x) => (-c)/x", "constant(c)", exact=True),
)
"""Signs that no sum absorbed go back into constants, last of all: they are the opposite of two rules."""
