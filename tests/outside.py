"""A folder of somebody's, beside a distribution of `examples/` that was installed as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")
PIP = ("-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target")


@dataclass(frozen=True)
class Outside:
    """Where a user works.

    Attributes:
        folder: where recipes and pictures are.
        site: what the plugin was installed into.
        source: a copy of the plugin's repository.
    """

    folder: Path
    site: Path
    source: Path

    @classmethod
    def with_example(cls, name: str, folder: Path) -> Outside:
        """A folder, with the distribution ``examples/NAME`` installed for what runs there."""
        place = cls(folder, folder / "site", folder / "source")
        shutil.copytree(TREE / "examples" / name, place.source, ignore=LEFT_BEHIND)
        place.run(*PIP, place.site, place.source)
        return place

    def run(self, *command: str | Path, code: int = 0, **environ: str) -> str:
        """Output of a command of this interpreter, which must end with ``code``."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PLIC_"))}
        environment = {**inherited, "PYTHONPATH": str(self.site), **environ}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plic(self, *command: str | Path, code: int = 0, **environ: str) -> str:
        """Output of a plic command, which must end with ``code``."""
        return self.run("-m", "plic", *command, code=code, **environ)
