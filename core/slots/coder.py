"""The coder slot: turns symbols and their integer distributions into bytes and back."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ..probability.distribution import IntegerDistribution


class Encoder(ABC):
    """Writes one stream: ``encode`` once per step, then ``finish``."""

    @abstractmethod
    def encode(self, distribution: IntegerDistribution, symbols: NDArray[np.int32]) -> None:
        """Append n symbols.

        Args:
            distribution: of the n elements; may be empty.
            symbols: ``int32[n]``, each inside its window (escapes are dealt with outside).

        Raises:
            PlicError: a symbol is outside its window, or the window too wide for the coder's precision.
        """

    @abstractmethod
    def finish(self) -> bytes:
        """The whole stream. The encoder is spent."""


class Decoder(ABC):
    """Reads one stream with the very distributions, in the very steps, it was written with."""

    @abstractmethod
    def decode(self, distribution: IntegerDistribution) -> NDArray[np.int32]:
        """The next n symbols, ``int32[n]``, each inside its window whatever the data.

        Raises:
            DamagedStream: no encoder writes such data.
        """

    @abstractmethod
    def finish(self) -> None:
        """Check that the stream ends where its encoder ended.

        Damage that makes it the stream of other symbols passes: it is for the checksums of the file to find.

        Raises:
            DamagedStream: bytes are missing, left over or not what the encoder of these symbols would have written.
        """


class Coder(ABC):
    """The slot's abstract class. Keyword-only constructor arguments, annotated, are the keys a recipe may set.

        symbols, distribution --> encoder().encode ... finish --> bytes
        bytes, distribution   --> decoder(bytes).decode ... finish --> symbols

    A coder has no state of its own: any number of encoders and decoders may be at work. It is lossless for every
    distribution and every window of at most ``2^(precision - 8)`` symbols, and safe on hostile data: it returns symbols
    or raises DamagedStream, in time proportional to the symbols asked for.
    """

    precision: int
    """Bits of the total that frequencies are quantised to; decides how wide a window may be."""

    @abstractmethod
    def encoder(self) -> Encoder:
        """A new encoder.

        Raises:
            PluginError: something the coder needs is not installed.
        """

    @abstractmethod
    def decoder(self, data: bytes) -> Decoder:
        """A new decoder of a whole stream.

        Raises:
            PluginError: something the coder needs is not installed.
            DamagedStream: the data cannot be a stream of this coder.
        """
