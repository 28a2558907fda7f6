"""The conformance kit: for each slot one class of tests that every part of it passes; see `plic.testing`.

This package imports nothing when it is loaded: pytest loads `plugin` at its start wherever plic is installed.
"""
