"""How code is called: the signature of a program, and its way in from CPython."""
