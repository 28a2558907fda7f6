"""The compiled integer arithmetic of probabilities and of the range coder.

All of it is in one file on purpose: numba's disk cache notices changes of a function's own file only, so functions that
call one another must share one. Everything is integer arithmetic, hence bit-identical on every machine. Import this
module where a distribution is evaluated, never at the top of a module: it imports numba.

    quantity                                       fractional bits
    location, edge of a symbol (grid steps)        12
    reciprocal of a scale                          20
    u = (edge - location) * reciprocal             32    index into a table of 64 nodes per unit: u >> 26
    family table F(u)                              30    packed: F << 32 | step to the next node
    weight                                         16    so a mixed CDF has 46

The state of a range decoder is ``uint64[5]``: lower end of the interval, its width, the code value less the lower end,
position of the next byte, and whether the data was found corrupt. The interval has 64 bits; two bytes leave whenever
its width falls below 2^48, so that no precision up to 30 bits costs a measurable rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # int64, or uint64 where u64() says so
F = TypeVar("F", bound=Callable[..., Any])
u64 = np.uint64

REACH = 24 << 32  # 24 standard units
FRACTION = (1 << 26) - 1
STEP = (1 << 32) - 1
FAR_EDGE = 1 << 37  # any location (int32) is far below, and FAR_EDGE * 2^25 still fits int64
ONE = 1 << 46
BLOCK = 32  # elements whose components are gathered at once: K arrays read side by side would thrash the caches
NARROW = u64(1 << 48)
U16 = u64(16)
LOWER, WIDTH, VALUE, POSITION, CORRUPT = 0, 1, 2, 3, 4


class Mixture(NamedTuple):
    """The arrays of a mixture: three of (K, n), the rest per component or shared."""

    location: Array
    scale: Array
    weight: Array
    nodes: Array  # int64[K, 1] or int64[K, n], index of each family's node at u = 0, of all elements or of each
    packed: Array
    reciprocals: Array


class Window(NamedTuple):
    """First and last symbol, and what of the total is left to share when each symbol has 1."""

    low: int
    high: int
    span: int


def _compiled(function: F, **options: bool) -> F:
    try:
        return cast(F, njit(cache=True, nogil=True, error_model="numpy", **options)(function))
    except RuntimeError:  # no folder for the cache can be written to: compile in every process
        return cast(F, njit(nogil=True, error_model="numpy", **options)(function))


def jit(function: F) -> F:
    """Compile when first called; keep the result on disk; let go of the interpreter lock while running."""
    return _compiled(function)


def inlined(function: F) -> F:
    """The same for a part of other kernels."""
    return _compiled(function, forceinline=True)


# ---- mixtures ----------------------------------------------------------------------------------------------------


@inlined
def cdf_at(u: Int, node: Int, packed: Array) -> Int:
    """Standard CDF at ``u`` of the family whose node for u = 0 is ``node``."""
    near = min(max(u, -REACH), REACH)
    entry = packed[u64(node + (near >> 26))]
    return (entry >> 32) + (((entry & STEP) * (near & FRACTION)) >> 26)


@inlined
def edge_below(symbol: Int) -> Int:
    """Lower edge of a symbol in grid steps; beyond 2^25 symbols clamped, where every CDF has long saturated."""
    return min(max((np.int64(symbol) << 12) - 2048, -FAR_EDGE), FAR_EDGE)


@inlined
def load_block(first: Int, count: Int, mixture: Mixture, parts: Array) -> None:
    """Gathers weights, locations, reciprocals and nodes of ``count`` elements in ``parts`` (BLOCK, 4, K)."""
    shared = mixture.nodes.shape[1] == 1
    for k in range(len(mixture.nodes)):
        node = mixture.nodes[k, 0]
        for j in range(count):
            parts[j, 0, k] = mixture.weight[k, first + j]
            parts[j, 1, k] = mixture.location[k, first + j]
            parts[j, 2, k] = mixture.reciprocals[u64(mixture.scale[k, first + j])]
            parts[j, 3, k] = node if shared else mixture.nodes[k, first + j]


@inlined
def component_edges(edge: Int, j: Int, k: Int, parts: Array, packed: Array) -> tuple[Int, Int]:
    """Weighted CDF (46 bits) of a component of the block's element ``j``, at a symbol's lower and upper edge."""
    weight, reciprocal, node = parts[j, 0, k], parts[j, 2, k], parts[j, 3, k]
    u = (edge - parts[j, 1, k]) * reciprocal
    return weight * cdf_at(u, node, packed), weight * cdf_at(u + (reciprocal << 12), node, packed)


@inlined
def block_edges(symbols: Array, window: Window, parts: Array, packed: Array, edges: Array) -> None:
    """Fills ``edges`` (2, BLOCK) with the mixed CDF at both edges of each symbol; 0 and ONE at the window's ends."""
    if parts.shape[2] == 1:  # a loop that compilers make vectors of
        for j in range(len(symbols)):
            edges[0, j], edges[1, j] = component_edges(edge_below(symbols[j]), j, 0, parts, packed)
    else:
        for j in range(len(symbols)):
            lower = upper = np.int64(0)
            for k in range(parts.shape[2]):
                below, above = component_edges(edge_below(symbols[j]), j, k, parts, packed)
                lower += below
                upper += above
            edges[0, j], edges[1, j] = lower, upper
    for j in range(len(symbols)):
        edges[0, j] = np.int64(0) if symbols[j] == window.low else edges[0, j]
        edges[1, j] = np.int64(ONE) if symbols[j] == window.high else edges[1, j]


