"""The slots of a codec: one abstract class per file, whose docstring is the contract.

    x ─ transform.analysis ─ y ─ rate.scale ─┬─ side_information.analysis ─ z ─ (factorized head) ─ coder
                                             │                  │
                                             │        side_information.synthesis ─ side features
                                             │                                          │
                                             └─ quantizer ─ schedule ─ context ─ head ─ coder ─ bytes

A part's constructor says what it needs: positional arguments are wiring, delivered by the chain (for instance the
number of latent channels); keyword-only arguments with annotations are the part's settings, and thereby the keys
that a recipe may use for it. A class may list settings in ``training_only``, a frozenset of names: they change how a
codec is trained and nothing that the trained codec computes, so they are left out of a recipe's fingerprint.
"""

from .context import Context, ContextState, ContextWiring, TeacherForced
from .distortion import Distortion
from .elements import at_sites, put, take
from .head import Distributions, Head
from .quantizer import Grid, Quantizer, Surrogate
from .rate import Rate
from .refiner import Assessment, Cost, Latents, Objective, Refiner
from .schedule import LatentShape, Schedule, Step
from .side_information import SideInformation
from .transform import Transform

__all__ = [
    "Assessment",
    "Context",
    "ContextState",
    "ContextWiring",
    "Cost",
    "Distortion",
    "Distributions",
    "Grid",
    "Head",
    "LatentShape",
    "Latents",
    "Objective",
    "Quantizer",
    "Rate",
    "Refiner",
    "Schedule",
    "SideInformation",
    "Step",
    "Surrogate",
    "TeacherForced",
    "Transform",
    "at_sites",
    "put",
    "take",
]
