"""How many steps of coding a picture wait for one another."""

from __future__ import annotations

from dataclasses import dataclass

from ..coding import encoding_steps
from ..frozen import FrozenCodec
from ..image import padded_size
from ..slots import LatentShape


@dataclass(frozen=True)
class SequentialSteps:
    """Computations of probabilities that follow one after the other, for one picture.

    The side latent, where there is one, is one step. For the latent itself the decoder takes every step of the
    schedule, since each needs values that those before it have decoded. The encoder has all values beforehand and
    computes the parameters of all steps at once, which counts as one, unless values depend on parameters (mean-centred
    grid, contexts that refine values) or there are so few steps that it walks them as the decoder does.

    A search for better latents is not counted.

    Attributes:
        encode: of the encoder.
        decode: of the decoder.
    """

    encode: int
    decode: int

    @classmethod
    def of(cls, codec: FrozenCodec, width: int, height: int) -> SequentialSteps:
        """For a picture of a size in pixels."""
        transform, model = codec.networks.transform, codec.entropy_model.y
        rows, columns = (side // transform.stride for side in padded_size(height, width, transform.stride))
        shape = LatentShape(transform.latent_channels, rows, columns)
        side = 0 if codec.entropy_model.z is None else 1
        return cls(encode=side + encoding_steps(model, shape), decode=side + len(model.steps(shape)))