@inlined
def quantised(mixed: Int, symbol: Int, window: Window) -> Int:
    """Cumulative frequency below ``symbol``: the share ``mixed`` of the span, and 1 for each symbol before."""
    return (((mixed >> 14) * window.span) >> 32) + (symbol - window.low)


@inlined
def quantise_block(symbols: Array, window: Window, edges: Array) -> None:
    """The same for both edges of a block, in place."""
    for j in range(len(symbols)):
        edges[0, j] = quantised(edges[0, j], np.int64(symbols[j]), window)
        edges[1, j] = quantised(edges[1, j], np.int64(symbols[j]) + 1, window)


@inlined
def first_outside(symbols: Array, window: Window) -> Int:
    """Index of the first symbol outside the window, or -1."""
    for i in range(len(symbols)):
        if symbols[i] < window.low or symbols[i] > window.high:
            return i
    return -1


@jit
def mixture_intervals(symbols: Array, window: Window, mixture: Mixture, start: Array, frequency: Array) -> Int:
    """Fills the intervals of ``symbols``; returns the index of the first symbol outside the window, or -1."""
    edges = np.empty((2, BLOCK), dtype=np.int64)
    parts = np.empty((BLOCK, 4, len(mixture.nodes)), dtype=np.int64)
    for first in range(0, len(symbols), BLOCK):
        block = symbols[first : first + BLOCK]
        load_block(first, len(block), mixture, parts)
        block_edges(block, window, parts, mixture.packed, edges)
        quantise_block(block, window, edges)
        for j in range(len(block)):
            start[first + j] = edges[0, j]
            frequency[first + j] = edges[1, j] - edges[0, j]
    return first_outside(symbols, window)


@jit
def mixture_masses(symbols: Array, window: Window, mixture: Mixture, mass: Array) -> Int:
    """Fills the probabilities (46 bits) of ``symbols``; returns the first index outside the window, or -1."""
    edges = np.empty((2, BLOCK), dtype=np.int64)
    parts = np.empty((BLOCK, 4, len(mixture.nodes)), dtype=np.int64)
    for first in range(0, len(symbols), BLOCK):
        block = symbols[first : first + BLOCK]
        load_block(first, len(block), mixture, parts)
        block_edges(block, window, parts, mixture.packed, edges)
        for j in range(len(block)):
            mass[first + j] = edges[1, j] - edges[0, j]
    return first_outside(symbols, window)


