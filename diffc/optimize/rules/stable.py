"""Stable forms: the same function where the obvious formula overflows or cancels.

They run before differentiation, so that the derivatives are stable too. The left sides are in normal
form: a quotient by 2 has become a product with 0.5, constants stand first.
"""

from __future__ import annotations

from diffc.optimize.rule import Rule

__all__ = ["RULES"]

RULES = (
    Rule("log1p", "log(1 + x) => log1p(x)"),
    Rule("log_one_minus", "log(1 - x) => log1p(-x)"),
    Rule("expm1", "exp(x) - 1 => expm1(x)"),
    Rule("one_minus_exp", "1 - exp(x) => -expm1(x)"),
    Rule("log_exp", "log(exp(x)) => x", note="finite where exp overflows"),
    Rule("exp_log", "exp(log(x)) => x", "nonnegative(x)"),
    # softplus and sigmoid
    Rule("softplus", "log1p(exp(x)) => softplus(x)"),
    Rule("softplus_by_hand", "maximum(x, 0) + softplus(-abs(x)) => softplus(x)"),
    Rule("softplus_by_hand_relu", "relu(x) + softplus(-abs(x)) => softplus(x)", stage="after"),
    Rule("softplus_by_hand_sub", "maximum(x, 0) - y + softplus(-abs(x)) => softplus(x) - y"),
    Rule("log_sigmoid", "log(sigmoid(x)) => -softplus(-x)"),
    Rule("log_one_minus_sigmoid", "log1p(-sigmoid(x)) => -softplus(x)"),
    Rule("sigmoid_quotient", "exp(x)/(1 + exp(x)) => sigmoid(x)"),
    Rule("tanh_expm1", "expm1(x)/(1 + exp(x)) => tanh(0.5*x)"),
    Rule("sigmoid", "y/(1 + exp(x)) => y*sigmoid(-x)"),
    Rule("sigmoid_product", "exp(x)*sigmoid(-x) => sigmoid(x)"),
    Rule(
        "one_minus_sigmoid",
        "1 - sigmoid(x) => sigmoid(-x)",
        stage="before",
        note="after differentiation 1 - s stays: s' = s*(1 - s) reuses s",
    ),
    Rule("log_normal_cdf", "log(c*(1 + erf(x))) => log(c*erfc(-x))", "constant(c)"),
    # hyperbolic functions
    Rule("sinh", "0.5*(exp(x) - exp(-x)) => sinh(x)"),
    Rule("cosh", "0.5*(exp(x) + exp(-x)) => cosh(x)"),
    Rule("tanh", "sinh(x)/cosh(x) => tanh(x)"),
    Rule("tanh_exp", "(exp(x) - exp(y))/(exp(x) + exp(y)) => tanh(0.5*(x - y))"),
    Rule("tanh_sigmoid", "2*sigmoid(x) - 1 => tanh(0.5*x)"),
    Rule("tanh_sigmoid_opposite", "1 - 2*sigmoid(x) => -tanh(0.5*x)"),
    # logsumexp and softmax
    Rule("logsumexp", "log(sum(exp(x), axis=A)) => logsumexp(x, axis=A)"),
    Rule("log_mean_exp", "log(sum(exp(x), axis=A)/n) => logsumexp(x, axis=A) - log(n)"),
    Rule("log_scaled_exp", "log(n*sum(exp(x), axis=A)) => log(n) + logsumexp(x, axis=A)"),
    Rule(
        "logsumexp_shifted",
        "m + logsumexp(x - expand_dims(m, axis=A), axis=A) => logsumexp(x, axis=A)",
        "reduced(m, A, x)",
        note="with the maximum subtracted by hand, which logsumexp does itself",
    ),
    Rule(
        "softmax",
        "exp(x)/sum(exp(x), axis=A, keepdims=True) => softmax(x, axis=A)",
    ),
    Rule("softmax_exp", "exp(x - logsumexp(x, axis=A, keepdims=True)) => softmax(x, axis=A)"),
    Rule("log_softmax", "log(softmax(x, axis=A)) => x - logsumexp(x, axis=A, keepdims=True)"),
    Rule(
        "softmax_shifted",
        "softmax(x - m, axis=A) => softmax(x, axis=A)",
        "constant_along(m, A, x)",
        note="with the maximum subtracted by hand, which softmax does itself",
    ),
    Rule(
        "log_softmax_shifted",
        "(x - m) - logsumexp(x - m, axis=A, keepdims=True) => x - logsumexp(x, axis=A, keepdims=True)",
        "constant_along(m, A, x)",
        note="the gradient by m is zero in exact arithmetic; so it vanishes",
    ),
)
