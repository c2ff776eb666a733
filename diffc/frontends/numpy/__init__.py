"""Plain NumPy functions: what `numpy` calls on a traced value, as builders on nodes."""
