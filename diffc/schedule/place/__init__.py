"""What each kind of operation does in its loops: one file a kind, and the table of them in `handlers`."""

from diffc.schedule.place.copy import place_alias as place_alias
from diffc.schedule.place.copy import place_output as place_output
from diffc.schedule.place.handlers import place as place
from diffc.schedule.place.placing import Placing as Placing
