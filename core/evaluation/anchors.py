"""Rate-distortion curves to compare with: known codecs, measured by someone on some set of pictures.

    plic_register_anchors ── JSON files ── load_anchors ──> id: Anchor ── curve() ──> Curve ── bd_rate(anchor, test)

A file holds the anchors of one set of pictures::

    {"plic_anchors": 1, "data": "kodak", "anchors": [
        {"id": "jpeg", "title": "JPEG", "kind": "measured", "source": "...", "rate": [0.5, 1.0], "psnr": [30, 33]}]}
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import PlicError, PluginError, UnknownName, near_matches
from ..files import read_file
from ..named import duplicate
from ..registry import Registry, default_registry
from .bdrate import Curve, Metric
from .metrics import ms_ssim_db

if TYPE_CHECKING:
    from ..plugins import Plugin

Kind = Literal["measured", "published file", "author", "digitised", "third party"]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*(/[a-z0-9][a-z0-9._+-]*)*$")]
Text = Annotated[str, Field(min_length=1)]
Values = tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class _Entry(_Checked):
    """What a file says about one anchor; see `Anchor` for the fields."""

    id: Id
    title: Text
    kind: Kind
    source: Text
    rate: Values
    psnr: Values | None = None
    ms_ssim: tuple[Annotated[float, Field(gt=0, lt=1)], ...] | None = None
    note: str = ""
    default: bool = False

    @model_validator(mode="after")
    def _makes_curves(self) -> Self:
        if self.psnr is None and self.ms_ssim is None:
            raise ValueError("neither psnr nor ms_ssim is given")
        if self.psnr is not None:
            _curve(self.rate, self.psnr)
        if self.ms_ssim is not None:
            _curve(self.rate, self.ms_ssim)
        return self


class Anchor(_Entry):
    """A codec's mean rate-distortion curve on a set of pictures.

    Attributes:
        id: by which it is asked for, unique among all anchors; lower-case letters, digits, ``. _ + -`` and ``/``.
        title: for tables and legends.
        kind: who vouches for the figures: ``measured`` by the plugin's author, ``published file`` of results in a
            repository, posted by an ``author`` of the codec, ``digitised`` from a figure, or run by a ``third party``.
        source: where they come from: how they were measured, or repository, commit and file, or URL.
        data: name of the set of pictures.
        pictures: how many there are in the set; None where the file does not say.
        rate: mean bits per pixel.
        psnr: mean PSNR-RGB in dB for each rate; None where only MS-SSIM is known.
        ms_ssim: mean MS-SSIM, 0 to 1, for each rate; None where it is not known.
        note: what to know before quoting a comparison with it.
        default: comparisons on this set of pictures use it unless told otherwise.
    """

    data: Text
    pictures: int | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that `curve` gives."""
        known: tuple[tuple[Metric, object], ...] = (("psnr", self.psnr), ("ms_ssim_db", self.ms_ssim))
        return tuple(metric for metric, values in known if values is not None)

    def curve(self, metric: Metric = "psnr") -> Curve:
        """Rate and quality in dB.

        Raises:
            PlicError: the anchor has no values of this metric.
        """
        if metric not in self.metrics:
            raise PlicError(
                f"the anchor {self.id!r} has no {metric}", expected=" or ".join(self.metrics), hint="use another anchor"
            )
        if metric == "psnr":
            return Curve(self.rate, self.psnr or ())
        return Curve(self.rate, tuple(map(ms_ssim_db, self.ms_ssim or ())))


class _File(_Checked):
    plic_anchors: Literal[1]
    data: Text
    pictures: Annotated[int, Field(gt=0)] | None = None
    anchors: tuple[_Entry, ...]

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        names = [entry.id for entry in self.anchors]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"twice: {', '.join(twice)}")
        return self


def read_anchors(path: str | Path) -> list[Anchor]:
    """Read one file of anchors.

    Raises:
        FileError: it cannot be read.
        PlicError: it is not a file of anchors; the message names the file and the place.
    """
    data = read_file(path)
    try:
        file = _File.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise PlicError(
            f"{path} is not a sound file of anchors",
            got=f"{where}: {first['msg']}",
            hint="docs/evaluation.md describes such files",
        ) from error
    return [Anchor(data=file.data, pictures=file.pictures, **dict(entry)) for entry in file.anchors]


def load_anchors(registry: Registry | None = None) -> dict[str, Anchor]:
    """All anchors that plugins register, by id, in the order of the plugins and their files.

    A file that is not sound, and an id that has two providers, give a warning and are left out: they harm no others.

    Args:
        registry: whose plugins are asked; those of the installation by default.
    """
    providers, broken = _providers(registry or default_registry())
    conflicts = [_conflict(name, found) for name, found in providers.items() if len(found) > 1]
    for error in (*broken, *conflicts):
        warnings.warn(str(error), stacklevel=2)
    return {name: found[0][1] for name, found in providers.items() if len(found) == 1}


def anchor_named(name: str, registry: Registry | None = None) -> Anchor:
    """The anchor with an id.

    Raises:
        UnknownName: there is none; the message names near ones.
        PluginError: two files provide it.
    """
    providers, broken = _providers(registry or default_registry())
    found = providers.get(name, [])
    if len(found) > 1:
        raise _conflict(name, found)
    if not found:
        unread = f"; could not be read: {'; '.join(error.problem for error in broken)}" if broken else ""
        raise UnknownName(
            f"no anchor is called {name!r}",
            near=near_matches(name, providers),
            hint=f"`plic anchors` lists all anchors{unread}",
        )
    return found[0][1]


def _providers(registry: Registry) -> tuple[dict[str, list[tuple[Plugin, Anchor]]], list[PluginError]]:
    """Who provides which anchor, and what is wrong with files that could not be read."""
    providers: dict[str, list[tuple[Plugin, Anchor]]] = {}
    broken = []
    for plugin in registry.plugins:
        own: dict[str, Anchor] = {}
        for path in plugin.anchor_files:
            try:
                anchors = {anchor.id: anchor for anchor in read_anchors(path)}
                _refuse_twice(path, own.keys() & anchors)
            except PlicError as error:
                problem = f"anchors of {plugin.provider} are left out: {error.problem}"
                broken.append(PluginError(problem, got=error.got, hint=error.hint))
            else:
                own |= anchors
        for name, anchor in own.items():
            providers.setdefault(name, []).append((plugin, anchor))
    return providers, broken


def _refuse_twice(path: Path, names: Iterable[str]) -> None:
    if twice := sorted(names):
        raise PlicError(f"{path} has anchors that another file of the plugin has", got=", ".join(twice))


def _conflict(name: str, found: list[tuple[Plugin, Anchor]]) -> PluginError:
    return duplicate(f"anchor {name!r}", [plugin for plugin, _ in found])


def _curve(rate: tuple[float, ...], quality: tuple[float, ...]) -> Curve:
    """A curve, whose faults are of the kind that validators report."""
    try:
        return Curve(rate, quality)
    except PlicError as error:
        raise ValueError(f"{error.problem}: {error.got}") from error
