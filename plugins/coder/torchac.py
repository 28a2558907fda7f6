"""The torchac package as a coder: CDF tables of 16 bits. An optional extra (GPL; compiles C++ when first imported).

    stream = chunk*          chunk = length (LEB128), bytes of one torchac call

torchac codes whole tensors and has no incremental decoder, so each step, cut where its table would be large, is a chunk
of its own. It costs about three bytes a chunk: prefer schedules of few steps.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedStream, PlicError, PluginError
from ...core.probability.distribution import IntegerDistribution
from ...core.slots.coder import Coder, Decoder, Encoder

if TYPE_CHECKING:
    from torch import Tensor

ROWS_BUDGET = 1 << 24  # table entries of one chunk: part of the format
MAX_SYMBOLS = (1 << 15) - 1  # torchac's symbols are int16
MAX_LENGTH_BYTES = 5


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Nothing reaches the process's stdout and stderr, not even from compilers that it starts."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (*kept, nowhere):
            os.close(descriptor)


@cache
def load_torchac() -> Any:
    """The torchac module, compiled on first use (about half a minute, kept on disk).

    Raises:
        PluginError: it is not installed, or cannot be compiled.
    """
    hint = "pip install 'plic[torchac]' ninja, and have a C++ compiler; or use the built-in coder 'range'"
    try:
        with silenced():
            return importlib.import_module("torchac")
    except ModuleNotFoundError as error:
        raise PluginError("the coder 'torchac' needs a package", got=f"no module {error.name!r}", hint=hint) from error
    except Exception as error:  # torch.utils.cpp_extension raises RuntimeError, OSError, CalledProcessError, ...
        first = str(error).strip().splitlines() or [""]
        got = f"{type(error).__name__}: {first[0]}"
        raise PluginError("torchac cannot compile its C++ part", got=got, hint=hint) from error


def short_cdf(distribution: IntegerDistribution, precision: int) -> tuple[Tensor, NDArray[np.int32]]:
    """The CDF rows of a chunk as torchac wants them, all of one length, and each row's first symbol.

    Shorter rows are filled up with symbols of frequency 1 that never occur.
    """
    import torch

    table = distribution.table(precision)
    cdf = table.cdf
    width = cdf.shape[1] - 1
    if width > MAX_SYMBOLS:
        raise PlicError("the window is too wide for torchac", got=width, expected=f"at most {MAX_SYMBOLS} symbols")
    if np.any(table.length != width):
        cdf = ((cdf * ((1 << precision) - width)) >> precision) + np.arange(width + 1)
    return torch.from_numpy(cdf.astype(np.uint16).view(np.int16)), table.offset


class TorchacEncoder(Encoder):
    """See :class:`TorchacCoder`."""

    def __init__(self, precision: int) -> None:
        self._torchac = load_torchac()
        self._precision = precision
        self._parts: list[bytes] = []

    def encode(self, distribution: IntegerDistribution, symbols: NDArray[np.int32]) -> None:
        symbols = distribution.checked(symbols)
        for part, chunk in distribution.chunks(ROWS_BUDGET):
            cdf, offset = short_cdf(chunk, self._precision)
            data = encode_chunk(self._torchac, cdf, symbols[part].astype(np.int64) - offset)
            self._parts += [to_leb128(len(data)), data]

    def finish(self) -> bytes:
        return b"".join(self._parts)


class TorchacDecoder(Decoder):
    """See :class:`TorchacCoder`."""

    def __init__(self, data: bytes, precision: int) -> None:
        self._torchac = load_torchac()
        self._precision = precision
        self._data = data
        self._position = 0

    def decode(self, distribution: IntegerDistribution) -> NDArray[np.int32]:
        symbols = np.empty(len(distribution), dtype=np.int32)
        for part, chunk in distribution.chunks(ROWS_BUDGET):
            data = self._next_chunk()
            cdf, offset = short_cdf(chunk, self._precision)
            indices = self._torchac.decode_int16_normalized_cdf(cdf, data).numpy().astype(np.int64)
            _, high = chunk.edges()
            symbols[part] = indices + offset
            if np.any(indices + offset > high) or encode_chunk(self._torchac, cdf, indices) != data:
                raise DamagedStream("a chunk of coded data is not what its symbols are coded as")
        return symbols

    def finish(self) -> None:
        if self._position != len(self._data):
            raise DamagedStream("the coded data has the wrong length", got=len(self._data), expected=self._position)

    def _next_chunk(self) -> bytes:
        length, start = from_leb128(self._data, self._position)
        if length > len(self._data) - start:
            raise DamagedStream("coded data is missing", got=len(self._data) - start, expected=length)
        self._position = start + length
        return self._data[start : self._position]


def encode_chunk(torchac: Any, cdf: Tensor, indices: NDArray[np.int64]) -> bytes:
    """One call of torchac's encoder; ``indices`` count from 0."""
    import torch

    data: bytes = torchac.encode_int16_normalized_cdf(cdf, torch.from_numpy(indices.astype(np.int16)))
    return data


def to_leb128(value: int) -> bytes:
    """An unsigned number, seven bits a byte, lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def from_leb128(data: bytes, position: int) -> tuple[int, int]:
    """The number at ``position`` and the position after it.

    Raises:
        DamagedStream: it is cut off, too long, or not written in the fewest bytes.
    """
    value = 0
    for count, byte in enumerate(data[position : position + MAX_LENGTH_BYTES]):
        value |= (byte & 127) << (7 * count)
        if byte < 128:
            if count and not byte:
                break
            return value, position + count + 1
    raise DamagedStream("the length of a chunk of coded data is damaged", got=f"position {position} of {len(data)}")


class TorchacCoder(Coder):
    """Codes with torchac, in tables of 16 bits. A decoder checks each chunk by coding its symbols again.

    Raises (when used):
        PluginError: torchac is not installed, or there is no ninja or compiler for it.
    """

    precision = 16

    def encoder(self) -> Encoder:
        return TorchacEncoder(self.precision)

    def decoder(self, data: bytes) -> Decoder:
        return TorchacDecoder(data, self.precision)
