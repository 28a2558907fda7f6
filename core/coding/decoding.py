"""From payloads to latents."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .. import joints
from ..errors import DamagedStream
from ..probability import IntegerDistribution, best_support, restore
from ..slots import LatentShape, put
from ..slots.coder import Coder, Decoder
from ..stages import StageTimes
from .model import CodedLatent, LatentModel, Symbols, windowed_elements
from .payload import Payload

EXTREMES = np.array([-(2**31), 2**31 - 1], dtype=np.int32)


def decode_latent(
    payloads: list[bytes],
    shape: LatentShape,
    side: torch.Tensor | None,
    model: LatentModel,
    coder: Coder,
    times: StageTimes,
    section: str,
) -> CodedLatent:
    """Decode a batch of latents of one shape.

    Raises:
        DamagedStream: a payload is not what an encoder of this model writes.
    """
    batch, steps = len(payloads), model.steps(shape)
    with times.measure("coder"):
        readers = [_Reader(payload, coder, section) for payload in payloads]
    planes = torch.zeros(batch, *shape.dimensions, dtype=torch.int32)
    with times.measure("probability"):
        state = joints.start(model.context, torch.zeros(batch, *shape.dimensions, dtype=torch.float64), side)
    for step in steps:
        with times.measure("probability"):
            parameters = model.parameters(state, step)
        with times.measure("coder"):
            decoded = np.stack(
                [
                    reader.decode(model.distribution(parameters[image], step, reader.support))
                    for image, reader in enumerate(readers)
                ]
            )
        with times.measure("probability"):
            step_symbols = torch.from_numpy(decoded)
            put(planes, step, step_symbols)
            model.context.observe(state, step, step_symbols.double() + model.centre(parameters, step))
    symbols = planes.flatten(1).numpy()
    with times.measure("coder"):
        windowed = windowed_elements(model, steps)
        for image, reader in enumerate(readers):
            reader.finish(symbols[image, windowed])
    bits = np.full(batch, np.nan)
    return CodedLatent(payloads, state.values.clone(), symbols, bits)


class _Reader:
    """One image's payload while it is decoded."""

    def __init__(self, payload: bytes, coder: Coder, section: str) -> None:
        self.section = section
        parsed = Payload.unpack(payload, section)
        self.support = parsed.support
        self.coder = coder
        widest = best_support(EXTREMES, coder.precision)
        if len(self.support) > len(widest):
            raise self._not_written("a window of symbols", len(self.support), f"at most {len(widest)} symbols")
        self.excesses = parsed.excesses
        self.used = 0
        self.decoder: Decoder = coder.decoder(parsed.data)

    def decode(self, distribution: IntegerDistribution) -> Symbols:
        return restore(joints.symbols(self.coder, self.decoder, distribution), distribution, self._read)

    def _read(self, count: int) -> npt.NDArray[np.uint32]:
        self.used += count
        return self.excesses[self.used - count : self.used]

    def finish(self, windowed: Symbols) -> None:
        """Check that an encoder of these symbols writes this payload; ``windowed`` are those of conditional steps."""
        self.decoder.finish()
        if self.used != len(self.excesses):
            raise self._not_written("escapes", len(self.excesses), self.used)
        if self.support != (support := best_support(windowed, self.coder.precision)):
            raise self._not_written("a window of symbols", self.support, support)

    def _not_written(self, what: str, got: object, expected: object) -> DamagedStream:
        return DamagedStream(
            f"section {self.section} declares {what} that no encoder writes",
            got=got,
            expected=expected,
            hint="fetch the file again",
        )
