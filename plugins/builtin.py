"""The parts that come with plic, registered through the same hook as a third party's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.hookspecs import API_VERSION, hookimpl
from ..core.registry import PartSpec
from .coder.constriction import ConstrictionCoder
from .coder.range_coder import RangeCoder
from .coder.torchac import TorchacCoder
from .context.checkerboard_conv import CheckerboardConv
from .context.masked_conv import MaskedConv
from .context.mixture_cnn import MixtureCnn
from .context.side_only import SideOnly
from .distortion.mse import Mse
from .head.factorized import Factorized
from .head.gaussian import Gaussian
from .head.gllmm import Gllmm
from .head.laplacian import Laplacian
from .head.logistic import Logistic
from .head.mixtures import GaussianMixture, LaplacianMixture, LogisticMixture
from .quantizer.integer import IntegerGrid
from .quantizer.mean_centred import MeanCentred
from .quantizer.median import ChannelMedian
from .rate.fixed import FixedRate
from .rate.gain import Gain
from .schedule.checkerboard import Checkerboard
from .schedule.msp import Msp
from .schedule.one_step import OneStep
from .schedule.raster import Raster
from .side_information.hyperprior import Hyperprior
from .transform.crm import CrmTransform
from .transform.gdn import GdnTransform
from .transform.patch import PatchTransform

PLIC_API = API_VERSION

PARTS: dict[str, dict[str, type[Any]]] = {
    "transform": {
        "gdn": GdnTransform,
        "crm": CrmTransform,
        "patch": PatchTransform,
    },
    "rate": {
        "fixed": FixedRate,
        "gain": Gain,
    },
    "side_information": {
        "hyperprior": Hyperprior,
    },
    "context": {
        "side-only": SideOnly,
        "masked-conv": MaskedConv,
        "checkerboard-conv": CheckerboardConv,
        "mixture-cnn": MixtureCnn,
    },
    "schedule": {
        "one-step": OneStep,
        "raster": Raster,
        "checkerboard": Checkerboard,
        "msp": Msp,
    },
    "head": {
        "factorized": Factorized,
        "gaussian": Gaussian,
        "laplacian": Laplacian,
        "logistic": Logistic,
        "gmm": GaussianMixture,
        "laplacian-mixture": LaplacianMixture,
        "logistic-mixture": LogisticMixture,
        "gllmm": Gllmm,
    },
    "quantizer": {
        "integer": IntegerGrid,
        "mean-centred": MeanCentred,
        "median": ChannelMedian,
    },
    "coder": {
        "range": RangeCoder,
        "torchac": TorchacCoder,
        "constriction": ConstrictionCoder,
    },
    "distortion": {
        "mse": Mse,
    },
}
"""Classes by slot and id."""


@hookimpl
def plic_register_parts() -> Iterable[PartSpec]:
    """Every built-in part."""
    return [PartSpec(slot, part, cls) for slot, parts in PARTS.items() for part, cls in parts.items()]
