"""What a textbook derives by hand: clean-ups of the derivatives that differentiation yields.

The two halves of a binary cross-entropy have the derivatives -y*sigmoid(-z) and (1-y)*sigmoid(z). As
sigmoid(-z) is 1 - sigmoid(z), their sum is sigmoid(z) - y; a factor c stands for what follows the loss.
The softmax p is there already and needs only that factor taken out.
"""

from __future__ import annotations

from diffc.optimize.rule import Rule

__all__ = ["RULES"]

_S, _T = "sigmoid(z)", "sigmoid(-z)"

RULES = (
    Rule("cross_entropy", f"(1 - y)*{_S} - y*{_T} => {_S} - y", stage="after"),
    Rule("cross_entropy_opposite", f"y*{_T} - (1 - y)*{_S} => y - {_S}", stage="after"),
    Rule("cross_entropy_scaled", f"(c*(1 - y))*{_S} - (c*y)*{_T} => c*({_S} - y)", stage="after"),
    Rule("cross_entropy_scaled_opposite", f"(c*y)*{_T} - (c*(1 - y))*{_S} => c*(y - {_S})", stage="after"),
    Rule("cross_entropy_forward", f"(d*{_S})*(1 - y) - y*({_T}*d) => d*({_S} - y)", stage="after"),
    Rule("cross_entropy_forward_opposite", f"y*({_T}*d) - (d*{_S})*(1 - y) => d*(y - {_S})", stage="after"),
    Rule(
        "cross_entropy_curvature",
        f"y*({_T}*(1 - {_T})) + (1 - y)*({_S}*(1 - {_S})) => {_S}*{_T}",
        stage="after",
    ),
    Rule(
        "softmax_cross_entropy",
        "c*softmax(x, axis=A) - c*y => c*(softmax(x, axis=A) - y)",
        stage="after",
    ),
    Rule(
        "softmax_cross_entropy_opposite",
        "c*y - c*softmax(x, axis=A) => c*(y - softmax(x, axis=A))",
        stage="after",
    ),
)
