"""One model in training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import joints
from ..codec import Codec, CodecOutput, assemble
from ..errors import TrainingError
from ..layers import computes_with_bfloat16
from ..recipe import Recipe
from .average import Average
from .checkpoint import Position, load_checkpoint, save_checkpoint
from .draws import Draw
from .guard import not_finite
from .photographs import Photographs
from .schedule import crops, learning_rate
from .world import World

CHECKPOINT = "checkpoint.pt"
COMPILED = ("analysis", "synthesis")  # methods of the transform
SEED_STRIDE, SEEDS = 1_000_003, 1 << 62
START_BATCH = 50  # crops that are cut at once for a data-driven start


@dataclass(frozen=True)
class Means:
    """Of what a step gives, over some steps and all processes; see `plic.core.training.progress.Progress`."""

    loss: float
    bpp: float
    mse: float
    distortion: float
    gradient_norm: float


class TrainingRun:
    """One model, its optimiser, and where they stand.

    A step depends on the weights, the settings and its number alone: crops, qualities and noise are drawn anew for
    each from the seed and that number. So a resumed run repeats an uninterrupted one, and several processes repeat
    one with the joint batch. No step waits for the device: sums stay there until `means` is called.

    Args:
        recipe: what to train.
        photographs: to cut crops from, on the device of training.
        folder: where the checkpoint goes.
        model: index into the recipe's lambdas, for a recipe of fixed rate; None for a variable-rate one. The recipe
            in the weights then states this one lambda.
        world: the processes that take part; this one alone, on the CPU, by default.
        compiled: compile the transforms with ``torch.compile``.

    Attributes:
        codec: the weights in training.
        average: their moving average, if the recipe asks for one.
        done: number of steps that are done.
        share: of the run that is done, as far as schedules go by it; whoever limits the time may raise it.

    Raises:
        TrainingError: the distortion needs larger crops, or the batch cannot be divided among the processes.
    """

    def __init__(
        self,
        recipe: Recipe,
        photographs: Photographs,
        folder: Path,
        model: int | None = None,
        world: World | None = None,
        compiled: bool = False,
    ) -> None:
        if model is not None:
            one = recipe.training.model_copy(update={"lambdas": [recipe.training.lambdas[model]]})
            recipe = replace(recipe, training=one)
        self.settings = recipe.training
        self.photographs = photographs
        self.folder = folder
        self.world = world or World(torch.device("cpu"))
        torch.manual_seed(self.settings.seed)
        self.codec: Codec = assemble(recipe).to(self.device).train()
        _check(self.codec, self.world.size)
        if self.device.type == "cuda":
            _channels_last(self.codec)
        self.lambdas = torch.tensor(self.settings.lambdas, device=self.device)
        # relative to the geometric mean, so that the loss keeps its size
        self._balance = (self.lambdas / self.lambdas.log().mean().exp()) ** -self.settings.balance
        # the kernel reads a Python float, so a changing learning rate costs no transfer
        self.optimizer = torch.optim.Adam(self.codec.parameters(), lr=self.settings.learning_rate, fused=True)
        decay = self.settings.average
        self.average = Average(self.codec.parameters(), decay) if decay else None
        self.done = 0
        self.share = 0.0
        self._sums = _no_sums(self.device)
        for method in COMPILED if compiled else ():
            setattr(self.codec.transform, method, torch.compile(getattr(self.codec.transform, method)))
        self._autocast = self.settings.precision == "bfloat16" and computes_with_bfloat16(self.device)
        self._model: nn.Module | None = None

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.world.device

    @property
    def checkpoint(self) -> Path:
        """Where the run's state is kept."""
        return self.folder / CHECKPOINT

    def save(self, seconds: float) -> None:
        """Write the checkpoint, with the time that the run took."""
        position = Position(self.done, seconds, self._sums)
        save_checkpoint(self.checkpoint, self.codec, self.optimizer, self.average, position)

    def resume(self) -> float:
        """Go on from the checkpoint in the folder; returns the seconds that the run took.

        Raises:
            TrainingError: there is none, or it is of another recipe.
        """
        position = load_checkpoint(self.checkpoint, self.codec, self.optimizer, self.average)
        self.done, self._sums = position.step, position.sums.to(self.device)
        self.share = self.done / max(1, self.settings.steps)
        return position.seconds

    def start_from_data(self) -> None:
        """Let the transform begin with statistics of the training crops, where the recipe wants that."""
        if self.settings.data_driven_start:
            self.codec.transform.start_from(self._endless_crops())

    def step(self) -> None:
        """One optimiser step, from cutting the crops on. A gradient that is not finite changes no weight."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.settings, self.done, self.share)
        values = self.backward()
        norm = nn.utils.clip_grad_norm_(self.codec.parameters(), self.settings.clip)
        bad = ~torch.isfinite(norm)
        # what gradient scalers set: the fused kernel then leaves weights and moments alone, without asking the host
        self.optimizer.found_inf = bad.float()  # type: ignore[attr-defined]
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.done)
        self._count(values, norm.detach(), bad)
        self.done += 1
        self.share = max(self.share, self.done / max(1, self.settings.steps))

    def backward(self) -> Tensor:
        """The gradients of the step at hand, averaged over the processes, in the parameters' ``grad``.

        Returns:
            Loss, bpp, 255^2 * MSE and distortion: means over this process's part of the batch, float64 ``(4,)``.
        """
        if self._model is None:
            self._model = self.world.spread(self.codec, self.world.size > 1 and self._leaves_some_out())
        self.optimizer.zero_grad(set_to_none=True)
        values = self._forward(self._model, self.done)
        values[0].backward()  # type: ignore[no-untyped-call]
        return values.detach()

    def means(self) -> Means:
        """Since the last call; waits for the device.

        Raises:
            TrainingError: a gradient was not finite; the layer is named.
        """
        sums = self.world.total(self._sums.clone()).tolist()
        bad_step = int(self._sums[-1])
        self._sums = _no_sums(self.device)
        if bad_step >= 0:
            raise not_finite(self.codec, lambda: self._forward(self.codec, bad_step)[0], bad_step)
        return Means(*(value / sums[0] for value in sums[1:-1]))

    def trained(self) -> Codec:
        """A copy of the codec on the CPU, with the averaged weights where there are any, ready to be frozen."""
        methods = vars(self.codec.transform)
        # compiled methods hide the class's own, and cannot be copied
        compiled = {name: methods.pop(name) for name in COMPILED if name in methods}
        codec = copy.deepcopy(self.codec).cpu()
        methods.update(compiled)
        if self.average is not None:
            self.average.give_to(codec.parameters())
        codec.eval()
        return codec

    def _forward(self, model: nn.Module, step: int) -> Tensor:
        """Loss, bpp, 255^2 * MSE and distortion of a step, with gradients."""
        draw = self._draw(step)
        x, quality = draw.cut(self.photographs), draw.qualities(self.device)
        torch.manual_seed((self.settings.seed * SEED_STRIDE + step) % SEEDS)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            output: CodecOutput = model(x, quality, self.world.noise())
        bpp = (output.bits_y + output.bits_z) / x[0, 0].numel()
        distortion = joints.distortion(self.codec.distortion, x, output.x_hat)
        loss = ((bpp + self.lambdas[quality] * distortion) * self._balance[quality]).mean()
        mse = (x - output.x_hat.detach().float()).square().mean() * 255**2
        return torch.stack((loss, bpp.mean(), mse, distortion.mean()))

    def _draw(self, step: int) -> Draw:
        settings, (crop, batch) = self.settings, crops(self.settings, self.share)
        levels = len(self.lambdas)
        draw = Draw.at(settings.seed, step, self.photographs, batch, crop, levels, settings.smallest_scale)
        return draw.part(self.world.rank, self.world.size)

    def _count(self, values: Tensor, norm: Tensor, bad: Tensor) -> None:
        self._sums[0] += 1
        self._sums[1:5] += values
        self._sums[5] += norm
        first = self._sums[6]
        self._sums[6] = torch.where(bad & (first < 0), self.done, first)

    def _leaves_some_out(self) -> bool:
        """Whether a step leaves parameters without a gradient, which several processes must know beforehand."""
        before = [medians.state for medians in self.codec.medians]
        self._forward(self.codec, self.done)[0].backward()  # type: ignore[no-untyped-call]
        for medians, state in zip(self.codec.medians, before, strict=True):
            medians.state = state  # this pass does not count
        return any(parameter.grad is None for parameter in self.codec.parameters())

    def _endless_crops(self) -> Iterator[Tensor]:
        """Crops for a data-driven start, the same in every process."""
        settings = self.settings
        for number in count():
            # numbers that no step has, so that training does not begin with the crops that its start was made from
            draw = Draw.at(settings.seed, -1 - number, self.photographs, START_BATCH, settings.crop, 1, 1.0)
            yield from draw.cut(self.photographs).cpu()


def _channels_last(model: nn.Module) -> None:
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _no_sums(device: torch.device) -> Tensor:
    """Steps, then loss, bpp, 255^2 * MSE, distortion and gradient norm, then the first step that was not finite."""
    sums = torch.zeros(7, dtype=torch.float64, device=device)
    sums[-1] = -1
    return sums


def _check(codec: Codec, size: int) -> None:
    settings, smallest = codec.recipe.training, codec.distortion.smallest_side
    for crop, batch in [(settings.crop, settings.batch), *((one.crop, one.batch) for one in settings.curriculum)]:
        if crop < smallest or crop % codec.stride:
            raise TrainingError(
                f"recipe {codec.recipe.name!r} cannot be trained on such crops",
                got=f"{crop} pixels",
                expected=f"a multiple of {codec.stride}, at least {smallest}",
                hint="change training.crop (and training.curriculum)",
            )
        if (batch or settings.batch) % size:
            raise TrainingError(
                f"a batch of {batch or settings.batch} cannot be divided among {size} processes",
                expected=f"a multiple of {size}",
                hint="change training.batch (and training.curriculum), or --nproc-per-node",
            )
