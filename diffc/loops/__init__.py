"""Loops: the second IR, what a program is between the schedule and its code."""
