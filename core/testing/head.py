"""Contract of heads."""

from __future__ import annotations

import copy
from typing import ClassVar, cast

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ..exact import GRID, harden
from ..layers import families_of
from ..probability import BUILT_IN, IntegerDistribution, MixtureDistribution, Support
from ..slots import Distributions, Head
from ..slots.coder import Coder
from .broken import require
from .compare import require_close, require_finite, require_gradients, require_shape, transplant
from .contract import PartContract, chosen, contract, for_any
from .data import enlivened, on_grid, seeds

WINDOWS = (64, 512, 4096)
"""Symbols on each side over which masses are added up; a wider window is tried when a narrower one misses some."""
MASS_TOLERANCE = 2e-3
"""Of a sum of masses."""
AGREEMENT = 0.02
"""Greatest sum of differences between the masses of a likelihood and of its integers: tables are finite."""
ELEMENTS = 5
NEAR = 0.1
"""Relative difference in bits between a head and one that was fitted to its tables."""
PRECISIONS = (16, 24, 30)


def _scales(self: HeadContract) -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 1.0, 30.0, self.extreme])


class HeadContract(PartContract[Head]):
    """What every head promises; see `plic.core.slots.Head`.

    Attributes:
        channels: latent channels.
        spread: greatest magnitude of ordinary parameters.
        extreme: greatest magnitude of parameters that a network out of control gives.
        coder: the coder that what the head freezes to is tried with.
    """

    plic_slot = "head"
    examples = 12
    channels: ClassVar[int] = 3
    spread: ClassVar[float] = 3.0
    extreme: ClassVar[float] = 2047.0
    coder: ClassVar[Coder | str] = "range"

    def wiring(self) -> tuple[object, ...]:
        return (self.channels,)

    def lively(self, seed: int = 0) -> Head:
        """A head whose own parameters, if it has any, are not those of the start."""
        return self.kept(f"lively {seed}", lambda: cast(Head, enlivened(self.make(seed), 0.1)))

    def parameters(self, head: Head, seed: int, spread: float | None = None) -> Tensor:
        """Parameters ``(P, C, n)`` of some elements, on the exact grid; n is `ELEMENTS`."""
        greatest = self.spread if spread is None else spread
        return on_grid(seed, head.parameters_per_element, self.channels, ELEMENTS, spread=greatest)

    def frozen(self, head: Head, parameters: Tensor, support: Support) -> IntegerDistribution:
        """Integer distributions of all elements of `parameters`, channel by channel."""
        flat = np.ascontiguousarray(parameters.flatten(1).numpy())
        channels = np.repeat(np.arange(self.channels, dtype=np.int64), ELEMENTS)
        return _distributions(head)(flat, channels, support)

    # --- what is declared -------------------------------------------------------------------------------------------

    @contract
    def test_layout_names_the_parameters(self) -> None:
        """The layout names each parameter once; the mean, if there is one, is among them."""
        head = self.make()
        names = head.layout
        require(isinstance(names, tuple) and all(isinstance(name, str) for name in names), "no names", got=names)
        require(len(set(names)) == len(names), "a name stands for several parameters", got=names)
        count = head.parameters_per_element
        require(count == len(names), "the number of parameters is not that of their names", got=count, expected=names)
        index = head.mean_index
        require(index is None or 0 <= index < count, "the mean is not among the parameters", got=index, expected=names)

    @for_any(height=st.integers(1, 4), width=st.integers(1, 4), batch=st.integers(1, 2), seed=seeds)
    def test_shapes(self, height: int, width: int, batch: int, seed: int) -> None:
        """From parameters (B, P, C, h, w) and values (B, C, h, w) follow likelihoods (B, C, h, w)."""
        head = self.lively()
        shape = (batch, self.channels, height, width)
        parameters = on_grid(seed, batch, head.parameters_per_element, *shape[1:]).float()
        require_shape(head.likelihood(parameters, on_grid(seed, *shape).float()), shape, "the likelihood")

    # --- the density ------------------------------------------------------------------------------------------------

    @for_any(shift=st.floats(0, 1, width=32), seed=seeds)
    def test_likelihood_sums_to_one(self, shift: float, seed: int) -> None:
        """The masses of the unit intervals around all integers, or around all integers plus a shift, sum to one."""
        head = self.lively()
        parameters = self.parameters(head, seed)
        total = torch.zeros(())
        for window in WINDOWS:
            total = _masses(head, parameters, torch.arange(-window, window + 1) + shift).sum(2)
            if float((total - 1).abs().max()) < MASS_TOLERANCE:
                return
        worst = total.flatten()[(total - 1).abs().argmax()]
        require(False, "the masses do not sum to one", got=float(worst), expected=f"1 within {MASS_TOLERANCE}")

    @for_any(scale=_scales, far=st.sampled_from([1.0, 1e3, 1e6]), seed=seeds)
    def test_likelihood_is_positive(self, scale: float, far: float, seed: int) -> None:
        """Every value has a likelihood above zero and at most one, whatever the parameters."""
        head = self.lively()
        parameters = self.parameters(head, seed, scale)
        values = torch.linspace(-far, far, 41)
        mass = _masses(head, parameters, values)
        require_finite(mass, "the likelihood")
        require(float(mass.min()) > 0, "a likelihood is not positive", got=float(mass.min()), expected="more than 0")
        require(float(mass.max()) <= 1 + 1e-5, "a likelihood exceeds one", got=float(mass.max()), expected="at most 1")

    @for_any(shift=st.integers(-3, 3), seed=seeds)
    def test_mean_index_moves_the_distribution(self, shift: int, seed: int) -> None:
        """Adding to the parameter at the mean's index moves likelihoods and integer distributions by as much."""
        head = self.lively()
        if head.mean_index is None:
            return
        parameters = self.parameters(head, seed)
        moved = parameters.clone()
        moved[head.mean_index] += shift
        values = torch.arange(-20, 21)
        problem = "the likelihood does not move with the mean"
        require_close(_masses(head, moved, values + shift), _masses(head, parameters, values), 1e-4, problem)
        tables = [
            self.frozen(head, given, Support(-20 + by, 20 + by)).table(24).cdf
            for given, by in ((parameters, 0), (moved, shift))
        ]
        same = np.array_equal(tables[0], tables[1])
        require(same, "the integer distribution does not move with the mean", got=tables[1], expected=tables[0])

    @contract
    def test_medians_lie_on_the_grid(self) -> None:
        """Offsets of the channel-median grid, where there are any, are one per channel and on the exact grid."""
        offsets = self.lively().offsets()
        if offsets is not None:
            require_shape(offsets, (self.channels,), "the offsets")
            off = offsets * GRID != torch.round(offsets * GRID)
            require(not bool(off.any()), "an offset is off the exact grid", got=offsets.tolist(), expected="n / 4096")

    # --- the integers -----------------------------------------------------------------------------------------------

    @for_any(seed=seeds)
    def test_integers_match_the_likelihood(self, seed: int) -> None:
        """What is frozen gives the symbols the masses that training sees."""
        head = self.lively()
        parameters = self.parameters(head, seed)
        distribution = self.frozen(head, parameters, Support(-WINDOWS[0], WINDOWS[0]))
        low, high = distribution.edges()
        symbols = np.arange(low.min() + 1, high.max(), dtype=np.int32)
        inside = (symbols > low[:, None]) & (symbols < high[:, None])  # the ends stand for more than their unit
        element, column = inside.nonzero()
        mass = np.zeros(inside.shape)
        mass[element, column] = 2.0 ** -distribution.take(element).bits(symbols[column])
        offsets = head.offsets()
        centres = torch.zeros(self.channels) if offsets is None else offsets.float()
        values = centres[:, None, None] + torch.from_numpy(symbols.astype(np.float32))
        wanted = _masses(head, parameters, values).flatten(0, 1).double().numpy() * inside
        distance = np.abs(mass - wanted).sum(1)
        worst = int(distance.argmax())
        require(
            bool(distance[worst] < AGREEMENT),
            "the integer distribution is not that of the likelihood",
            got=f"masses {_shown(mass[worst], wanted[worst])}, in all {distance[worst]:.4f} apart",
            expected=f"masses {_shown(wanted[worst], wanted[worst])}, at most {AGREEMENT} apart",
            at=f"channel {worst // ELEMENTS}, symbols around {symbols[int(wanted[worst].argmax())]}",
        )

    @for_any(
        scale=st.sampled_from([1.0, 30.0, 2047.0]), low=st.integers(-300, 40), width=st.integers(1, 200), seed=seeds
    )
    def test_every_symbol_has_a_frequency(self, scale: float, low: int, width: int, seed: int) -> None:
        """Each symbol of each window has a frequency of 1 at least, and they sum to 2^precision."""
        head = self.lively()
        parameters = self.parameters(head, seed, scale)
        distribution = self.frozen(head, parameters, Support(low, low + width))
        for precision in PRECISIONS:
            at = f"precision {precision}"
            table = distribution.table(precision)
            for row, length in zip(table.cdf, table.length, strict=True):
                frequencies = np.diff(row[: length + 1])
                least = int(frequencies.min())
                require(least >= 1, "a symbol has no frequency", got=least, expected="at least 1", at=at)
                ends = (int(row[0]), int(row[length]))
                wanted = (0, 1 << precision)
                require(ends == wanted, "the frequencies do not sum to the total", got=ends, expected=wanted, at=at)

    @for_any(low=st.integers(-30, 4), width=st.integers(1, 40), seed=seeds)
    def test_views_of_the_integers_agree(self, low: int, width: int, seed: int) -> None:
        """Intervals, tables and decoding speak of the same integers, for all elements and for some."""
        head = self.lively()
        distribution = self.frozen(head, self.parameters(head, seed), Support(low, low + width))
        random = np.random.default_rng(seed)
        symbols = random.integers(*distribution.edges(), endpoint=True, dtype=np.int32)
        intervals = np.array(distribution.intervals(symbols, 24))
        table = distribution.table(24)
        rows, column = np.arange(len(distribution)), symbols.astype(np.int64) - table.offset
        start, end = table.cdf[rows, column], table.cdf[rows, column + 1]
        wanted = np.array([start, end - start])
        same = np.array_equal(intervals, wanted)
        require(same, "intervals are not those of the table", got=intervals.tolist(), expected=wanted.tolist())
        order = random.permutation(len(distribution))
        taken = np.array(distribution.take(order).intervals(symbols[order], 24))
        same = np.array_equal(taken, intervals[:, order])
        require(same, "taking elements changes their distributions", got=taken.tolist())
        coder = cast(Coder, chosen("coder", self.coder))
        encoder = coder.encoder()
        encoder.encode(distribution, symbols)
        decoder = coder.decoder(encoder.finish())
        decoded = decoder.decode(distribution)
        decoder.finish()
        same = np.array_equal(decoded, symbols)
        require(same, "coding loses symbols", got=decoded.tolist(), expected=symbols.tolist())

    @for_any(scale=_scales, seed=seeds)
    def test_elements_do_not_depend_on_one_another(self, scale: float, seed: int) -> None:
        """An element's integers are the same alone and among others."""
        head = self.lively()
        parameters = self.parameters(head, seed, scale)
        support = Support(-9, 9)
        together = self.frozen(head, parameters, support).table(24)
        freeze, flat = _distributions(head), parameters.flatten(1).numpy()
        for element in range(0, len(together.cdf), 4):
            channel = np.array([element // ELEMENTS], dtype=np.int64)
            alone = freeze(np.ascontiguousarray(flat[:, element : element + 1]), channel, support).table(24)
            length = int(alone.length[0]) + 1
            same = np.array_equal(alone.cdf[0, :length], together.cdf[element, :length])
            require(same, "an element's integers depend on its neighbours", at=f"element {element}")

    @contract
    def test_frozen_weights_survive_a_round_trip(self) -> None:
        """A head that owns parameters freezes to a module, and what it stores is all that its integers depend on."""
        source, target = self.lively(1), self.lively(2)
        frozen = [harden(head, "head") for head in (source, target)]
        if next(source.parameters(), None) is None:
            return
        for one in frozen:
            require(not isinstance(one, Head), "a head that owns parameters does not freeze to a module of tables")
            require(bool(one.state_dict()), "the frozen head stores nothing", got=type(one).__name__)
        transplant(frozen[0], frozen[1])
        parameters = self.parameters(source, 0).flatten(1).numpy()
        channels = np.repeat(np.arange(self.channels, dtype=np.int64), ELEMENTS)
        tables = [cast(Distributions, one)(parameters, channels, Support(-5, 5)).table(24).cdf for one in frozen]
        same = np.array_equal(tables[0], tables[1])
        require(same, "a head with another's stored tables gives other integers", got=tables[1], expected=tables[0])

    @contract
    def test_families_of_others_are_named(self) -> None:
        """Families that do not come with plic are named in what is stored, so that another table is refused."""
        head = self.lively()
        distribution = self.frozen(head, self.parameters(head, 0), Support(-5, 5))
        if isinstance(distribution, MixtureDistribution):
            named = BUILT_IN | families_of(harden(head, "head"))
            others = [family.name for family in distribution.families if family not in named]
            hint = "in a plic.core.layers.Families that the head and what it freezes to keep"
            require(not others, "families are not named in what is stored", got=others, expected=hint)

    @contract
    def test_a_start_from_frozen_tables_is_near_them(self) -> None:
        """Started from a frozen head of its kind, a head's bits are nearly those of that head."""
        trained, fresh = self.lively(1), self.lively(2)
        if next(trained.parameters(), None) is None:
            return
        started = copy.deepcopy(fresh)
        started.start_from(harden(trained, "head"))
        parameters = on_grid(0, 1, trained.parameters_per_element, self.channels, 3, 4, spread=self.spread).float()
        values = torch.round(on_grid(3, 1, self.channels, 3, 4, spread=1.0)).float()
        got, *allowed = (
            float(-head.likelihood(parameters, values).detach().log2().sum()) for head in (started, trained, fresh)
        )
        near = any(abs(got - bits) <= NEAR * bits for bits in allowed)
        require(near, "started from tables, a head is neither near them nor fresh", got=got, expected=allowed[0])

    # --- training ---------------------------------------------------------------------------------------------------

    @for_any(
        scale=st.sampled_from([0.0, 1.0, 30.0, 2047.0, 1e5]), far=st.sampled_from([0.0, 3.0, 1e3, 1e5]), seed=seeds
    )
    def test_gradients_are_finite(self, scale: float, far: float, seed: int) -> None:
        """Bits have finite gradients with respect to parameters, values and weights, also at extremes."""
        head = self.lively()
        parameters = on_grid(seed, 1, head.parameters_per_element, self.channels, 3, 4, spread=scale)
        values = on_grid(seed + 1, 1, self.channels, 3, 4, spread=far)
        leaves = [parameters.float().requires_grad_(), values.float().requires_grad_()]
        bits = -head.likelihood(*leaves).log2().sum()
        require_finite(bits.detach(), "the number of bits")
        if bits.requires_grad:
            bits.backward()  # type: ignore[no-untyped-call]
        named = [("parameters", leaves[0].grad), ("values", leaves[1].grad)]
        for name, gradient in [*named, *((name, weight.grad) for name, weight in head.named_parameters())]:
            if gradient is not None:
                require_finite(gradient, f"the gradient of the {name}")

    @contract
    def test_gradients_reach_every_parameter(self) -> None:
        """Each named parameter of the layout, and each weight of the head, receives a gradient."""
        head = self.lively()
        shape = (4, head.parameters_per_element, self.channels, 8, 8)
        parameters = on_grid(0, *shape, spread=self.spread).float().requires_grad_()
        values = on_grid(1, shape[0], *shape[2:], spread=2 * self.spread).float()
        (-head.likelihood(parameters, values).log2().sum()).backward()  # type: ignore[no-untyped-call]
        require_gradients(head)
        for index, name in enumerate(head.layout):
            gradient = parameters.grad[:, index] if parameters.grad is not None else torch.zeros(1)
            require(bool(gradient.abs().sum() > 0), "a parameter of the layout does not matter", got=name)

    @for_any(seed=seeds)
    def test_batches_change_nothing(self, seed: int) -> None:
        """The likelihoods of an image do not depend on what else is in the batch."""
        head = self.lively()
        parameters = on_grid(seed, 3, head.parameters_per_element, self.channels, 2, 2).float()
        values = on_grid(seed, 3, self.channels, 2, 2).float()
        together = head.likelihood(parameters, values)[1:2]
        alone = head.likelihood(parameters[1:2], values[1:2])
        require_close(alone, together, 1e-5, "an image's likelihoods depend on the batch")


@torch.no_grad()
def _masses(head: Head, parameters: Tensor, values: Tensor) -> Tensor:
    """Likelihoods ``(C, n, m)`` of ``m`` values, for all channels or for each, under parameters ``(P, C, n)``."""
    count, channels, elements = parameters.shape
    spread = parameters.float()[None, ..., None].expand(1, count, channels, elements, values.shape[-1])
    return head.likelihood(spread, values.float().expand(1, channels, elements, -1))[0]


def _distributions(head: Head) -> Distributions:
    """As freezing a codec makes it."""
    frozen = harden(head, "head")
    return frozen.freeze() if isinstance(frozen, Head) else cast(Distributions, frozen)


def _shown(masses: NDArray[np.float64], wanted: NDArray[np.float64]) -> str:
    peak = int(wanted.argmax())
    return str(np.round(masses[max(0, peak - 2) : peak + 3], 4).tolist())
