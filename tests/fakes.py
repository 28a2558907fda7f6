"""Small parts, recipes and plugin distributions for tests of the host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from plic.core import slots
from plic.core.catalogue import Catalogue
from plic.core.plugins import Plugin
from plic.core.registry import PartSpec, Registry
from plic.core.slots.coder import Coder


class FakeTransform(slots.Transform):
    """Pools the image by 16."""

    stride = 16

    def __init__(
        self,
        *,
        channels: Annotated[int, Field(gt=0)] = 8,
        mode: Literal["mean", "max"] = "mean",
        widths: tuple[int, ...] = (4, 8),
        slope: float = 0.2,
        label: str | None = None,
        schema: bool = False,
    ) -> None:
        super().__init__()
        if label == "explode":
            raise ValueError("label may not explode")
        self.latent_channels = channels
        self.settings = (mode, widths, slope, label, schema)
        self.layer = nn.Conv2d(3, channels, 16, 16)
        self.back = nn.ConvTranspose2d(channels, 3, 16, 16)

    def analysis(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y

    def synthesis(self, y_hat: Tensor) -> Tensor:
        x: Tensor = self.back(y_hat)
        return x


class FakeRate(slots.Rate):
    """Scales by the quality level."""

    def __init__(self, channels: int, *, levels: int = 1) -> None:
        super().__init__()
        self.levels = levels

    def scale(self, y: Tensor, quality: Tensor) -> Tensor:
        return y

    def unscale(self, y_hat: Tensor, quality: Tensor) -> Tensor:
        return y_hat


class FakeHead(slots.Head):
    """One mean, one scale."""

    layout: tuple[str, ...] = ("mean", "scale")
    mean_index = 0

    def __init__(self, channels: int) -> None:
        super().__init__()

    def likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        return torch.ones_like(values)

    def freeze(self) -> slots.Distributions:
        raise NotImplementedError


class FakeMixture(FakeHead):
    """Several means."""

    mean_index = None  # type: ignore[assignment]

    def __init__(self, channels: int, *, components: int = 3) -> None:
        super().__init__(channels)
        self.layout = tuple(f"mean{k}" for k in range(components))


class FakeSchedule(slots.Schedule):
    """Everything at once."""

    order = "once"

    def steps(self, shape: slots.LatentShape, reach: int | None) -> Sequence[slots.Step]:
        import numpy as np

        return [slots.Step(shape, np.arange(shape.sites), (0, shape.channels), conditional=self.order == "once")]


class FakeBlind(FakeSchedule):
    """Everything at once, without conditions."""

    order = "blind"


class FakeSnail(FakeSchedule):
    """An order that no context knows."""

    order = "snail"


class FakeContext(slots.Context):
    """A 1x1 convolution of the side features or of nothing."""

    orders = frozenset({"once", "blind"})

    def __init__(self, wiring: slots.ContextWiring, *, width: int = 4) -> None:
        super().__init__()
        self.wiring = wiring
        self.layer = nn.Conv2d(max(1, wiring.side_features), wiring.parameters_per_element * wiring.channels, 1)

    def parameters_all(self, values: Tensor, side: Tensor | None) -> Tensor:
        source = values[:, :1] if side is None else side
        out: Tensor = self.layer(source).unflatten(1, (self.wiring.parameters_per_element, -1))
        return out

    def start(self, values: Tensor, side: Tensor | None) -> slots.ContextState:
        return slots.ContextState(side, values)

    def parameters_at(self, state: slots.ContextState, step: slots.Step) -> Tensor:
        raise NotImplementedError


class FakeQuantizer(slots.Quantizer):
    """Integers."""

    grid = slots.Grid.INTEGER


class FakeMeanGrid(slots.Quantizer):
    """Around the mean."""

    grid = slots.Grid.MEAN


class FakeMedianGrid(slots.Quantizer):
    """Around the median."""

    grid = slots.Grid.MEDIAN


class FakeCoder(Coder):
    """Codes nothing."""

    precision = 16

    def encoder(self) -> Any:
        raise NotImplementedError

    def decoder(self, data: bytes) -> Any:
        raise NotImplementedError


class FakeDistortion(slots.Distortion):
    """Mean squared error."""

    def __call__(self, x: Tensor, x_hat: Tensor) -> Tensor:
        return (x - x_hat).square().mean((1, 2, 3))


PARTS = (
    PartSpec("transform", "pool", FakeTransform),
    PartSpec("rate", "fixed", FakeRate),
    PartSpec("head", "normal", FakeHead),
    PartSpec("head", "mixture", FakeMixture),
    PartSpec("schedule", "once", FakeSchedule),
    PartSpec("schedule", "blind", FakeBlind),
    PartSpec("schedule", "snail", FakeSnail),
    PartSpec("context", "pointwise", FakeContext),
    PartSpec("quantizer", "integer", FakeQuantizer),
    PartSpec("quantizer", "mean-centred", FakeMeanGrid),
    PartSpec("quantizer", "median", FakeMedianGrid),
    PartSpec("coder", "none", FakeCoder),
    PartSpec("distortion", "mse", FakeDistortion),
)

BASE = """\
plic: 1
name: base
title: a base
transform: {use: pool, channels: 8}
context: {use: pointwise}
schedule: {use: once}
head: {use: normal}
quantizer: {use: integer}
coder: {use: none}
training: {lambdas: [0.01]}
"""


def fake_registry(*plugins: Plugin, catalogue: Catalogue | None = None) -> Registry:
    """A registry with the fake parts, provided by the distribution ``fakes`` 1.0, and ``plugins``."""
    return Registry([Plugin("fakes", "fakes", "1.0", "fakes", parts=PARTS), *plugins], catalogue)


def write_distribution(folder: Path, name: str, code: str, version: str = "1.0", entry: str = "") -> Path:
    """A distribution with one module and an entry point in the group ``plic``, as pip would install it.

    Args:
        folder: a folder on ``sys.path``.
        name: of the distribution; the module is called the same, with underscores.
        code: of the module.
        version: of the distribution.
        entry: name of the entry point; that of the distribution by default.
    """
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[plic]\n{entry or name} = {module}\n", encoding="utf-8")
    return folder


GOOD_PLUGIN = '''
from plic.core.hookspecs import hookimpl
from plic.core.registry import PartSpec
from plic.core.slots import Distortion

PLIC_API = 1


class Zero(Distortion):
    """Nothing is ever wrong."""

    def __call__(self, x, x_hat):
        return x.new_zeros(len(x))


@hookimpl
def plic_register_parts():
    return [PartSpec("distortion", "zero", Zero)]
'''
