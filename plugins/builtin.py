"""The parts that come with plic, registered through the same hook as a third party's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.hookspecs import API_VERSION, hookimpl
from ..core.importing import Importer
from ..core.registry import PartSpec
from . import anchor
from .coder.constriction import ConstrictionCoder
from .coder.range_coder import RangeCoder
from .coder.torchac import TorchacCoder
from .context.causal_global import CausalGlobal
from .context.channel_slices import ChannelSlices
from .context.checkerboard_conv import CheckerboardConv
from .context.grouped_checkerboard_conv import GroupedCheckerboardConv
from .context.grouped_masked_conv import GroupedMaskedConv
from .context.masked_conv import MaskedConv
from .context.masked_conv_3d import MaskedConv3dContext
from .context.mixture_cnn import MixtureCnn
from .context.quarters_conv import QuartersConv
from .context.side_only import SideOnly
from .distortion.mix import Mix
from .distortion.ms_ssim import MsSsim
from .distortion.mse import Mse
from .head.factorized import Factorized
from .head.gaussian import Gaussian
from .head.gllmm import Gllmm
from .head.laplacian import Laplacian
from .head.logistic import Logistic
from .head.mixtures import GaussianMixture, LaplacianMixture, LogisticMixture
from .importer.compressai import CompressAi
from .quantizer.integer import IntegerGrid
from .quantizer.mean_centred import MeanCentred
from .quantizer.median import ChannelMedian
from .rate.fixed import FixedRate
from .rate.gain import Gain
from .refiner.lof import LatentOverfitting
from .schedule.checkerboard import Checkerboard
from .schedule.groups import Groups
from .schedule.groups_checkerboard import GroupsCheckerboard
from .schedule.groups_raster import GroupsRaster
from .schedule.msp import Msp
from .schedule.one_step import OneStep
from .schedule.quarters import Quarters
from .schedule.raster import Raster
from .schedule.two_groups_raster import TwoGroupsRaster
from .schedule.volume import Volume
from .side_information.dual_hyperprior import DualHyperprior
from .side_information.hyperprior import Hyperprior
from .side_information.nonlocal_hyperprior import NonlocalHyperprior
from .transform.bottleneck import BottleneckTransform
from .transform.crm import CrmTransform
from .transform.gdn import GdnTransform
from .transform.gdn_3 import ThreeStageGdnTransform
from .transform.nonlocal_attention import NonlocalTransform
from .transform.patch import PatchTransform
from .transform.residual import ResidualTransform
from .transform.residual_plain import PlainResidualTransform

PLIC_API = API_VERSION

PARTS: dict[str, dict[str, type[Any]]] = {
    "transform": {
        "gdn": GdnTransform,
        "gdn-3": ThreeStageGdnTransform,
        "residual": ResidualTransform,
        "residual-plain": PlainResidualTransform,
        "crm": CrmTransform,
        "nonlocal": NonlocalTransform,
        "patch": PatchTransform,
        "bottleneck": BottleneckTransform,
    },
    "rate": {
        "fixed": FixedRate,
        "gain": Gain,
    },
    "side_information": {
        "hyperprior": Hyperprior,
        "dual-hyperprior": DualHyperprior,
        "nonlocal-hyperprior": NonlocalHyperprior,
    },
    "context": {
        "side-only": SideOnly,
        "masked-conv": MaskedConv,
        "masked-conv-3d": MaskedConv3dContext,
        "checkerboard-conv": CheckerboardConv,
        "grouped-masked-conv": GroupedMaskedConv,
        "grouped-checkerboard-conv": GroupedCheckerboardConv,
        "channel-slices": ChannelSlices,
        "mixture-cnn": MixtureCnn,
        "quarters-conv": QuartersConv,
        "causal-global": CausalGlobal,
    },
    "schedule": {
        "one-step": OneStep,
        "quarters": Quarters,
        "raster": Raster,
        "volume": Volume,
        "checkerboard": Checkerboard,
        "groups": Groups,
        "groups-raster": GroupsRaster,
        "groups-checkerboard": GroupsCheckerboard,
        "msp": Msp,
        "two-groups-raster": TwoGroupsRaster,
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
        "ms-ssim": MsSsim,
        "mix": Mix,
    },
    "refiner": {
        "lof": LatentOverfitting,
    },
}
"""Classes by slot and id."""


@hookimpl
def plic_register_parts() -> Iterable[PartSpec]:
    """Every built-in part."""
    return [PartSpec(slot, part, cls) for slot, parts in PARTS.items() for part, cls in parts.items()]


@hookimpl
def plic_register_importers() -> Iterable[Importer]:
    """Every built-in importer."""
    return [CompressAi()]


@hookimpl
def plic_register_anchors() -> Iterable[Path]:
    """Every file of anchors that comes with plic."""
    return anchor.FILES
