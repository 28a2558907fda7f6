"""Where weights come from: seed, versions, state of the source, photographs; written beside every checkpoint."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from ..files import write_atomically
from ..layers import computes_with_bfloat16
from ..versions import versions
from .photographs import Photographs
from .world import World

FILE = "run.json"
SOURCE = Path(__file__).resolve().parents[2]


def write_provenance(
    folder: Path, seed: int, data: Sequence[Path], photographs: Photographs, world: World, start: Path | None
) -> None:
    """Add what this part of a run is made with to ``run.json``; a resumed run has several parts.

    Args:
        folder: of the run.
        seed: of every random number.
        data: folders of photographs.
        photographs: what was found in them.
        world: where it computes.
        start: weights that the run started from, if any.
    """
    part = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": seed,
        "data": [str(path) for path in data],
        "photographs": len(photographs),
        "photographs_sha256": hashlib.sha256(photographs.pixels.cpu().numpy().data).hexdigest(),
        "start": None if start is None else {"file": str(start), "sha256": _sha256(start)},
        "device": _device(world.device),
        "computes_with_bfloat16": computes_with_bfloat16(world.device),
        "processes": world.size,
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "git": _git(),
    }
    path = folder / FILE
    parts = json.loads(path.read_text())["parts"] if path.exists() else []
    write_atomically(path, json.dumps({"parts": [*parts, part]}, indent=1).encode() + b"\n")


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} {platform.machine()}"


def _git() -> dict[str, Any] | None:
    """Commit of plic's source, and whether it was changed since; None where it is not under git."""
    if shutil.which("git") is None or not (SOURCE / ".git").exists():
        return None

    def ask(*arguments: str) -> str:
        command = ["git", "-C", str(SOURCE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain"))}
    except subprocess.CalledProcessError:
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
