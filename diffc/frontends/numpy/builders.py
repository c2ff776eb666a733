"""Every module of builders, imported so that they are registered."""

from diffc.frontends.numpy import choices as choices
from diffc.frontends.numpy import contraction as contraction
from diffc.frontends.numpy import creation as creation
from diffc.frontends.numpy import cumulative as cumulative
from diffc.frontends.numpy import diagonals as diagonals
from diffc.frontends.numpy import distributions as distributions
from diffc.frontends.numpy import facts as facts
from diffc.frontends.numpy import fitting as fitting
from diffc.frontends.numpy import joining as joining
from diffc.frontends.numpy import linalg as linalg
from diffc.frontends.numpy import padding as padding
from diffc.frontends.numpy import places as places
from diffc.frontends.numpy import polynomials as polynomials
from diffc.frontends.numpy import products as products
from diffc.frontends.numpy import quantiles as quantiles
from diffc.frontends.numpy import reductions as reductions
from diffc.frontends.numpy import shapes as shapes
from diffc.frontends.numpy import signal as signal
from diffc.frontends.numpy import sorting as sorting
from diffc.frontends.numpy import spacing as spacing
from diffc.frontends.numpy import special as special
from diffc.frontends.numpy import statistics as statistics
from diffc.frontends.numpy import untraceable as untraceable
from diffc.frontends.numpy import windows as windows
