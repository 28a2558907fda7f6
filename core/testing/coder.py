"""Contract of coders."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import strategies as st

from ..errors import DamagedStream, PlicError, PluginError
from ..slots.coder import Coder
from .broken import fail, require
from .contract import PartContract, contract, for_any
from .symbols import Plan, Step, fixed_plans, plans, steps_of

PRECISIONS = range(10, 31)
HEADROOM = 8
"""Bits of precision beyond those that the widest window needs."""
SLOW = 10.0
"""Seconds, for data that hold no more than 2000 symbols."""


def _plans(self: CoderContract) -> st.SearchStrategy[list[Plan]]:
    return plans(1 << min(self.usable().precision - HEADROOM, 12))


class CoderContract(PartContract[Coder]):
    """What every coder promises; see `plic.core.slots.coder`. Skipped where something that it needs is missing."""

    plic_slot = "coder"

    def usable(self) -> Coder:
        """The coder, if what it needs is installed."""
        coder = self.make()
        try:
            coder.encoder()
        except PluginError as error:
            pytest.skip(f"{error.problem} ({error.got})")
        return coder

    @contract
    def test_precision_is_declared(self) -> None:
        """The precision leaves room for a window of a few symbols, and is at most 30 bits."""
        precision = self.make().precision
        require(precision in PRECISIONS, "the precision is unusable", got=precision, expected="10 to 30 bits")

    @for_any(plan=_plans)
    def test_lossless(self, plan: list[Plan]) -> None:
        """Any symbols of any distributions in any steps, empty ones too, come back, and the end is accepted."""
        coder, steps = self.usable(), steps_of(plan)
        data = encoded(coder, steps)
        for index, ((_, wanted), got) in enumerate(zip(steps, decoded(coder, data, steps), strict=True)):
            require(got.dtype == np.int32, "decoded symbols have the wrong type", got=got.dtype, expected="int32")
            same = np.array_equal(got, wanted)
            problem = "decoded symbols are not those that were encoded"
            require(same, problem, got=got.tolist(), expected=wanted.tolist(), at=f"step {index}")

    @contract
    def test_widest_window(self) -> None:
        """Windows of 2^(precision - 8) symbols are coded."""
        coder = self.usable()
        steps = [Plan("mixture", 3, 1 << (coder.precision - HEADROOM), seed, likely=False).step() for seed in range(3)]
        for (_, wanted), got in zip(steps, decoded(coder, encoded(coder, steps), steps), strict=True):
            require(np.array_equal(got, wanted), "symbols are lost", got=got.tolist(), expected=wanted.tolist())

    @for_any(plan=_plans)
    def test_coders_have_no_state(self, plan: list[Plan]) -> None:
        """Two encoders and two decoders at work in turns do what each does alone."""
        coder, steps = self.usable(), steps_of(plan)
        wanted = encoded(coder, steps)
        encoders = [coder.encoder(), coder.encoder()]
        for distribution, symbols in steps:
            for encoder in encoders:
                encoder.encode(distribution, symbols)
        found = [encoder.finish() for encoder in encoders]
        require(found == [wanted, wanted], "encoders at work in turns write other bytes", got=found, expected=wanted)
        decoders = [coder.decoder(wanted), coder.decoder(wanted)]
        for index, (distribution, symbols) in enumerate(steps):
            for decoder in decoders:
                got = decoder.decode(distribution)
                same = np.array_equal(got, symbols)
                require(same, "decoders at work in turns read other symbols", got=got.tolist(), at=f"step {index}")
        for decoder in decoders:
            decoder.finish()

    @contract
    def test_symbols_outside_the_window_are_refused(self) -> None:
        """A symbol that its distribution does not cover is a PlicError when it is encoded."""
        coder = self.usable()
        distribution, symbols = Plan("mixture", 20, 10, 0).step()
        for edge, beyond in zip(distribution.edges(), (-1, 1), strict=True):
            wrong = symbols.copy()
            wrong[7] = edge[7] + beyond
            try:
                coder.encoder().encode(distribution, wrong)
            except PlicError:
                continue
            fail("a symbol outside its window is encoded", got=int(wrong[7]), expected="a PlicError")

    # --- damage -----------------------------------------------------------------------------------------------------

    @contract
    def test_truncated_streams_are_found(self) -> None:
        """A stream cut at any length is refused with a DamagedStream, or is exactly the stream of other symbols."""
        coder, steps = self.usable(), steps_of(fixed_plans())
        data = encoded(coder, steps)
        for length in range(len(data)):
            self._is_harmless(coder, data[:length], steps, f"{length} of {len(data)} bytes")

    @contract
    def test_bytes_left_over_are_found(self) -> None:
        """A stream with bytes after its end is refused with a DamagedStream."""
        coder, steps = self.usable(), steps_of(fixed_plans())
        data = encoded(coder, steps)
        for extra in (b"\0", b"\xff", bytes(4), bytes(range(50))):
            at = f"{len(extra)} bytes left over"
            require(self._is_harmless(coder, data + extra, steps, at), "bytes left over are not found", at=at)

    @contract
    def test_changed_bits_are_harmless(self) -> None:
        """A stream with a bit changed is refused with a DamagedStream, or is exactly the stream of other symbols."""
        coder, steps = self.usable(), steps_of(fixed_plans())
        data = encoded(coder, steps)
        for bit in range(8 * len(data)):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            self._is_harmless(coder, bytes(changed), steps, f"bit {bit % 8} of byte {bit // 8} changed")

    @for_any(data=st.binary(max_size=200))
    def test_garbage_is_harmless(self, data: bytes) -> None:
        """Any bytes are refused with a DamagedStream, or are exactly the stream of some symbols."""
        self._is_harmless(self.usable(), data, steps_of(fixed_plans()), "garbage")

    @contract
    def test_garbage_takes_no_time(self) -> None:
        """Decoding what no encoder wrote takes time in proportion to the symbols asked for."""
        coder = self.usable()
        steps = [Plan("mixture", 2000, 40, 5).step()]
        random = np.random.default_rng(0)
        encoded(coder, steps)  # compiles what is compiled
        for data in (b"", b"\xff" * 2000, bytes(2000), random.bytes(20_000)):
            began = time.perf_counter()
            self._is_harmless(coder, data, steps, "garbage")
            seconds = time.perf_counter() - began
            require(seconds < SLOW, "decoding takes too long", got=f"{seconds:.1f} s", expected=f"under {SLOW:g} s")

    def _is_harmless(self, coder: Coder, data: bytes, steps: Sequence[Step], at: str) -> bool:
        """Whether the data is refused. If not, it must be exactly what the encoder makes of the symbols it holds.

        An arithmetic coder that wastes nothing gives nearly every string of bytes a meaning: what is damaged can be
        the stream of other symbols. Those are found by the file's checksums, not here.
        """
        __tracebackhide__ = True
        try:
            symbols = decoded(coder, data, steps)
        except DamagedStream:
            return True
        except Exception as error:
            fail(f"damaged data raises {type(error).__name__}", got=error, expected="DamagedStream, or symbols", at=at)
        for (distribution, _), got in zip(steps, symbols, strict=True):
            low, high = distribution.edges()
            inside = bool(((got >= low) & (got <= high)).all())
            require(inside, "a decoded symbol is outside its window", got=got.tolist(), at=at)
        again = encoded(coder, [(distribution, got) for (distribution, _), got in zip(steps, symbols, strict=True)])
        problem = "finish accepts data that no encoder writes"
        require(again == data, problem, got=data.hex(), expected=f"DamagedStream, or {again.hex()}", at=at)
        return False


def encoded(coder: Coder, steps: Sequence[Step]) -> bytes:
    """The stream of some steps."""
    encoder = coder.encoder()
    for distribution, symbols in steps:
        encoder.encode(distribution, symbols)
    return encoder.finish()


def decoded(coder: Coder, data: bytes, steps: Sequence[Step]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.int32]]]:
    """The symbols of a stream, verified at its end.

    Raises:
        DamagedStream: no encoder writes such data.
    """
    decoder = coder.decoder(data)
    symbols = [decoder.decode(distribution) for distribution, _ in steps]
    decoder.finish()
    return symbols
