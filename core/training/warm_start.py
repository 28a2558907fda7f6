"""Begin training from frozen weights: fine-tune what somebody has trained."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..codec import Codec
from ..errors import TrainingError
from ..exact import scaled_back
from ..frozen import FrozenCodec
from ..slots import Head

INTEGERS, EXPONENT = ".integers", ".exponent"


def load_start(codec: Codec, path: Path, fresh: Sequence[str] = ()) -> list[str]:
    """Put the weights of a file into a codec in training, where names and shapes agree.

    Exact layers give their integers times their power of two. Densities that own their parameters (those of ``z``, for
    instance) are stored as tables and are fitted to them; gains are taken over by the lambdas they were trained for.

    Args:
        codec: in training; it may differ from the file's recipe in some parts.
        path: a weights file.
        fresh: slots whose parts keep their own start, whatever the file holds for them.

    Returns:
        Names of the parameters that have no counterpart in the file.

    Raises:
        WeightsError: the file is missing or damaged.
        TrainingError: nothing in it fits.
    """
    from ..api import load_file

    frozen = load_file(path)
    found = {
        name: tensor for name, tensor in _trainable(frozen.networks.stored()) if name.partition(".")[0] not in fresh
    }
    parameters = dict(codec.named_parameters())
    fitting = {name for name, one in parameters.items() if name in found and found[name].shape == one.shape}
    if not fitting:
        raise TrainingError(
            f"no weight in {path} fits recipe {codec.recipe.name!r}",
            got=f"{len(found)} tensors of other names or shapes",
            hint="start from weights of the same recipe or of one that differs in a few parts",
        )
    with torch.no_grad():
        for name in fitting:
            parameters[name].copy_(found[name])
    for name, module, trained in _heads(codec, frozen):
        if name.partition(".")[0] not in fresh:
            module.start_from(trained)
    if "rate" in fresh:
        return sorted(parameters.keys() - fitting)
    places = _places(codec.recipe.training.lambdas, frozen.recipe.training.lambdas)
    codec.rate.start_from(frozen.networks.rate, torch.tensor(places, dtype=torch.float32))
    return sorted(parameters.keys() - fitting)


def _heads(codec: Codec, frozen: FrozenCodec) -> Iterator[tuple[str, Head, nn.Module]]:
    """Names of heads in training, these heads, and their frozen counterparts."""
    names = {name.replace("head_module", "head", 1): one for name, one in frozen.networks.named_modules()}
    for name, module in codec.named_modules():
        if isinstance(module, Head) and name in names:
            yield name, module, names[name]


def _places(lambdas: Sequence[float], trained: Sequence[float]) -> list[float]:
    """Where lambdas lie among others, on a logarithmic scale: 0 is the first, and lines go on beyond the ends."""
    known = [math.log(one) for one in trained]
    if len(known) == 1:
        return [0.0] * len(lambdas)
    places = []
    for value in map(math.log, lambdas):
        low = min(max(bisect_right(known, value) - 1, 0), len(known) - 2)
        places.append(low + (value - known[low]) / (known[low + 1] - known[low]))
    return places


def _trainable(stored: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Stored tensors under the names that they have in training."""
    for name, tensor in stored.items():
        name = name.replace("head_module.", "head.", 1)
        if name.endswith(INTEGERS):
            exponent = stored[name.removesuffix(INTEGERS) + EXPONENT]
            yield name.removesuffix(INTEGERS) + ".weight", scaled_back(tensor, exponent).float()
        elif tensor.is_floating_point():
            yield name, tensor.float()
