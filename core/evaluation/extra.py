"""Metrics of plugins, called so that whatever goes wrong names the plugin and the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import PluginError, UnknownName
from ..metric import MetricSpec
from ..registry import Registry, default_registry
from .metrics import Pixels
from .results import MetricFacts

OWN = frozenset({"psnr", "ms-ssim", "ms_ssim", "bpp"})
"""What people may take for the name of a metric and is in every result."""


@dataclass(frozen=True)
class ExtraMetric:
    """A metric and the plugin that it comes from.

    Attributes:
        spec: as the plugin registered it.
        provider: the distribution and its version.
    """

    spec: MetricSpec
    provider: str

    @property
    def facts(self) -> MetricFacts:
        """For the results file."""
        spec = self.spec
        return MetricFacts(provider=self.provider, better=spec.better, unit=spec.unit, title=spec.title or spec.id)

    def value(self, reference: Pixels, decoded: Pixels, name: str = "") -> float:
        """Of one picture.

        Args:
            reference: uint8 ``(H, W, 3)``.
            decoded: likewise.
            name: of the picture, for messages.

        Raises:
            PluginError: the metric raised an exception, or gave no number.
        """
        try:
            # a metric that writes into the pixels would change the figures of those that come after it
            return float(self.spec.function(reference.copy(), decoded.copy()))
        except Exception as error:
            raise PluginError(
                f"the metric {self.spec.id!r} of {self.provider} failed on {name or 'a picture'}",
                got=f"{type(error).__name__}: {error}".splitlines()[0],
                expected="a number",
                hint="measure without --metric, or tell the plugin's authors; PLIC_DEBUG=1 shows the traceback",
            ) from error


def extra_metrics(names: Sequence[str], registry: Registry | None = None) -> tuple[ExtraMetric, ...]:
    """Metrics of plugins by name, each once.

    Raises:
        UnknownName: there is no such metric.
        PluginError: two plugins provide it.
    """
    registry = registry or default_registry()
    if own := sorted(OWN.intersection(names).difference(registry.metrics)):
        raise UnknownName(
            f"{own[0]!r} is always measured", expected="a metric of a plugin", hint="leave out this --metric"
        )
    return tuple(ExtraMetric(registry.metric(name), registry.metrics[name]) for name in dict.fromkeys(names))
