"""The constriction package's range coder: CDF tables of 24 bits. An optional extra.

Its Python interface takes floating-point probabilities, which are exact here. For L symbols of probabilities p it uses

    start_s = floor(scale * (p_0 + ... + p_(s-1))) + s,    scale = (2^24 - L) / sum(p)

so ``p_s = frequency_s - 1`` makes the sum ``2^24 - L``, the scale 1.0, and every partial sum an integer below 2^24:
each operation is exact in any order and any IEEE-754 arithmetic, and the intervals are the table's own. A test checks
it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DamagedStream, PluginError
from ...core.probability.distribution import IntegerDistribution
from ...core.slots.coder import Coder, Decoder, Encoder

PRECISION = 24  # fixed by constriction's Python interface
WORD = 4
ROWS_BUDGET = 1 << 22  # table entries made at once: part of the format


@cache
def load_constriction() -> Any:
    """The ``constriction.stream`` module.

    Raises:
        PluginError: it is not installed.
    """
    try:
        return importlib.import_module("constriction").stream
    except ImportError as error:
        hint = "pip install 'plic[constriction]', or use the built-in coder 'range'"
        raise PluginError("the coder 'constriction' needs a package", got=str(error), hint=hint) from error


@contextmanager
def panics_as_damage() -> Iterator[None]:
    """Rust panics (which derive from BaseException) and complaints about the data become DamagedStream."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException" and not isinstance(error, (ValueError, AssertionError)):
            raise
        raise DamagedStream("constriction refuses the coded data", got=str(error)) from error


def masses(distribution: IntegerDistribution) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """What constriction is given for a chunk: ``frequency - 1`` (n, L), exact, and each row's first symbol.

    Shorter rows are filled up with symbols of frequency 1 that never occur.
    """
    table = distribution.table(PRECISION)
    cdf = table.cdf
    width = cdf.shape[1] - 1
    if np.any(table.length != width):
        cdf = ((cdf * ((1 << PRECISION) - width)) >> PRECISION) + np.arange(width + 1)
    return (np.diff(cdf, axis=1) - 1).astype(np.float64), table.offset


class ConstrictionEncoder(Encoder):
    """See :class:`ConstrictionCoder`."""

    def __init__(self) -> None:
        stream = load_constriction()
        self._encoder = stream.queue.RangeEncoder()
        self._model = stream.model.Categorical(perfect=False)

    def encode(self, distribution: IntegerDistribution, symbols: NDArray[np.int32]) -> None:
        symbols = distribution.checked(symbols)
        for part, chunk in distribution.chunks(ROWS_BUDGET):
            probabilities, offset = masses(chunk)
            self.encode_indices(symbols[part].astype(np.int64) - offset, probabilities)

    def encode_indices(self, indices: NDArray[np.int64], probabilities: NDArray[np.float64]) -> None:
        """Append symbols counted from the start of their row. A row of one symbol needs no coding."""
        if probabilities.shape[1] > 1:
            self._encoder.encode(indices.astype(np.int32), self._model, probabilities)

    def finish(self) -> bytes:
        return bytes(self._encoder.get_compressed().astype("<u4").tobytes())


class ConstrictionDecoder(Decoder):
    """See :class:`ConstrictionCoder`."""

    def __init__(self, data: bytes) -> None:
        stream = load_constriction()
        if len(data) % WORD:
            raise DamagedStream("the coded data is cut short", got=f"{len(data)} bytes", expected="a multiple of 4")
        self._data = data
        self._model = stream.model.Categorical(perfect=False)
        self._again = ConstrictionEncoder()
        with panics_as_damage():
            self._decoder = stream.queue.RangeDecoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))

    def decode(self, distribution: IntegerDistribution) -> NDArray[np.int32]:
        symbols = np.empty(len(distribution), dtype=np.int32)
        for part, chunk in distribution.chunks(ROWS_BUDGET):
            probabilities, offset = masses(chunk)
            indices = self._decode_indices(probabilities)
            self._again.encode_indices(indices, probabilities)
            _, high = chunk.edges()
            if np.any(indices + offset > high):
                raise DamagedStream("the coded data holds a symbol outside its window")
            symbols[part] = indices + offset
        return symbols

    def _decode_indices(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        if probabilities.shape[1] == 1:  # constriction refuses models of a single symbol
            return np.zeros(len(probabilities), dtype=np.int64)
        with panics_as_damage():
            indices: NDArray[np.int32] = self._decoder.decode(self._model, probabilities)
        return indices.astype(np.int64)

    def finish(self) -> None:
        if self._again.finish() != self._data:
            raise DamagedStream("the coded data is not what its symbols are coded as", got=f"{len(self._data)} bytes")


class ConstrictionCoder(Coder):
    """Codes with constriction's ``queue.RangeEncoder``, in tables of 24 bits.

    A decoder codes its symbols again as it goes, and so detects data that no encoder wrote; constriction itself does
    not.

    Raises (when used):
        PluginError: constriction is not installed.
    """

    precision = PRECISION

    def encoder(self) -> Encoder:
        return ConstrictionEncoder()

    def decoder(self, data: bytes) -> Decoder:
        return ConstrictionDecoder(data)
