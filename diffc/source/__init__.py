"""Loops -> the Python that people read, and that Numba compiles."""

from diffc.source.writer import lower_to_source as lower_to_source
