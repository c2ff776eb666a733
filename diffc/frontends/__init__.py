"""Frontends: formulas, SymPy expressions, NumPy functions and model files become Graphs."""
