"""Exact arithmetic: same bits for every order of summation, and a refusal where that cannot be promised."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from plic.core.errors import ExactnessError
from plic.core.exact import GRID, LIMIT, harden
from plic.core.layers import MaskedConv2d, causal_mask, live_rows


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(24, 48, 5, padding=2),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(48, 32, 5, stride=2, padding=2, output_padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 40, 1),
    )


def on_grid(*shape: int) -> Tensor:
    return torch.round(torch.randn(*shape, dtype=torch.float64) * 8 * GRID) / GRID


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(4)
    return on_grid(3, 24, 13, 17)


def test_close_to_floating_point_and_on_the_grid(x: Tensor) -> None:
    net = network()
    exact = harden(net, "net")(x)
    assert torch.equal(exact * GRID, torch.round(exact * GRID))
    assert torch.allclose(exact, net.double()(x), atol=0.02)


def test_bits_do_not_depend_on_threads_batch_or_layout(x: Tensor) -> None:
    exact = harden(network(), "net")
    reference = exact(x)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert torch.equal(exact(x), reference)
            assert torch.equal(torch.cat([exact(one[None]) for one in x]), reference)
            assert torch.equal(exact(x.contiguous(memory_format=torch.channels_last)), reference)
    finally:
        torch.set_num_threads(threads)


def test_bits_do_not_depend_on_the_order_of_channels() -> None:
    torch.manual_seed(5)
    layer = nn.Conv2d(64, 8, 3, padding=1)
    order = torch.randperm(64)
    permuted = nn.Conv2d(64, 8, 3, padding=1)
    permuted.load_state_dict({"weight": layer.weight[:, order], "bias": layer.bias})
    x = on_grid(1, 64, 9, 9)
    assert torch.equal(harden(layer, "a")(x), harden(permuted, "b")(x[:, order]))


def test_masked_convolution_at_sites_is_the_convolution() -> None:
    torch.manual_seed(6)
    exact = harden(MaskedConv2d(5, 7, causal_mask(5)), "masked")
    x = on_grid(2, 5, 8, 9)
    whole = exact(x)
    windows = nn.functional.unfold(x, 5, padding=2).view(2, 5, 25, -1)[:, :, causal_mask(5).flatten()].transpose(1, 2)
    assert torch.equal(exact.at(windows.flatten(1, 2)), whole.flatten(2))  # type: ignore[operator]


def gradient(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Output, and the gradient of a weighted sum of it."""
    leaf = x.clone().requires_grad_()
    output = net(leaf)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    return output.detach(), torch.autograd.grad((output * weights).sum(), leaf)[0]


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_floating_point_and_change_no_bit(x: Tensor, masked: bool) -> None:
    torch.manual_seed(9)
    net = nn.Sequential(MaskedConv2d(24, 8, causal_mask(5)), nn.LeakyReLU(0.2)) if masked else network()
    exact = harden(net, "net")
    with torch.inference_mode():
        reference = exact(x)
    output, slope = gradient(exact, x)
    _, expected = gradient(net.double(), x)
    assert torch.equal(output, reference)
    # a unit in the last place may turn a ReLU on or off: few gradients differ, and those that do by little
    error = (slope - expected).abs() / expected.abs().mean()
    assert float(error.median()) < 1e-3
    assert float(error.mean()) < 0.02


def test_gradients_at_single_sites() -> None:
    torch.manual_seed(10)
    layer = MaskedConv2d(5, 7, causal_mask(5))
    columns = on_grid(2, 5 * 12, 9)
    exact = harden(layer, "masked")
    leaf = columns.clone().requires_grad_()
    output = exact.at(leaf)  # type: ignore[operator]
    assert torch.equal(output.detach(), exact.at(columns))  # type: ignore[operator]
    (slope,) = torch.autograd.grad(output.sum(), leaf)
    expected = live_rows(layer.weight, layer.mask).sum(0)[None, :, None].expand(2, -1, 9)
    assert torch.allclose(slope, expected.double(), atol=1e-2)


def test_outputs_are_clamped() -> None:
    layer = nn.Conv2d(1, 1, 1)
    nn.init.constant_(layer.weight, 100.0)
    assert harden(layer, "layer")(torch.full((1, 1, 1, 1), 2000.0, dtype=torch.float64)).item() == LIMIT


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.BatchNorm2d(4), "batch.*BatchNorm2d"),
        (nn.Conv2d(1 << 17, 1, 1), "2\\^53"),
        (nn.LeakyReLU(2.0), "slope"),
    ],
)
def test_what_cannot_be_exact_is_refused(layer: nn.Module, message: str) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.constant_(layer.weight, 1.0)
    with pytest.raises(ExactnessError, match=f"(?s){message}"):
        harden(nn.Sequential(layer), "batch")


def test_weights_that_are_not_finite_are_refused() -> None:
    layer = nn.Conv2d(2, 2, 1)
    nn.init.constant_(layer.weight, float("nan"))
    with pytest.raises(ExactnessError, match="not finite"):
        harden(layer, "layer")
