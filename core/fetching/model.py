"""What is fetched, from where it may come, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

Progress = Callable[[str, int, int], None]
"""Called with what is fetched (a few words), the bytes that are there and the bytes of the whole."""

LOCAL = ("localhost", "127.0.0.1", "::1")
ALLOWED = "https://..., file:///..., or http:// of this machine (localhost)"

# Scoped to a `with` block: loading is deep below the command that shows a bar, and partly behind a cache of codecs.
_REPORT: ContextVar[Progress | None] = ContextVar("plic_fetching", default=None)


@dataclass(frozen=True)
class Download:
    """A file that can be fetched.

    Attributes:
        url: https, file, or http of this machine.
        sha256: of the file, 64 hexadecimal digits.
        size: of the file, in bytes.
    """

    url: str
    sha256: str
    size: int


def url_fault(url: str) -> str | None:
    """Why nothing is fetched from a URL; None if it may be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme == "https":
        return None if host else "it names no host"
    if parts.scheme == "http":
        return None if host in LOCAL else "http is neither private nor authentic"
    if parts.scheme == "file":
        return None if host in (None, "localhost") and parts.path.startswith("/") else "it is no absolute path"
    return f"nothing is fetched by {parts.scheme!r}" if parts.scheme else "it is no URL"


@contextmanager
def reporting(progress: Progress | None) -> Iterator[None]:
    """Whatever is fetched inside this block is reported to ``progress``; None leaves it to the block around."""
    if progress is None:
        yield
        return
    token = _REPORT.set(progress)
    try:
        yield
    finally:
        _REPORT.reset(token)


def report(label: str, done: int, total: int) -> None:
    """Tell whoever listens."""
    progress = _REPORT.get()
    if progress is not None:
        progress(label, done, total)
