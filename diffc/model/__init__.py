"""Models: what a model file says, formulas or a network, as Functions to call, build and prove."""

from diffc.model.loading import load_model as load_model
from diffc.model.model import Model as Model
from diffc.model.model import Progress as Progress
from diffc.model.verification import verify as verify
