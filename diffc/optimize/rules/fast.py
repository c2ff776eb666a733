"""What holds for real numbers and not for IEEE ones: only with math="fast".

NaN, infinities, signs of zero and cancellation may differ from what the formula says.
"""

from __future__ import annotations

from diffc.optimize.rule import Rule

__all__ = ["RULES"]


def _fast(name: str, text: str, condition: str = "", note: str = "") -> Rule:
    return Rule(name, text, condition, stage="after", math="fast", note=note)


RULES = (
    _fast("fast_add_zero", "x + 0 => x", note="-0 + 0 is 0"),
    _fast("fast_zero_sub", "0 - x => -x", note="0 - 0 is 0"),
    _fast("fast_mul_zero", "x*0 => 0", note="NaN and infinities"),
    _fast("fast_zero_div", "0/x => 0"),
    _fast("fast_sub_self", "x - x => 0"),
    _fast("fast_div_self", "x/x => 1"),
    _fast("fast_neg_sub", "-(x - y) => y - x"),
    _fast("fast_neg_sum", "(-x) - y => -(x + y)"),
    _fast("fast_add_sub", "(x + y) - y => x"),
    _fast("fast_sub_add", "(x - y) + y => x"),
    _fast("fast_add_constants", "c + (d + x) => (c + d) + x", "constant(c) and constant(d)"),
    _fast("fast_div_constant", "x/c => (1/c)*x", "constant(c)"),
    _fast("fast_factor_add", "c*x + c*y => c*(x + y)"),
    _fast("fast_factor_sub", "c*x - c*y => c*(x - y)"),
    _fast("fast_exp_exp", "exp(x)*exp(y) => exp(x + y)"),
    _fast("fast_exp_div", "exp(x)/exp(y) => exp(x - y)"),
    _fast("fast_sqrt_sqrt", "square(sqrt(x)) => x"),
    _fast("fast_exp_log", "exp(log(x)) => x"),
)
