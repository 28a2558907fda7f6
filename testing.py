"""The conformance kit: tests that every part and every composition of parts passes, for parts of your own.

::

    from plic.testing import HeadContract
    from plic_student_t import StudentT

    class TestStudentT(HeadContract):
        part = StudentT
        settings = {"degrees": 3.0}

pytest collects the tests of the class. What a broken contract is called, what was seen and what was expected is in
the message. See docs/testing.md. Needs the extra ``testing``: pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping

try:
    from .core.testing.broken import ContractBroken, fail, require
    from .core.testing.codec import CodecContract
    from .core.testing.coder import CoderContract
    from .core.testing.context import ContextContract
    from .core.testing.contract import Contract, PartContract, contract, for_any
    from .core.testing.distortion import DistortionContract
    from .core.testing.head import HeadContract
    from .core.testing.quantizer import QuantizerContract
    from .core.testing.rate import RateContract
    from .core.testing.refiner import RefinerContract
    from .core.testing.schedule import ScheduleContract
    from .core.testing.side_information import SideInformationContract
    from .core.testing.transform import TransformContract
except ModuleNotFoundError as error:
    if error.name not in ("hypothesis", "pytest"):
        raise
    raise ModuleNotFoundError(
        f"plic.testing needs {error.name}, which is not installed\n  next:     pip install 'plic[testing]'",
        name=error.name,
    ) from error

CONTRACTS: Mapping[str, type[Contract]] = {
    kind.plic_slot: kind
    for kind in (
        TransformContract,
        RateContract,
        SideInformationContract,
        ContextContract,
        ScheduleContract,
        HeadContract,
        QuantizerContract,
        CoderContract,
        DistortionContract,
        RefinerContract,
    )
}
"""The contract of each slot, by the slot's name."""

__all__ = [
    "CONTRACTS",
    "CodecContract",
    "CoderContract",
    "ContextContract",
    "Contract",
    "ContractBroken",
    "DistortionContract",
    "HeadContract",
    "PartContract",
    "QuantizerContract",
    "RateContract",
    "RefinerContract",
    "ScheduleContract",
    "SideInformationContract",
    "TransformContract",
    "contract",
    "fail",
    "for_any",
    "require",
]
