"""What pictures and streams must have in common to be coded together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .bitstream import CodecIdentity, check_stream
from .container import Header, Stream
from .errors import PlicError
from .image import padded_size


def stack(tensors: Sequence[Tensor]) -> Tensor:
    """Padded pictures ``(1, 3, H, W)`` as one batch.

    Raises:
        PlicError: they are of different sizes.
    """
    if len({tensor.shape for tensor in tensors}) > 1:
        raise PlicError(
            "pictures of one batch must have the same size",
            got=", ".join(f"{tensor.shape[-1]}x{tensor.shape[-2]}" for tensor in tensors),
            hint="encode them singly",
        )
    return torch.cat(list(tensors))


def common_header(streams: Sequence[Stream], identity: CodecIdentity, stride: int) -> Header:
    """The header of the first stream; in size, quality and coder it holds for all.

    Args:
        streams: at least one.
        identity: of the codec that is to decode them.
        stride: pixels per latent site and side: sizes are compared after padding.

    Raises:
        StreamError: the codec cannot decode one of them, see `check_stream`.
        PlicError: they differ in size, quality or coder.
    """
    first = streams[0].header
    for stream in streams:
        check_stream(stream, identity)
        if _key(stream.header, stride) != _key(first, stride):
            raise PlicError("streams of one batch must agree in size, quality and coder", hint="decode them singly")
    return first


def _key(header: Header, stride: int) -> tuple[object, ...]:
    return (*padded_size(header.height, header.width, stride), header.quality, header.coder)
