"""Faithfulness: with the weights of reference models, every stage computes what the reference computed.

The vectors were made with CompressAI 1.2.8; they are not part of the repository. Without them these tests skip.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from plic.core.api import build
from plic.core.codec import Codec

VECTORS = Path(os.environ.get("PLIC_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "vectors"
SIZES: dict[str, Any] = {
    "transform.channels": 16,
    "transform.latent_channels": 24,
    "side_information.channels": 16,
}
JOINT = SIZES | {"side_information.widths": [24, 36], "side_information.features": 48}
SYSTEMS: dict[str, tuple[str, dict[str, Any]]] = {
    "factorized": (
        "balle2018",
        {
            "transform.channels": 16,
            "transform.latent_channels": 24,
            "side_information": None,
            "head": {"use": "factorized"},
        },
    ),
    "scale-hyperprior": ("balle2018", SIZES | {"side_information.features": 24}),
    "mean-scale-hyperprior": (
        "minnen2018",
        JOINT | {"context": {"use": "side-only"}, "schedule": {"use": "one-step"}},
    ),
    "joint-autoregressive": ("minnen2018", JOINT | {"context.fusion": [80, 64]}),
}
PLACES = {
    "g_a.": "transform.analysis_layers.",
    "g_s.": "transform.synthesis_layers.",
    "h_a.": "side_information.hyper_analysis.",
    "h_s.": "side_information.hyper_synthesis.",
    "context_prediction.": "context.masked.",
    "entropy_parameters.": "context.fusion.",
}


def ours(name: str, has_side: bool) -> str | None:
    """Our name of a reference weight; None for what has no counterpart (buffers, quantiles)."""
    for theirs, place in PLACES.items():
        if name.startswith(theirs) and "reparam" not in name and "mask" not in name:
            return place + name.removeprefix(theirs)
    kind, _, rest = name.removeprefix("entropy_bottleneck.").partition(".")
    if name.startswith("entropy_bottleneck.") and kind in ("matrices", "biases", "factors"):
        return f"{'side_information.head' if has_side else 'head'}.{kind}.{rest}"
    return None


@pytest.fixture(params=SYSTEMS)
def case(request: pytest.FixtureRequest) -> tuple[Codec, dict[str, Tensor]]:
    path = VECTORS / f"{request.param}.safetensors"
    if not path.exists():
        pytest.skip(f"no reference vectors in {VECTORS}; set PLIC_SHARED")
    vectors = load_file(path)
    recipe, overrides = SYSTEMS[request.param]
    codec = build(recipe, overrides).eval()
    weights = {
        place: value
        for name, value in vectors.items()
        if name.startswith("weights.") and (place := ours(name.removeprefix("weights."), "z" in vectors))
    }
    assert set(codec.state_dict()) - {"context.masked.mask"} == set(weights)
    codec.load_state_dict(weights)
    return codec, vectors


def close(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=2e-4, atol=2e-5)


@torch.no_grad()
def test_every_stage_matches_the_reference(case: tuple[Codec, dict[str, Tensor]]) -> None:
    codec, vectors = case
    gain = vectors["y_gain"]
    y = codec.transform.analysis(vectors["input.x"]) * gain
    close(y, vectors["y"])
    close(codec.transform.synthesis(vectors["y_hat"] / gain), vectors["x_hat"])
    side = None
    if codec.side_information is not None:
        close(codec.side_information.analysis(y), vectors["z"])
        side = codec.side_information.synthesis(vectors["z_hat"], *y.shape[-2:])
        close(side, vectors["side_features"])
        z_likelihood = codec.side_information.head.likelihood(y[:, None, :0], vectors["z_hat"])
        close(z_likelihood, vectors["likelihood.z"])
    parameters = codec.context.parameters_all(vectors["y_hat"], side)
    close(codec.head.likelihood(parameters, vectors["y_hat"]), vectors["likelihood.y"])
    if "scales" in vectors:
        close(parameters[:, 0].clamp(min=0.11), vectors["scales"].clamp(min=0.11))
    if "means" in vectors:
        close(parameters[:, 1], vectors["means"])


@torch.no_grad()
def test_exact_arithmetic_stays_near_the_reference(case: tuple[Codec, dict[str, Tensor]]) -> None:
    codec, vectors = case
    networks = codec.freeze().networks
    if networks.side_information is None:
        pytest.skip("no networks on the probability path")
    y_hat = vectors["y_hat"].double()
    side = networks.side_information.synthesis(vectors["z_hat"].double(), *y_hat.shape[-2:])
    parameters = networks.context.parameters_all(y_hat, side).float()
    bits = -codec.head.likelihood(parameters, vectors["y_hat"]).log2().sum()
    assert float(bits) == pytest.approx(float(-vectors["likelihood.y"].log2().sum()), rel=2e-3)
