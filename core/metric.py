"""What a plugin states about a metric of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class MetricSpec:
    """A measure of how close a decoded picture is to its original, for `plic evaluate --metric`.

    Attributes:
        id: what the command line calls it; lower-case letters, digits and hyphens.
        function: from reference and decoded pixels, each uint8 RGB ``(H, W, 3)`` of one size, to a number; NaN where
            it is not defined. A function of a module, so that it can be sent to other processes.
        better: whether ``higher`` or ``lower`` values are better.
        unit: of the number, for headings; empty if it has none.
        title: for headings; the id if empty.
    """

    id: str
    function: Callable[[Pixels, Pixels], float]
    better: Better
    unit: str = ""
    title: str = ""
