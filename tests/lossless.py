"""Whether a codec decodes to exactly the latents that it encoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from small import photograph
from torch import Tensor

from plic.core.coding import CodedLatent
from plic.core.entropy import CodedLatents, EntropyModel
from plic.core.errors import PluginError
from plic.core.frozen import Encoded, FrozenCodec
from plic.core.registry import default_registry


class Latents:
    """Keeps the quantised latents that pass through the codec: ``z`` and ``y`` of each call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept: list[CodedLatent] = []
        self.largest = 0.0
        for name in ("encode", "decode"):
            monkeypatch.setattr(EntropyModel, name, self._recording(getattr(EntropyModel, name)))

    def _recording(self, function: Any) -> Any:
        def wrapped(*arguments: Any) -> CodedLatents:
            coded: CodedLatents = function(*arguments)
            self.kept += [one for one in (coded.z, coded.y) if one is not None]
            return coded

        return wrapped

    def take(self) -> tuple[Tensor, ...]:
        """The latents since the last call, one per picture and latent, ``(C, h, w)``."""
        taken = tuple(values for coded in self.kept for values in coded.values)
        self.kept.clear()
        self.largest = max(float(values.abs().max()) for values in taken)
        return taken


def equal(a: Sequence[Tensor], b: Sequence[Tensor]) -> bool:
    return len(a) == len(b) > 0 and all(torch.equal(left, right) for left, right in zip(a, b, strict=True))


def needed(coder: str) -> str:
    """The id of a coder, if what it needs is installed."""
    try:
        default_registry().part("coder", coder)().encoder()
    except PluginError as error:
        pytest.skip(error.problem)
    return coder


def assert_lossless(codec: FrozenCodec, latents: Latents, **options: Any) -> Encoded:
    """Codes an odd-sized picture; the symbols must not be all alike, or nothing would be shown."""
    picture = photograph(75, 50)
    coded = codec.encode_batch([picture], **options)[0]
    encoded = latents.take()
    assert torch.equal(codec.decode_latents(coded.data)[0], encoded[-1])
    assert equal(latents.take(), encoded)
    assert len(set(encoded[-1].flatten().tolist())) > 2
    return coded
