"""Freed memory: told to the C library where there is one that listens, and harmless elsewhere."""

from __future__ import annotations

import platform
import sys

import pytest

from plic.core.memory import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_glibc_listens() -> None:
    assert keep_freed_memory()
    assert keep_freed_memory()  # again is no error


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_freed_memory()
