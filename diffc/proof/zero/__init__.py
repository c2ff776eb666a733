"""Zero, decided: `decide_zero` says whether a real expression vanishes identically, and on what basis.

`translator` turns the expression into a rational `program` over `generators`, case by case of `signs`;
`decision` judges it modulo `primes` and then exactly; `witness` looks for a point that refutes it.
"""

from diffc.proof.zero.decision import decide_zero as decide_zero
from diffc.proof.zero.decision import equal as equal
from diffc.proof.zero.witness import Verdict as Verdict
from diffc.proof.zero.witness import ZeroResult as ZeroResult
