"""Checkpoints of CompressAI's image models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...core.errors import IncompatibleParts, WeightsError
from ...core.importing import Checkpoint, Conversion, Importer
from ...core.layers import causal_mask, checkerboard_mask
from ...core.recipe import PartChoice, Recipe

Rules = tuple[tuple[str, str], ...]
"""Regular expressions for whole names, and what takes their place."""

OLDER: Rules = (
    (r"(.*)\.downsample\.(.*)", r"\1.skip.\2"),
    (r"(.*)entropy_bottleneck\._(matrices|biases|factors)\.(\d)", r"\1entropy_bottleneck.\2.\3"),
    (r"(.*)entropy_bottleneck\._matrix(\d)", r"\1entropy_bottleneck.matrices.\2"),
    (r"(.*)entropy_bottleneck\._bias(\d)", r"\1entropy_bottleneck.biases.\2"),
    (r"(.*)entropy_bottleneck\._factor(\d)", r"\1entropy_bottleneck.factors.\2"),
)
"""From the names of releases before 1.2.5, which are those of the zoo's files, to today's."""

IN_CODECS: Rules = (
    (r"latent_codec\.hyper\.(.*)", r"\1"),
    (r"latent_codec\.y\.y\.(.*)", r"\1"),
    (r"latent_codec\.y\.(.*)", r"\1"),
)
"""From models that are made of latent codecs to those that are not."""

DROPPED = re.compile(
    r"entropy_bottleneck\.(quantiles|target|_.*|.*lower_bound.*)"  # tables and tails, which freezing makes anew
    r"|gaussian_conditional\..*"
    r"|.*_reparam\..*"  # constants of GDN
    r"|context_prediction\.mask"
)

DENSITY: Rules = ((r"entropy_bottleneck\.((?:matrices|biases|factors)\.\d)", r"{density}.\1"),)
HYPER: Rules = (
    (r"h_a\.(.*)", r"side_information.hyper_analysis.\1"),
    (r"h_s\.(.*)", r"side_information.hyper_synthesis.\1"),
)
MASKED: Rules = (
    (r"context_prediction\.(weight|bias)", r"context.masked.\1"),
    (r"entropy_parameters\.(.*)", r"context.fusion.\1"),
)
ENDS: Rules = (
    (r"g_a\.(.*)", r"transform.analysis_layers.\1"),
    (r"g_s\.(.*)", r"transform.synthesis_layers.\1"),
)
RESIDUAL: Rules = (
    (r"(g_[as]\.\d+)\.conv1\.(.*)", r"\1.main.0.\2"),
    (r"(g_[as]\.\d+)\.conv2\.(.*)", r"\1.main.2.\2"),
    (r"(g_a\.\d+)\.gdn\.(.*)", r"\1.main.3.\2"),
    (r"(g_s\.\d+)\.subpel_conv\.0\.(.*)", r"\1.main.0.\2"),
    (r"(g_s\.\d+)\.conv\.(.*)", r"\1.main.3.\2"),
    (r"(g_s\.\d+)\.igdn\.(.*)", r"\1.main.4.\2"),
    (r"(g_s\.\d+)\.upsample\.(.*)", r"\1.skip.\2"),
    (r"(g_[as]\.\d+)\.conv_a\.(\d)\.conv\.(.*)", r"\1.trunk.\2.layers.\3"),
    (r"(g_[as]\.\d+)\.conv_b\.(\d)\.conv\.(.*)", r"\1.mask.\2.layers.\3"),
    (r"(g_[as]\.\d+)\.conv_b\.(3\.(?:weight|bias))", r"\1.mask.\2"),
    (r"(g_s\.\d+)\.0\.(weight|bias)", r"\1.\2"),
)
"""Inside residual blocks and attention modules; `ENDS` follow."""

PLACES: Mapping[tuple[str, str | None], tuple[Rules, ...]] = {
    ("transform", "gdn"): (ENDS,),
    ("transform", "residual"): (RESIDUAL, ENDS),
    ("side_information", "hyperprior"): (HYPER,),
    ("side_information", None): (),
    ("context", "side-only"): (),
    ("context", "masked-conv"): (MASKED,),
    ("context", "checkerboard-conv"): (MASKED,),
}
"""Where the tensors of each part that CompressAI has as well are found; rules of one tuple exclude one another."""

MASKS = {"masked-conv": causal_mask, "checkerboard-conv": checkerboard_mask}
UPWARDS = {"5x5": (0, 2), "3x3": (2, 6), "3x3-subpixel": ()}
"""Transposed convolutions of the hyper-synthesis, whose weights have their outputs second."""
HYPER_LAYERS = {"5x5": 3, "3x3": 5, "3x3-subpixel": 5}
SUB_PIXELS = 4  # features that a sub-pixel convolution makes one of


class CompressAi(Importer):
    """State dicts of CompressAI, of any release, as trained or as its zoo serves them.

    Names are brought to those of today's plain models first, then to plic's. What only serves coding there (tables,
    quantiles, scale tables) is left out: freezing makes it anew from the densities.
    """

    id = "compressai"
    reads = "state dicts of CompressAI's image models: factorized and hyperprior models, mbt2018, cheng2020"

    def settings(self, checkpoint: Checkpoint, recipe: Recipe) -> dict[str, Any]:
        _rules(recipe)
        names = {_plain(name): tensor for name, tensor in checkpoint.items()}
        found = {**_widths_of_transform(names, recipe), **_widths_of_density(names, recipe)}
        if recipe.side_information is not None:
            found |= _widths_of_hyperprior(names, recipe.side_information)
        if recipe.context.id in MASKS:
            found |= _widths_of_context(names, recipe.context)
        return {key: value for key, value in found.items() if value}

    def convert(self, checkpoint: Checkpoint, recipe: Recipe) -> Conversion:
        rules = _rules(recipe)
        tensors: dict[str, Tensor] = {}
        origins: dict[str, str] = {}
        dropped = []
        for name, tensor in checkpoint.items():
            plain = _plain(name)
            if DROPPED.fullmatch(plain):
                dropped.append(name)
            elif (place := _renamed(plain, *rules)) != plain and place not in tensors:
                tensors[place], origins[place] = tensor, name
        if recipe.context.id in MASKS:
            _check_mask(checkpoint, recipe)
            _adapt_context(tensors, origins, recipe)
        return Conversion(tensors, origins, tuple(dropped))


def _plain(name: str) -> str:
    """Today's name in a model that is not made of latent codecs."""
    return _renamed(name, IN_CODECS, OLDER)


