"""What users call: Functions, their transforms, and plain Python functions."""
