"""Calls from Python: checks, casts, memory, and which code runs."""
