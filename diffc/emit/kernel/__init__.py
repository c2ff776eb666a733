"""A program of loops as code."""
