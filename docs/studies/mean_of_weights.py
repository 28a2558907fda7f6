"""A weighted mean of the weights of two stages of one training.

::

    python docs/studies/mean_of_weights.py later.safetensors earlier.safetensors mean.safetensors --share 0.7

Stages that ended with a learning rate near zero lie in one valley, and between them there may be a point that is better
than both. The density of the side latent is the first one's.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from plic import PlicError
from plic.core.codec import Codec, assemble
from plic.core.recipe import load_recipe
from plic.core.slots import Head
from plic.core.training.warm_start import load_start


@click.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--share", type=click.FloatRange(0, 1), required=True, help="Of FIRST in the mean.")
@click.option("--recipe", default="house", show_default=True, help="Of all three.")
def main(first: Path, second: Path, target: Path, share: float, recipe: str) -> None:
    """Write TARGET, weights between FIRST and SECOND."""
    torch.manual_seed(0)  # densities are fitted from a random start
    try:
        codec, other = (assemble(load_recipe(recipe)) for _ in range(2))
        load_start(codec, first)
        load_start(other, second)
        move_towards(codec, other, 1 - share)
        codec.eval().freeze().save(target)
    except PlicError as error:
        raise click.ClickException(str(error)) from error


@torch.no_grad()
def move_towards(codec: Codec, other: Codec, share: float) -> None:
    """Move all parameters but those of heads a share of the way to another codec's."""
    parameters = dict(other.named_parameters())
    own = {f"{name}." for name, module in codec.named_modules() if isinstance(module, Head)}
    for name, parameter in codec.named_parameters():
        if not name.startswith(tuple(own)):
            parameter.lerp_(parameters[name], share)


if __name__ == "__main__":
    main()
