"""Blocks: a program cut along one axis into steps that run block by block, on several threads."""

from diffc.blocks.choice import plan_blocks
from diffc.blocks.printer import print_plan

__all__ = ["plan_blocks", "print_plan"]
