"""State dicts as CompressAI writes them, with random numbers: names and shapes of its models, none of its code."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

State = dict[str, Tensor]


class Names:
    """Collects random tensors under the names of layers."""

    def __init__(self) -> None:
        self.state: State = {}
        self.generator = torch.Generator().manual_seed(3)

    def put(self, name: str, *shape: int, around: float = 0.0) -> None:
        self.state[name] = around + 0.1 * torch.randn(shape, generator=self.generator)

    def conv(self, name: str, inputs: int, outputs: int, kernel: int) -> None:
        self.put(f"{name}.weight", outputs, inputs, kernel, kernel)
        self.put(f"{name}.bias", outputs)

    def deconv(self, name: str, inputs: int, outputs: int, kernel: int) -> None:
        self.put(f"{name}.weight", inputs, outputs, kernel, kernel)
        self.put(f"{name}.bias", outputs)

    def gdn(self, name: str, channels: int) -> None:
        self.put(f"{name}.beta", channels, around=1)
        self.put(f"{name}.gamma", channels, channels)
        for parameter in ("beta", "gamma"):
            self.state[f"{name}.{parameter}_reparam.pedestal"] = torch.tensor([2.0**-36])
            self.put(f"{name}.{parameter}_reparam.lower_bound.bound", 1)

    def density(self, name: str, channels: int) -> None:
        for index, (inputs, outputs) in enumerate(pairwise((1, 3, 3, 3, 3, 1))):
            self.put(f"{name}.matrices.{index}", channels, outputs, inputs)
            self.put(f"{name}.biases.{index}", channels, outputs, 1)
            if index < 4:
                self.put(f"{name}.factors.{index}", channels, outputs, 1)
        self.put(f"{name}.quantiles", channels, 1, 3)
        self.put(f"{name}.target", 3)
        self.put(f"{name}.likelihood_lower_bound.bound", 1)
        for table in ("_offset", "_quantized_cdf", "_cdf_length"):
            self.state[f"{name}.{table}"] = torch.zeros(0, dtype=torch.int32)

    def conditional(self, name: str) -> None:
        for table in ("_offset", "_quantized_cdf", "_cdf_length", "scale_table", "scale_bound"):
            self.put(f"{name}.{table}", 1)
        self.put(f"{name}.lower_bound_scale.bound", 1)

    def stages(self, n: int, m: int) -> None:
        for index, (inputs, outputs) in enumerate(((3, n), (n, n), (n, n), (n, m))):
            self.conv(f"g_a.{2 * index}", inputs, outputs, 5)
            self.deconv(f"g_s.{6 - 2 * index}", outputs, inputs, 5)
        for index in (1, 3, 5):
            self.gdn(f"g_a.{index}", n)
            self.gdn(f"g_s.{index}", n)

    def block(self, name: str, n: int) -> None:
        self.conv(f"{name}.conv1", n, n, 3)
        self.conv(f"{name}.conv2", n, n, 3)

    def down(self, name: str, inputs: int, n: int) -> None:
        self.conv(f"{name}.conv1", inputs, n, 3)
        self.conv(f"{name}.conv2", n, n, 3)
        self.gdn(f"{name}.gdn", n)
        self.conv(f"{name}.skip", inputs, n, 1)

    def up(self, name: str, n: int) -> None:
        self.conv(f"{name}.subpel_conv.0", n, 4 * n, 3)
        self.conv(f"{name}.conv", n, n, 3)
        self.gdn(f"{name}.igdn", n)
        self.conv(f"{name}.upsample.0", n, 4 * n, 3)

    def attention(self, name: str, n: int) -> None:
        for branch in ("conv_a", "conv_b"):
            for unit in range(3):
                for layer, (inputs, outputs, kernel) in enumerate(
                    ((n, n // 2, 1), (n // 2, n // 2, 3), (n // 2, n, 1))
                ):
                    self.conv(f"{name}.{branch}.{unit}.conv.{2 * layer}", inputs, outputs, kernel)
        self.conv(f"{name}.conv_b.3", n, n, 1)

    def residual(self, n: int, attention: bool) -> None:
        add = self.attention
        analysis: list[Callable[[str], None]] = [
            lambda name: self.down(name, 3, n),
            lambda name: self.block(name, n),
            lambda name: self.down(name, n, n),
            *([lambda name: add(name, n)] if attention else []),
            lambda name: self.block(name, n),
            lambda name: self.down(name, n, n),
            lambda name: self.block(name, n),
            lambda name: self.conv(name, n, n, 3),
            *([lambda name: add(name, n)] if attention else []),
        ]
        synthesis: list[Callable[[str], None]] = [
            *([lambda name: add(name, n)] if attention else []),
            *([lambda name: self.block(name, n), lambda name: self.up(name, n)] * 2),
            *([lambda name: add(name, n)] if attention else []),
            *([lambda name: self.block(name, n), lambda name: self.up(name, n)]),
            lambda name: self.block(name, n),
            lambda name: self.conv(f"{name}.0", n, 12, 3),
        ]
        for side, layers in (("g_a", analysis), ("g_s", synthesis)):
            for index, layer in enumerate(layers):
                layer(f"{side}.{index}")

    def hyper_5x5(self, n: int, m: int, widths: tuple[int, int], features: int) -> None:
        a, b = widths
        self.conv("h_a.0", m, n, 3)
        self.conv("h_a.2", n, n, 5)
        self.conv("h_a.4", n, n, 5)
        self.deconv("h_s.0", n, a, 5)
        self.deconv("h_s.2", a, b, 5)
        self.conv("h_s.4", b, features, 3)

    def hyper_subpixel(self, prefix: str, n: int) -> None:
        for index in range(5):
            self.conv(f"{prefix}h_a.{2 * index}", n, n, 3)
        wide = 3 * n // 2
        self.conv(f"{prefix}h_s.0", n, n, 3)
        self.conv(f"{prefix}h_s.2.0", n, 4 * n, 3)
        self.conv(f"{prefix}h_s.4", n, wide, 3)
        self.conv(f"{prefix}h_s.6.0", wide, 4 * wide, 3)
        self.conv(f"{prefix}h_s.8", wide, 2 * n, 3)

    def context(self, prefix: str, m: int, live: Callable[[int, int], bool]) -> None:
        self.conv(f"{prefix}context_prediction", m, 2 * m, 5)
        mask = torch.tensor([[float(live(i, j)) for j in range(5)] for i in range(5)])
        self.state[f"{prefix}context_prediction.mask"] = mask.expand(2 * m, m, 5, 5).clone()
        widths = (4 * m, 10 * m // 3, 8 * m // 3, 2 * m)
        for index in range(3):
            self.conv(f"{prefix}entropy_parameters.{2 * index}", widths[index], widths[index + 1], 1)


def causal(i: int, j: int) -> bool:
    return 5 * i + j < 12


def factorized(n: int = 8, m: int = 12) -> State:
    names = Names()
    names.stages(n, m)
    names.density("entropy_bottleneck", m)
    return names.state


def scale_hyperprior(n: int = 8, m: int = 12) -> State:
    names = Names()
    names.stages(n, m)
    names.hyper_5x5(n, m, (n, n), m)
    names.density("entropy_bottleneck", n)
    names.conditional("gaussian_conditional")
    return names.state


def mean_scale_hyperprior(n: int = 8, m: int = 12) -> State:
    names = Names()
    names.stages(n, m)
    names.hyper_5x5(n, m, (m, 3 * m // 2), 2 * m)
    names.density("entropy_bottleneck", n)
    names.conditional("gaussian_conditional")
    return names.state


def joint(n: int = 8, m: int = 12) -> State:
    names = Names()
    names.stages(n, m)
    names.hyper_5x5(n, m, (m, 3 * m // 2), 2 * m)
    names.density("entropy_bottleneck", n)
    names.conditional("gaussian_conditional")
    names.context("", m, causal)
    return names.state


def anchor(n: int = 8, attention: bool = False) -> State:
    names = Names()
    names.residual(n, attention)
    names.hyper_subpixel("", n)
    names.density("entropy_bottleneck", n)
    names.conditional("gaussian_conditional")
    names.context("", n, causal)
    return names.state


def attn(n: int = 8) -> State:
    return anchor(n, attention=True)


def checkerboard(n: int = 8) -> State:
    names = Names()
    names.residual(n, False)
    names.hyper_subpixel("latent_codec.hyper.", n)
    names.density("latent_codec.hyper.entropy_bottleneck", n)
    names.context("latent_codec.y.", n, lambda i, j: (i + j) % 2 == 1)
    names.conditional("latent_codec.y.y.gaussian_conditional")
    return names.state


MODELS: dict[str, Callable[[], State]] = {
    "balle2017": factorized,
    "balle2018": scale_hyperprior,
    "minnen2018-mean": mean_scale_hyperprior,
    "minnen2018": joint,
    "cheng2020-anchor": anchor,
    "cheng2020-attn": attn,
    "he2021": checkerboard,
}
"""By the recipe that each is a checkpoint of."""
