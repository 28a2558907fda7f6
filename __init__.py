"""plic: learned image codecs, composed from interchangeable parts.

::

    import plic
    codec = plic.load("house", quality=4)       # a FrozenCodec: codes, cannot be trained
    data = codec.encode(PIL.Image.open("a.png"))
    picture = codec.decode(data)
    model = plic.build("fu2021", overrides={"head.use": "gaussian"})   # a Codec: can be trained, cannot code

Importing plic is light: torch is imported when something here is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import errors
    from .core.api import build, load
    from .core.errors import PlicError
    from .core.recipe import load_recipe
    from .core.targeting import encode_to_target

    __version__: str

__all__ = ["PlicError", "__version__", "build", "encode_to_target", "errors", "load", "load_recipe"]

_HOMES = {
    "PlicError": ".core.errors",
    "build": ".core.api",
    "encode_to_target": ".core.targeting",
    "load": ".core.api",
    "load_recipe": ".core.recipe",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module, metadata

    if name == "__version__":
        try:
            return metadata.version("plic")
        except metadata.PackageNotFoundError:
            return "0+unknown"
    if name == "errors":
        return import_module(".core.errors", __name__)
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