@inlined
def cumulative(symbol: Int, j: Int, window: Window, parts: Array, packed: Array) -> Int:
    """Quantised cumulative frequency below ``symbol`` of the block's element ``j``."""
    if symbol <= window.low:
        return np.int64(0)
    if symbol > window.high:
        return window.span + (window.high - window.low + 1)
    edge = edge_below(symbol)
    mixed = np.int64(0)
    for k in range(parts.shape[2]):
        mixed += parts[j, 0, k] * cdf_at((edge - parts[j, 1, k]) * parts[j, 2, k], parts[j, 3, k], packed)
    return quantised(mixed, symbol, window)


@jit
def mixture_table(window: Window, mixture: Mixture, cdf: Array) -> None:
    """Fills ``cdf`` (n, high - low + 2) with the quantised CDF of every element."""
    parts = np.empty((BLOCK, 4, len(mixture.nodes)), dtype=np.int64)
    for i in range(len(cdf)):
        load_block(i, 1, mixture, parts)
        for column in range(cdf.shape[1]):
            cdf[i, column] = cumulative(window.low + column, 0, window, parts, mixture.packed)


@inlined
def guess_block(window: Window, parts: Array, guesses: Array) -> None:
    """Fills ``guesses`` with the symbols at the heaviest components' locations."""
    for j in range(len(guesses)):
        heaviest = 0
        for k in range(1, parts.shape[2]):
            if parts[j, 0, k] > parts[j, 0, heaviest]:
                heaviest = k
        guesses[j] = parts[j, 1, heaviest]
    for j in range(len(guesses)):
        guesses[j] = min(max((guesses[j] + 2048) >> 12, np.int64(window.low)), np.int64(window.high))


@inlined
def find_symbol(
    value: Int, unit: Int, j: Int, guess: tuple[Int, Int, Int], window: Window, parts: Array, packed: Array
) -> tuple[Int, Int, Int]:
    """The symbol whose interval, in units, holds the code value, the interval's start and its end.

    Gallops outward from ``guess``, the same of a symbol whose interval does not hold the value, then bisects: about
    2 log2(window) evaluations at most. Products are compared, not quotients, which spares a division for each element.
    """
    symbol, start, end = guess
    if value >= unit * u64(end):
        below, start = symbol + 1, end
        above, end = np.int64(window.high) + 1, window.span + (window.high - window.low + 1)
        probe = below + 1
    else:
        above, end = symbol, start
        below, start = np.int64(window.low), np.int64(0)
        probe = above - 1
    step = np.int64(1)
    while above - below > 1:
        at = cumulative(probe, j, window, parts, packed)
        if unit * u64(at) <= value:
            below, start = probe, at
            probe = below + min(step, max((above - below) >> 1, 1))
        else:
            above, end = probe, at
            probe = above - min(step, max((above - below) >> 1, 1))
        step *= 2
    return below, start, end


# ---- the range coder ---------------------------------------------------------------------------------------------


@jit
def range_encode(start: Array, frequency: Array, precision: Int, state: Array, buffer: Array, used: Int) -> Int:
    """Codes intervals into ``buffer``, from ``used`` on, with 4 bytes of room each; the new ``used``.

    Returns -1 if an interval is empty or passes the total. ``state`` is ``uint64[2]``: lower end and width.
    """
    lower, width = state[LOWER], state[WIDTH]
    shift = u64(precision)
    total = u64(1) << shift
    for i in range(len(start)):
        if frequency[i] == 0 or u64(start[i]) + u64(frequency[i]) > total:
            return -1
        scale = width >> shift
        offset = scale * u64(start[i])
        lower += offset
        if lower < offset:  # the sum passed 2^64: carry into the bytes already written
            at = used - 1
            while buffer[at] == 255:
                buffer[at] = 0
                at -= 1
            buffer[at] += 1
        width = scale * u64(frequency[i])
        while width < NARROW:
            buffer[used] = lower >> u64(56)
            buffer[used + 1] = (lower >> u64(48)) & u64(255)
            used += 2
            lower <<= U16
            width <<= U16
    state[LOWER], state[WIDTH] = lower, width
    return used


