"""Pictures: read from any file Pillow knows, held as 8-bit RGB, turned into tensors and back, and written again.

    file or PIL image ── read_picture ──> Picture ── to_tensor ──> x ── pad ──> codec
    file <── write_picture ── Picture <── from_tensor ── x_hat <── crop ──┘        (to_pil gives a PIL image)

The alpha plane and the ICC profile do not pass through the codec: ``encode_plane`` and ``encode_profile`` turn them
into section payloads, without loss. torch is imported only inside the functions that make tensors.
"""

from .extras import decode_plane, decode_profile, encode_plane, encode_profile
from .folders import find_pictures
from .means import channel_offsets
from .picture import FrameWarning, Picture, PictureWarning, PrecisionWarning, to_pil
from .reading import read_picture
from .tensors import crop, from_tensor, pad, padded_size, to_tensor
from .writing import write_picture

__all__ = [
    "FrameWarning",
    "Picture",
    "PictureWarning",
    "PrecisionWarning",
    "channel_offsets",
    "crop",
    "decode_plane",
    "decode_profile",
    "encode_plane",
    "encode_profile",
    "find_pictures",
    "from_tensor",
    "pad",
    "padded_size",
    "read_picture",
    "to_pil",
    "to_tensor",
    "write_picture",
]
