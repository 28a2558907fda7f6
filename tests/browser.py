"""Debian's chromium for tests of pages, driven by playwright; tests are skipped where either is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE = 120_000
"""Milliseconds for any one thing, on a machine with other work to do."""


@dataclass
class Opened:
    """A page in the browser, with what it complained about and what it asked the network for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def launched() -> Iterator[Any]:
    """The browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, file: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> Iterator[Opened]:
    """A file, opened from the disk in a window of this size."""
    scheme = "dark" if dark else "light"
    found = Opened(browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme))
    found.page.set_default_timeout(_PATIENCE)
    found.page.on("console", lambda message: found.complaints.append(f"{message.type}: {message.text}"))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("requestfailed", lambda request: found.complaints.append(f"failed: {request.url[:100]}"))
    found.page.on("request", lambda request: found.requests.append(request.url[:100]))
    try:
        found.page.goto(file.as_uri())
        yield found
    finally:
        found.page.close()
