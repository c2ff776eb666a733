"""Graph -> smaller, stabler Graph: rewrite rules as data, a driver, and the passes in their order.

`rules/` holds the rules by family, `driver` applies them, `passes` says which run before and which
after differentiation. A rule is text in diffc's own expression language and can be printed, proved
and tested by its name.
"""

from diffc.optimize.driver import Log as Log
from diffc.optimize.driver import rewrite as rewrite
from diffc.optimize.evaluation import round_constants as round_constants
from diffc.optimize.passes import AFTER as AFTER
from diffc.optimize.passes import BEFORE as BEFORE
from diffc.optimize.passes import LAST as LAST
from diffc.optimize.passes import optimize as optimize
from diffc.optimize.rewrite import Rewrite as Rewrite
from diffc.optimize.rule import Rule as Rule
from diffc.optimize.rules import ALL as ALL
from diffc.optimize.rules import RULES as RULES
