"""Plain Python functions: traced at the first call of each signature, and again where that changes."""
