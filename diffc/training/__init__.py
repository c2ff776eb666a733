"""Training: the parameters of a loss, fitted to data by compiled steps.

Stands above models. `fit` trains any scalar function; `step` makes loss, gradient and update one kernel;
`data` and `batches` feed it; `session` decides when it is over; `checkpoint` keeps it.

>>> import diffc as dc
>>> line = dc.parse("mean((w*x + b - y)**2)", {"w": "f64", "b": "f64", "x": "f64[N]", "y": "f64[N]"})
>>> data = {"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 5.0]}
>>> found = dc.training.fit(line, {"w": 0.0, "b": 0.0}, data, optimizer="lbfgs")
>>> print(f"{found.parameters['w']:.6f} {found.parameters['b']:.6f}, {found.stopped}")
2.000000 1.000000, converged
"""

from diffc.training.checkpoint import Checkpoint as Checkpoint
from diffc.training.checkpoint import read_checkpoint as read_checkpoint
from diffc.training.checkpoint import read_parameters as read_parameters
from diffc.training.checkpoint import write_checkpoint as write_checkpoint
from diffc.training.checkpoint import write_parameters as write_parameters
from diffc.training.fit import Result as Result
from diffc.training.fit import UnsavedResult as UnsavedResult
from diffc.training.fit import fit as fit
from diffc.training.history import Epoch as Epoch
from diffc.training.model import fit_model as fit_model
from diffc.training.settings import Settings as Settings
from diffc.training.settings import SettingsProblem as SettingsProblem
