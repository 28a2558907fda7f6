"""plic's command line, in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from plic.cli import main


def run(*arguments: str, code: int = 0) -> Result:
    """What a command prints; it must end with ``code``."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, (result.output, result.exception)
    return result