def _renamed(name: str, *passes: Rules) -> str:
    """The name after the first rule of each pass that applies."""
    for rules in passes:
        for pattern, replacement in rules:
            if match := re.fullmatch(pattern, name):
                name = match.expand(replacement)
                break
    return name


def _rules(recipe: Recipe) -> tuple[Rules, ...]:
    """From plain names to those of the recipe's codec.

    Raises:
        IncompatibleParts: the recipe has a part that CompressAI does not have.
    """
    density = "head" if recipe.side_information is None else "side_information.head"
    passes: tuple[Rules, ...] = (tuple((old, new.format(density=density)) for old, new in DENSITY),)
    for slot in ("transform", "side_information", "context"):
        choice = getattr(recipe, slot)
        part = None if choice is None else choice.id
        if (slot, part) not in PLACES:
            raise IncompatibleParts(
                f"recipe {recipe.name!r}: CompressAI has nothing that would fill {slot} {part!r}",
                expected=f"{slot} {' or '.join(str(other) for place, other in PLACES if place == slot)}",
                hint="give the recipe that the checkpoint was trained as",
            )
        passes += PLACES[slot, part]
    return passes


def _size(names: Checkpoint, name: str, axis: int = 0) -> int | None:
    tensor = names.get(name)
    return tensor.shape[axis] if tensor is not None and tensor.dim() > axis else None


def _layers(names: Checkpoint, stem: str) -> dict[int, Tensor]:
    """Weights of the layers of a chain by their indices, first to last."""
    found = {}
    for name, tensor in names.items():
        if (match := re.fullmatch(rf"{stem}\.(\d+)(?:\.0)?\.weight", name)) and tensor.dim() == 4:
            found[int(match[1])] = tensor
    return dict(sorted(found.items()))


