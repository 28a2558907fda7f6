"""Entropy coding of one latent along its schedule: where context, head and coder meet.

    encode   y ─ for each step: parameters, symbols ─ integer distributions ─ coder ─ payload
    decode   payload ─ for each step: parameters of what is known ─ distributions ─ coder ─ symbols ─ values

A payload is the window of the symbols, the excesses of escaped symbols, then the coder's bytes.
"""

from .decoding import decode_latent
from .encoding import Quantised, encode_latent, encoding_steps, quantise
from .model import CodedLatent, LatentModel, digest, windowed_elements

__all__ = [
    "CodedLatent",
    "LatentModel",
    "Quantised",
    "decode_latent",
    "digest",
    "encode_latent",
    "encoding_steps",
    "quantise",
    "windowed_elements",
]
