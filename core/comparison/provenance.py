"""How figures came about, for whoever wants to repeat them."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from .measured import Measured
from .model import Comparison

_LIBRARIES = ("torch", "numpy", "numba", "pillow", "python")


@dataclass(frozen=True)
class Provenance:
    """Of one model.

    Attributes:
        label: the model's.
        facts: pairs of name and value.
        recipe: resolved, as YAML.
    """

    label: str
    facts: tuple[tuple[str, str], ...]
    recipe: str


def protocol(comparison: Comparison) -> str:
    """In a sentence, how curves and BD figures are made."""
    count = len(comparison.pictures)
    pictures = f"all {count} pictures" if count > 1 else "the one picture"
    return (
        f"Every point is the arithmetic mean of bits per pixel and of PSNR (8-bit RGB) over {pictures} of "
        f"{comparison.data}, which were really encoded and decoded, whole files counted; MS-SSIM in dB is that of "
        "its mean. BD figures interpolate the logarithm of the rate by PCHIP through all points of both curves, and "
        "hold for the overlap beside them, not beyond."
    )


def provenance(measured: Measured) -> Provenance:
    """What a results file says about how it was made."""
    evaluation, versions = measured.evaluation, measured.evaluation.versions
    facts = (
        ("results", measured.file.name),
        ("data", evaluation.data),
        ("weights", f"SHA-256 {evaluation.fingerprint[:16]}\N{HORIZONTAL ELLIPSIS}"),
        ("plic", versions.get("plic", "unknown")),
        ("libraries", ", ".join(f"{name} {versions[name]}" for name in _LIBRARIES if name in versions)),
        ("platform", versions.get("platform", "unknown")),
        ("processes", str(evaluation.processes)),
        ("threads", f"{evaluation.threads} in each process"),
    )
    recipe = yaml.safe_dump(evaluation.recipe, sort_keys=False, allow_unicode=True, width=100)
    return Provenance(measured.label, facts, recipe)
