"""Machine code: compiled, loaded, its symbols resolved."""
