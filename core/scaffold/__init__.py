"""Writes a new distribution with one plugin: a part that works, its tests, what is needed to publish it."""

from .names import Names
from .writing import write_distribution

__all__ = ["Names", "write_distribution"]
