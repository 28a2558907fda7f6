"""Files from elsewhere: fetched once, verified by their SHA-256, kept in a cache. Nothing fetched is ever executed."""

from .cache import cached_path, fetch, is_sound, sha256_of
from .model import Download, Progress, reporting, url_fault

__all__ = ["Download", "Progress", "cached_path", "fetch", "is_sound", "reporting", "sha256_of", "url_fault"]
