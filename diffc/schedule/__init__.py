"""Graph -> Loops: fusion, order and the memory plan.

`expand` makes simple operations of derived ones, `long_axes_last` lays matrices out, `schedule` places every
computation among the loops and plans the workspace, `print_loops` shows the result.
"""

from diffc.schedule.expand import expand as expand
from diffc.schedule.layout import long_axes_last as long_axes_last
from diffc.schedule.printer import print_loops as print_loops
from diffc.schedule.scheduler import schedule as schedule
from diffc.schedule.statistics import statistics as statistics
