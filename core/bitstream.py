"""Between coded latents and a stream: what goes into header and sections, and what a decoder checks first."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .container import Header, Section, SectionKind, Stream
from .entropy import CodedLatents
from .errors import DamagedStream, NotAStream, StreamMismatch
from .image import Picture, crop, decode_plane, decode_profile, encode_plane, encode_profile, from_tensor
from .registry import default_registry


@dataclass(frozen=True)
class CodecIdentity:
    """What ties a stream to the codec that made it.

    Attributes:
        recipe: name of the recipe.
        fingerprint: the leading 4 bytes of the weights' fingerprint.
        levels: number of quality levels.
        interpolates: whether there are qualities between them.
        has_side: whether the recipe writes a side section.
    """

    recipe: str
    fingerprint: bytes
    levels: int
    interpolates: bool
    has_side: bool


def make_stream(
    picture: Picture,
    identity: CodecIdentity,
    quality: float,
    coder: str,
    index: int,
    coded: CodedLatents,
    offsets: tuple[int, ...] = (),
) -> Stream:
    """The stream of image ``index`` of a coded batch.

    Args:
        picture: what was encoded; its alpha plane and ICC profile become sections.
        identity: of the codec.
        quality: as `plic.core.container.Header` takes it.
        coder: id of the coder if it is not the recipe's own, else empty.
        index: in the batch.
        coded: latents of the batch.
        offsets: as `plic.core.container.Header` takes them.
    """
    side, latent = coded.payloads[index]
    sections = [Section(SectionKind.LATENT, latent)]
    if side is not None:
        sections.append(Section(SectionKind.SIDE, side))
    if picture.alpha is not None:
        sections.append(Section(SectionKind.ALPHA, encode_plane(picture.alpha)))
    if picture.icc is not None:
        sections.append(Section(SectionKind.ICC, encode_profile(picture.icc)))
    header = Header(
        recipe=identity.recipe,
        fingerprint=identity.fingerprint,
        width=picture.width,
        height=picture.height,
        quality=quality,
        digest=coded.digest(index),
        coder=coder,
        grey=picture.grey,
        offsets=offsets,
    )
    return Stream(header, tuple(sections))


def check_stream(stream: Stream, identity: CodecIdentity) -> None:
    """Refuse a stream that the codec cannot decode.

    Raises:
        StreamMismatch: it was made with other weights.
        NotAStream: it uses a feature of the format that is not implemented.
        DamagedStream: its sections are not those that the recipe writes.
    """
    header = stream.header
    if header.recipe != identity.recipe or header.fingerprint != identity.fingerprint:
        earlier = default_registry().catalogue.earlier(header.recipe, header.fingerprint)
        raise StreamMismatch(
            "the stream was made with other weights",
            got=f"recipe {header.recipe}, weights {header.fingerprint.hex()}",
            expected=f"recipe {identity.recipe}, weights {identity.fingerprint.hex()}",
            hint=earlier.hint if earlier else "decode it with the plic version or the weights file that made it",
        )
    between = header.quality != int(header.quality)
    unknown = between and not identity.interpolates
    if unknown or header.quality > identity.levels - 1:
        raise StreamMismatch(
            "the stream declares a quality that these weights do not have",
            got=header.quality,
            expected=f"0 to {identity.levels - 1}{', whole numbers only' if unknown else ''}",
            hint="fetch the file again",
        )
    if header.tile or header.same_machine:
        raise NotAStream(
            "the stream uses a feature that this plic does not know",
            got="tiles" if header.tile else "arithmetic of one machine",
            hint="upgrade plic: pip install --upgrade plic",
        )
    if (stream.payload(SectionKind.SIDE) is not None) != identity.has_side:
        raise DamagedStream(
            "the sections are not those that the recipe writes",
            got=", ".join(section.kind.label for section in stream.sections),
            hint="fetch the file again",
        )


def check_digest(stream: Stream, index: int, coded: CodedLatents) -> None:
    """Make sure that the decoded symbols are those that were encoded.

    Raises:
        StreamMismatch: they are not.
    """
    found = coded.digest(index)
    if found != stream.header.digest:
        raise StreamMismatch(
            "the decoded symbols are not those that were encoded",
            got=f"digest {found:08x}",
            expected=f"digest {stream.header.digest:08x}",
            hint="the stream's checksums are right, so encoder and decoder computed different probabilities; please "
            "report this with the file and the output of `plic plugins`",
        )


def picture_of(x_hat: Tensor, stream: Stream) -> Picture:
    """The picture of a reconstruction ``(1, 3, H, W)``, with the stream's colour offsets and what else it holds.

    Raises:
        DamagedStream: the alpha or ICC section is damaged.
    """
    header = stream.header
    alpha, icc = stream.payload(SectionKind.ALPHA), stream.payload(SectionKind.ICC)
    return from_tensor(
        crop(x_hat, header.height, header.width),
        grey=header.grey,
        alpha=None if alpha is None else decode_plane(alpha, header.width, header.height),
        icc=None if icc is None else decode_profile(icc),
        offsets=header.offsets,
    )
