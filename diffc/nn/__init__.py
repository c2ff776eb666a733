"""Networks: layers, losses and initialisers as builders of graphs.

    import diffc as dc

    network = dc.nn.Network(
        inputs={"x": "f64[N, 64]", "y": "f64[N, 10]"},
        layers=[dc.nn.Dense(32, activation="tanh"), dc.nn.Dense(10)],
        loss=dc.nn.SoftmaxCrossEntropy("y"),
    )
    model = dc.Model.of(network)

A model file says the same with the same names; see `diffc.nn.definition`.
"""

from diffc.nn.activations import Activation as Activation
from diffc.nn.activations import Elu as Elu
from diffc.nn.activations import Gelu as Gelu
from diffc.nn.activations import GeluTanh as GeluTanh
from diffc.nn.activations import LeakyRelu as LeakyRelu
from diffc.nn.activations import Linear as Linear
from diffc.nn.activations import LogSoftmax as LogSoftmax
from diffc.nn.activations import Relu as Relu
from diffc.nn.activations import Sigmoid as Sigmoid
from diffc.nn.activations import Silu as Silu
from diffc.nn.activations import Softmax as Softmax
from diffc.nn.activations import Softplus as Softplus
from diffc.nn.activations import Step as Step
from diffc.nn.activations import Tanh as Tanh
from diffc.nn.definition import Definition as Definition
from diffc.nn.definition import NetworkProblem as NetworkProblem
from diffc.nn.initialisers import Constant as Constant
from diffc.nn.initialisers import GlorotNormal as GlorotNormal
from diffc.nn.initialisers import GlorotUniform as GlorotUniform
from diffc.nn.initialisers import HeNormal as HeNormal
from diffc.nn.initialisers import HeUniform as HeUniform
from diffc.nn.initialisers import Initialiser as Initialiser
from diffc.nn.initialisers import LecunNormal as LecunNormal
from diffc.nn.initialisers import LecunUniform as LecunUniform
from diffc.nn.initialisers import Normal as Normal
from diffc.nn.initialisers import Ones as Ones
from diffc.nn.initialisers import Uniform as Uniform
from diffc.nn.initialisers import Zeros as Zeros
from diffc.nn.layer import Layer as Layer
from diffc.nn.layers import Dense as Dense
from diffc.nn.layers import Flatten as Flatten
from diffc.nn.layers import LayerNorm as LayerNorm
from diffc.nn.losses import AbsoluteError as AbsoluteError
from diffc.nn.losses import BinaryCrossEntropy as BinaryCrossEntropy
from diffc.nn.losses import CategoricalCrossEntropy as CategoricalCrossEntropy
from diffc.nn.losses import Hinge as Hinge
from diffc.nn.losses import Huber as Huber
from diffc.nn.losses import Loss as Loss
from diffc.nn.losses import NegativeLogLikelihood as NegativeLogLikelihood
from diffc.nn.losses import SigmoidCrossEntropy as SigmoidCrossEntropy
from diffc.nn.losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from diffc.nn.losses import SquaredError as SquaredError
from diffc.nn.network import Network as Network
