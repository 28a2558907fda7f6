"""The command line. Commands are in ``core/commandline``, and what they do in ``core/commands``, imported when used."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from .core.commandline import coding, listing, measuring, plugin, training, weights
from .core.commands.added import PluginCommands
from .core.errors import PlicError


class _Group(PluginCommands):
    """Turns every `PlicError` into a message on stderr and exit code 2; ``PLIC_DEBUG=1`` shows the traceback.

    An exception that comes out of a plugin's code becomes one that names the plugin.
    """

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            try:
                return super().invoke(ctx)
            except Exception as error:
                told = error if isinstance(error, PlicError) else _of_a_plugin(error)
                if told is None or os.environ.get("PLIC_DEBUG", "") not in ("", "0"):
                    raise
                click.echo(f"plic: {told}", err=True)
                sys.exit(2)


def _of_a_plugin(error: Exception) -> PlicError | None:
    """What to tell instead of a traceback if a plugin's code is at fault; None if it is not, or click tells it."""
    if isinstance(error, click.ClickException | click.Abort | click.exceptions.Exit):
        return None
    from .core.blame import plugin_error
    from .core.plugins import installed_plugins

    return plugin_error(error, installed_plugins())


def _show_warning(message: Warning | str, *_: object) -> None:
    click.echo(f"plic: warning: {message}", err=True)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from . import __version__

        click.echo(f"plic {__version__}")
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Version.")
def main() -> None:
    """Learned image codecs, composed from interchangeable parts."""


COMMANDS: Sequence[click.Command] = (
    coding.encode,
    coding.decode,
    coding.inspect,
    listing.recipes,
    listing.plugins,
    listing.anchors,
    plugin.plugin,
    training.train,
    training.ablate,
    measuring.evaluate,
    measuring.compare,
    weights.import_,
    weights.weights,
)
for command in COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()
