"""Two ``plic ablate`` in one folder: the second is refused, unless the first was interrupted or has crashed."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from ablations import StandInEngine, curves, draw_folders
from click.testing import CliRunner

from plic.cli import main
from plic.core.ablation import Listener, Plan, Task
from plic.core.commands.ablating import run_study
from plic.core.commands.ablation_display import AblationDisplay
from plic.core.errors import FileError
from plic.core.locks import HOLDER, alone_in

CRASH = """
import os, signal, sys
from pathlib import Path
from plic.core.locks import alone_in
with alone_in(Path(sys.argv[1]), "plic ablate"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def study(tmp_path: Path) -> Plan:
    """Of one run."""
    draw_folders(tmp_path)
    return curves(tmp_path)


def run(study: Plan) -> list[str]:
    """Status of each cell after the study has run."""
    gathered = run_study(study, StandInEngine(1), AblationDisplay())
    return [outcome.status for outcome in gathered.outcomes]


class InterruptedEngine:
    """Ctrl-C comes at once."""

    def run(self, tasks: Sequence[Task], listener: Listener) -> None:
        raise KeyboardInterrupt


def test_a_second_command_is_told_who_is_at_work(study: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    out = study.settings.out
    monkeypatch.chdir(out.parent)
    out.mkdir()
    arguments = ["minnen2018-mean", "--data", "photographs", "--pictures", "pictures", "--out", "study"]
    with alone_in(out, "plic ablate"):
        result = CliRunner().invoke(main, ["ablate", *arguments])
    assert result.exit_code == 2
    assert "another 'plic ablate' is at work in this folder" in result.stderr
    assert f"study: process {os.getpid()} on {platform.node()}, since 2" in result.stderr
    assert "end it with Ctrl-C where it runs, or name another folder with --out" in result.stderr
    assert {path.name for path in out.iterdir()} == {".lock"}


def test_after_ctrl_c_the_folder_is_free(study: Plan) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_study(study, InterruptedEngine(), AblationDisplay())
    assert run(study) == ["finished"]


def test_a_crash_leaves_no_lock(study: Plan) -> None:
    out = study.settings.out
    out.mkdir()
    crashed = subprocess.run([sys.executable, "-c", CRASH, out], check=False)
    assert crashed.returncode == -signal.SIGKILL
    assert (out / HOLDER).exists()
    assert run(study) == ["finished"]
    assert not (out / HOLDER).exists()


def test_other_folders_are_free(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with alone_in(one, "plic ablate"), alone_in(other, "plic ablate"):
        assert (one / HOLDER).read_text() != ""


def test_what_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(FileError, match=r"cannot be written to(?s:.*)--out"),
        alone_in(tmp_path / "file", "plic ablate"),
    ):
        pass