def _widths_of_transform(names: Checkpoint, recipe: Recipe) -> dict[str, Any]:
    if recipe.transform.id == "residual":
        return {"transform.channels": _size(names, "g_a.0.conv1.weight")}
    return {
        "transform.channels": _size(names, "g_a.0.weight"),
        "transform.latent_channels": _size(names, "g_a.6.weight"),
    }


def _widths_of_density(names: Checkpoint, recipe: Recipe) -> dict[str, Any]:
    biases = [name for name in names if re.fullmatch(r"entropy_bottleneck\.biases\.\d", name)]
    widths = [_size(names, name, 1) for name in sorted(biases)]
    return {f"{'head' if recipe.side_information is None else 'side_information'}.filters": widths[:-1]}


def _widths_of_hyperprior(names: Checkpoint, choice: PartChoice) -> dict[str, Any]:
    kernels = choice.settings["kernels"]
    layers = _layers(names, "h_s")
    widths = [weight.shape[1 if index in UPWARDS[kernels] else 0] for index, weight in layers.items()]
    for place, index in enumerate(layers):
        if f"h_s.{index}.0.weight" in names:
            widths[place] //= SUB_PIXELS
    channels, latent = _size(names, "h_a.0.weight"), _size(names, "h_a.0.weight", 1)
    found: dict[str, Any] = {"side_information.channels": channels}
    if len(widths) == HYPER_LAYERS[kernels] and channels and latent:
        n, wide = channels, channels * 3 // 2
        usual = [n, n] if kernels == "5x5" else [n, n, wide, wide]
        found["side_information.widths"] = _unless_usual(widths[:-1], usual, choice, "widths")
        found["side_information.features"] = _unless_usual(widths[-1], 2 * latent, choice, "features")
    return found


def _widths_of_context(names: Checkpoint, choice: PartChoice) -> dict[str, Any]:
    masked = "context_prediction.weight"
    latent = _size(names, masked, 1)
    fusion = [weight.shape[0] for weight in _layers(names, "entropy_parameters").values()]
    return {
        "context.kernel": _size(names, masked, 3),
        "context.features": _unless_usual(_size(names, masked), latent and 2 * latent, choice, "features"),
        "context.fusion": fusion[:-1],
    }


def _unless_usual(value: Any, usual: Any, choice: PartChoice, key: str) -> Any:
    """None where the recipe leaves a setting to the part, and the part would take this very value."""
    return None if value == usual and choice.settings[key] is None else value


def _check_mask(checkpoint: Checkpoint, recipe: Recipe) -> None:
    """Refuse a checkpoint whose context looks elsewhere than the recipe's: shapes alone would not tell."""
    for name, mask in checkpoint.items():
        if _plain(name) != "context_prediction.mask" or mask.dim() != 4:
            continue
        fitting = [part for part, live in MASKS.items() if torch.equal(mask[0, 0] != 0, live(mask.shape[-1]))]
        if recipe.context.id not in fitting:
            raise WeightsError(
                f"recipe {recipe.name!r}: the checkpoint's context does not look where {recipe.context.id!r} looks",
                got=f"{name} with live taps as of {' or '.join(fitting) or 'no context here'}",
                expected=recipe.context.id,
                hint="give the recipe that the checkpoint was trained as",
            )


def _adapt_context(tensors: dict[str, Tensor], origins: Mapping[str, str], recipe: Recipe) -> None:
    """Silence dead taps; bring side features before context features, as fusion layers take them here."""
    masked, first = "context.masked.weight", "context.fusion.0.weight"
    if masked in tensors and tensors[masked].dim() == 4:
        tensors[masked] = tensors[masked] * MASKS[recipe.context.id](tensors[masked].shape[-1])
        features = len(tensors[masked])
        # the checkerboard codec, unlike the models before it, hands over context features first
        if recipe.context.id == "checkerboard-conv" and origins.get(first, "").startswith("latent_codec."):
            tensors[first] = tensors[first].roll(-features, 1)
