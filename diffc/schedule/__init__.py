"""Graph -> Loops: fusion and order.

`expand` makes simple operations of derived ones, `long_axes_last` lays matrices out, `schedule` decides what
becomes of each node (`decide`), then places every computation among the loops (`place`).
"""

from diffc.schedule.expand import expand as expand
from diffc.schedule.layout import long_axes_last as long_axes_last
from diffc.schedule.scheduler import schedule as schedule
