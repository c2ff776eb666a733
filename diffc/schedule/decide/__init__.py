"""What is decided about a graph before any computation is placed.

`copies` says which views get memory, `recompute` what readers compute for themselves, `outputs` who writes
the outputs; `products`, `gathers` and `routines` plan what runs in other than plain loops.
"""

from diffc.schedule.decide.decisions import Decisions as Decisions
from diffc.schedule.decide.decisions import decide as decide
