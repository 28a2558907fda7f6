"""Numbers as people read them."""

from __future__ import annotations

import math

from ..container.stream import quality_text

NONE = "\N{EN DASH}"
"""Stands for what is not known."""


def signed(value: float, digits: int) -> str:
    """With a sign, and a true minus: ``+1.20``."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def seconds(value: float) -> str:
    """About three digits: ``0.120 s``, ``12.3 s``; milliseconds below a tenth."""
    if value < 0.1:
        return f"{1000 * value:.1f} ms"
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} s"


def count(value: float | None) -> str:
    """Three significant digits with a prefix: ``14.1 M``, ``91.3 k``."""
    if value is None:
        return NONE
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}" if value < 1000 * size else f"{value / size:.0f} {prefix}"
    return f"{value:.3g}"


def steps(value: float | None) -> str:
    """A count of steps; a mean over pictures may not be whole."""
    if value is None:
        return NONE
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def memory(value: float | None) -> str:
    """Bytes in MiB or GiB, 2 to the 20 and 30."""
    if value is None:
        return NONE
    return f"{value / 2**20:.0f} MiB" if value < 2**30 else f"{value / 2**30:.2f} GiB"


def decibels(value: float, digits: int = 2) -> str:
    """With unit; infinite for identical pictures."""
    if math.isnan(value):
        return NONE
    return "infinite" if math.isinf(value) else f"{value:.{digits}f} dB"


def measure(value: float | None) -> str:
    """Five significant digits of a metric whose unit stands elsewhere."""
    return NONE if value is None or math.isnan(value) else f"{value:.5g}".replace("-", "\N{MINUS SIGN}")


def quality(value: float) -> str:
    """A level of the codec, as it is written on the command line."""
    return quality_text(value)
