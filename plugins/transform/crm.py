"""Convolutional transform with concatenated residual modules."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from .attention import Attention
from .blocks import STRIDE, analysis_chain, margin, residual_unit, synthesis_chain
from .layered import LayeredTransform


class CrmTransform(LayeredTransform):
    """Residual transform of Fu et al. (2021, arXiv:2107.06463): concatenated residual modules (CRM).

    ::

        x     ─ down ─ CRM ─ down ─ attention ─ CRM ─ down ─ CRM ─ 3x3 /2 ─ attention ─ y
        y_hat ─ attention ─ CRM ─ up ─ CRM ─ up ─ attention ─ CRM ─ up ─ CRM ─ sub-pixel 3x3 ─ x_hat

    Args:
        channels: features everywhere and channels of the latent (N).
        stages: residual units in a module. 1 is the plain residual block, 2 and 3 are the paper's modules, with a
            long skip over all stages beside the short one around each. The released code has two; three follow the
            paper's figure.
        attention: attention modules, two in each direction.
        slope: negative slope of the LeakyReLU. The released code runs with TensorFlow's default, 0.2.
    """

    stride = STRIDE

    def __init__(
        self, *, channels: int = 128, stages: Literal[1, 2, 3] = 2, attention: bool = True, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.latent_channels = channels
        self.margin = margin(2 * stages, attention)

        def crm() -> nn.Module:
            return ConcatenatedResidualModule(channels, stages, slope)

        attend = (lambda: Attention(channels)) if attention else None
        self.analysis_layers = analysis_chain(channels, slope, crm, attend, last_bias=False)
        self.synthesis_layers = synthesis_chain(channels, slope, crm, attend)


class ConcatenatedResidualModule(nn.Module):
    """Residual units in a row, and a skip over all of them.

    With ``F_k(x) = L(conv(L(conv(x))))`` and ``t_k = t_(k-1) + F_k(t_(k-1))``, ``t_0 = x``, two and more stages give
    ``x + t_last``; one stage gives the plain residual block ``t_1``.
    """

    def __init__(self, channels: int, stages: int, slope: float) -> None:
        super().__init__()
        self.units = nn.ModuleList(residual_unit(channels, slope) for _ in range(stages))

    def forward(self, x: Tensor) -> Tensor:
        t = x
        for unit in self.units:
            t = t + unit(t)
        return t if len(self.units) == 1 else x + t