@inlined
def narrowed(
    lower: Int, value: Int, position: Int, interval: tuple[Int, Int, Int], data: Array
) -> tuple[Int, Int, Int, Int]:
    """A decoder's lower end, width, value and position after it has moved into an interval and read on.

    ``interval`` is the width of one unit of frequency, the start and the end. Past the end of the data zeros are read.
    """
    unit, start, end = interval
    offset = unit * u64(start)
    width = unit * u64(end - start)
    lower += offset
    value -= offset
    while width < NARROW and width != 0:
        for _ in range(2):
            value <<= u64(8)
            if position < len(data):
                value |= u64(data[position])
            position += 1
        lower <<= U16
        width <<= U16
    return lower, width, value, position


@inlined
def store(state: Array, numbers: tuple[Int, Int, Int, Int], length: Int, corrupt: Int) -> None:
    """Keeps a decoder's state; corrupt, too, past the 8 bytes that an encoder may omit, and in an empty interval."""
    lower, width, value, position = numbers
    state[LOWER], state[WIDTH], state[VALUE], state[POSITION] = lower, width, value, u64(position)
    if corrupt or position > length + 8 or width == 0:
        state[CORRUPT] = 1


@jit
def decode_mixture(state: Array, data: Array, precision: Int, window: Window, mixture: Mixture, symbols: Array) -> None:
    """Decodes one symbol per element; stops early, with ``state[CORRUPT]`` set, on data no encoder makes.

    The symbols at the heaviest components' locations are evaluated first, a block at a time, and most are right.
    """
    guesses, edges = np.empty(BLOCK, dtype=np.int64), np.empty((2, BLOCK), dtype=np.int64)
    parts = np.empty((BLOCK, 4, len(mixture.nodes)), dtype=np.int64)
    lower, width, value, position = state[LOWER], state[WIDTH], state[VALUE], np.int64(state[POSITION])
    corrupt = state[CORRUPT] != 0
    for first in range(0, len(symbols), BLOCK):
        if corrupt or width == 0:
            break
        block = guesses[: min(BLOCK, len(symbols) - first)]
        load_block(first, len(block), mixture, parts)
        guess_block(window, parts, block)
        block_edges(block, window, parts, mixture.packed, edges)
        quantise_block(block, window, edges)
        for j in range(len(block)):
            unit = max(width >> u64(precision), u64(1))
            symbol, start, end = block[j], edges[0, j], edges[1, j]
            if value < unit * u64(start) or value >= unit * u64(end):
                if value >= unit << u64(precision):
                    corrupt = True
                    break
                symbol, start, end = find_symbol(value, unit, j, (symbol, start, end), window, parts, mixture.packed)
            symbols[first + j] = symbol
            lower, width, value, position = narrowed(lower, value, position, (unit, start, end), data)
    store(state, (lower, width, value, position), len(data), corrupt)


@jit
def decode_rows(
    state: Array, data: Array, precision: Int, cdf: Array, offset: Array, length: Array, row_of: Array, symbols: Array
) -> None:
    """The same from quantised CDF rows: element ``i`` has row ``row_of[i]``."""
    lower, width, value, position = state[LOWER], state[WIDTH], state[VALUE], np.int64(state[POSITION])
    corrupt = state[CORRUPT] != 0
    for i in range(len(symbols)):
        unit = max(width >> u64(precision), u64(1))
        target = value // unit
        if corrupt or target >> u64(precision) != 0:
            corrupt = True
            break
        row = row_of[i]
        below, above = np.int64(0), np.int64(length[row])
        while above - below > 1:
            middle = (below + above) >> 1
            if cdf[row, middle] <= target:
                below = middle
            else:
                above = middle
        symbols[i] = offset[row] + below
        interval = (unit, cdf[row, below], cdf[row, below + 1])
        lower, width, value, position = narrowed(lower, value, position, interval, data)
    store(state, (lower, width, value, position), len(data), corrupt)
