"""Commands that plugins add to ``plic``. Nothing here imports torch; what a plugin imports is its own affair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from ..named import Named, may_provide

if TYPE_CHECKING:
    from ..plugins import Plugin

GROUP = "plic.commands"
"""`plic.core.hookspecs.COMMANDS`, without what that module imports."""
_KEPT = f"{__name__}.plugins"


class PluginCommands(click.Group):
    """A group whose commands, and then those of plugins, can be called; a plugin's never hides one of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Its own commands, then those of plugins, both sorted."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in _named(ctx).names if name not in own)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command of its own, or else a plugin's; plugins are not even looked for if there is one of its own.

        Raises:
            PluginError: two plugins provide it.
        """
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (added := _named(ctx)).names:
            return own
        return added.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command is told of plugins that failed to load."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            failed = [may_provide(plugin) for plugin in _plugins(ctx) if plugin.error is not None]
            if not failed:
                raise
            raise click.UsageError("\n".join([error.format_message(), *failed]), ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own commands, then a section for each plugin that adds some, and those that failed to load."""
        own = super().list_commands(ctx)
        commands = [self.commands[name] for name in own]
        _section(formatter, "Commands", [one for one in commands if not one.hidden])
        for plugin in _plugins(ctx):
            added = [one for one in plugin.commands if not one.hidden and one.name not in own]
            _section(formatter, f"Commands of {plugin.provider}", added)
        if failed := [(plugin.provider, plugin.reason) for plugin in _plugins(ctx) if plugin.error is not None]:
            with formatter.section("Plugins that failed to load, see `plic plugins`"):
                formatter.write_dl(failed)


def _section(formatter: click.HelpFormatter, title: str, commands: Iterable[click.Command]) -> None:
    named = [(one.name or "", one) for one in sorted(commands, key=lambda one: one.name or "")]
    if not named:
        return
    limit = formatter.width - 6 - max(len(name) for name, _ in named)
    with formatter.section(title):
        formatter.write_dl([(name, one.get_short_help_str(limit)) for name, one in named])


def _named(ctx: click.Context) -> Named[click.Command]:
    return Named("command", ((by, one.name or "", one) for by in _plugins(ctx) for one in by.commands))


def _plugins(ctx: click.Context) -> list[Plugin]:
    """Those of this installation, loaded once for each call of the program."""
    if _KEPT not in ctx.meta:
        ctx.meta[_KEPT] = _loaded()
    found: list[Plugin] = ctx.meta[_KEPT]
    return found


def _loaded() -> list[Plugin]:
    from importlib.metadata import entry_points  # most calls of the program never come here

    if not entry_points(group=GROUP):
        return []
    from ..plugins import load_commands

    return load_commands()
