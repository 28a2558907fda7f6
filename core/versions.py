"""What a result was computed with."""

from __future__ import annotations

import platform


def versions() -> dict[str, str]:
    """Versions of plic and of what computes for it, and the platform."""
    import numba
    import numpy
    import PIL
    import torch

    from .. import __version__

    return {
        "plic": __version__,
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
