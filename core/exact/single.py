"""Products of a matrix with columns, one for each site, whose sums single precision holds exactly.

Doubles have room for products of 23 by 15 bits; processors multiply floats at twice the speed, most graphics cards at
32 or 64 times. A float holds integers up to 2^24, so both factors get fewer bits, each where it needs them:

- a column is multiplied by a power of two that takes its largest magnitude to 2^8 at least, and rounded: integers up
  to 2^9;
- a row of weights is multiplied by the largest power of two at which the magnitudes of any `TERMS` weights that are
  summed together add up to less than 2^15;
- so every partial sum is an integer below 2^24, and every order of summation gives the same bits. More than
  `TERMS` terms become several products, which are added as doubles;
- powers of two are multiplied back, and the result is rounded to the grid. Nothing else is rounded.

Which column a number belongs to does not depend on how sites are batched, so neither does a result.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from .columns import multiply
from .grid import GRID, LIMIT

COLUMN_BITS = 9
ROW_SUM = 2 ** (24 - COLUMN_BITS) - 1
TERMS = 1024
LARGEST_EXPONENT = 60
"""Rows that are smaller keep fewer bits: scaling back stays far from the smallest floats."""
_EXPONENT = 0xFF << 23  # the bits of a float that make it a power of two


def integer_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as integers times a power of two for each row.

    Args:
        weight: float64 ``(O, I)``, finite.

    Returns:
        int16 ``(O, I)``, and int16 ``(O,)`` exponents: row ``o`` is about ``integers[o] * 2^-exponents[o]``.
    """
    sums = _largest_sums(weight)
    exponents = torch.floor(torch.log2(ROW_SUM / sums.clamp_min(2.0**-LARGEST_EXPONENT)))
    exponents.clamp_(max=LARGEST_EXPONENT)
    integers = torch.round(weight * torch.exp2(exponents)[:, None])
    too_large = _largest_sums(integers) > ROW_SUM  # by rounding
    exponents -= too_large.double()
    return torch.round(weight * torch.exp2(exponents)[:, None]).to(torch.int16), exponents.to(torch.int16)


def _largest_sums(rows: Tensor) -> Tensor:
    return torch.stack([terms.abs().sum(1) for terms in torch.split(rows, TERMS, 1)]).amax(0)


def product_in_single(integers: Tensor, exponents: Tensor, bias: Tensor, columns: Tensor) -> Tensor:
    """Rows times columns plus bias, on the grid, the same bits everywhere.

    Args:
        integers: float32 ``(O, I)``, as `integer_rows` gives them.
        exponents: int16 ``(O,)``.
        bias: ``(O,)``, on the grid.
        columns: ``(B, I, n)``, of any magnitude.

    Returns:
        float32 ``(B, O, n)``, which holds everything on the grid.
    """
    columns = columns.float()
    least, most = columns.amin(1, keepdim=True), columns.amax(1, keepdim=True)  # aminmax takes ten times as long
    largest = torch.maximum(most, -least).clamp_min_(1 / GRID)
    unit = (largest.view(torch.int32) & _EXPONENT).view(torch.float32).mul_(2.0 ** (1 - COLUMN_BITS))
    columns = torch.div(columns, unit).round_()
    parts = zip(torch.split(integers, TERMS, 1), torch.split(columns, TERMS, 1), strict=True)
    first, *others = (_integer_product(rows, some) for rows, some in parts)
    total = first if not others else sum((one.double() for one in others), first.double())
    scale = (GRID * _powers_of_two(-exponents)).to(total.dtype)
    total.mul_(scale[:, None]).mul_(unit).round_()  # in units of the grid
    total.add_((bias * GRID).to(total.dtype)[:, None]).clamp_(-LIMIT * GRID, LIMIT * GRID)
    return total.mul_(1 / GRID).float()


def _powers_of_two(exponents: Tensor) -> Tensor:
    """``2^exponents`` as floats, which no library function promises to the last bit."""
    return ((exponents.int() + 127) << 23).view(torch.float32)


def _integer_product(integers: Tensor, columns: Tensor) -> Tensor:
    """In single precision where that is what the device then computes in; else in double, the same integers."""
    if trusted(columns.device):
        return multiply(integers, columns)
    with torch.autocast(columns.device.type, enabled=False):
        return multiply(integers.double(), columns.double()).float()


def trusted(device: torch.device) -> bool:
    """Whether products of floats are computed with floats on a device.

    They are not while autocast is on, and where users or the environment allow shorter formats (TensorFloat-32,
    bfloat16). This is tried out once for each such setting.
    """
    return not torch.is_autocast_enabled(device.type) and _probe(device, _settings())


def _settings() -> tuple[str, ...]:
    """What torch has been told of precision."""
    places = (torch.backends.cuda.matmul, getattr(torch.backends.mkldnn, "matmul", None))
    stated = tuple(str(getattr(place, "fp32_precision", "")) for place in places)
    return stated if any(stated) else (torch.get_float32_matmul_precision(),)


@lru_cache(maxsize=64)
def _probe(device: torch.device, settings: tuple[str, ...]) -> bool:
    """Whether products with as many bits as there can be come out right."""
    del settings  # only distinguishes what has been tried
    generator = torch.Generator().manual_seed(0)
    columns = torch.randint(-(2**COLUMN_BITS), 2**COLUMN_BITS + 1, (1, TERMS, 512), generator=generator)
    rows = torch.randint(-(ROW_SUM // TERMS), ROW_SUM // TERMS + 1, (64, TERMS), generator=generator)
    rows[::2], rows[::2, 0] = 0, ROW_SUM  # weights that are alone in their row have the most bits
    rows, columns = rows.to(device), columns.to(device)
    return all(
        torch.equal(multiply(rows.float(), some.float()).double(), multiply(rows.double(), some.double()))
        for some in (columns, columns[..., :3])
    )
