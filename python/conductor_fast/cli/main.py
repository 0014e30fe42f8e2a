"""The command line's root: `conductor-fast --help`."""

from __future__ import annotations

import importlib
import platform

import click


class _LazyGroup(click.Group):
    """Imports a command's file when that command is run or listed, not at the start."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["accelerate", "bench", "demo", "dev", "run", "spool"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"conductor_fast.cli.{cmd_name}").command
        return command


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    from conductor_fast import _core

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"conductor-fast {version('conductor-fast')}, core {_core.__version__}, {python}")
    ctx.exit()


# \b: click keeps the lines as they are.
_EXIT_CODES = """\b
Exit codes:
  0  all went well, also after a stop by a signal
  1  it failed
  2  wrong usage
  3  the server cannot be reached, or refused
  4  stopped with tasks unfinished or unreported
  130, 143  ended by a second Ctrl-C or SIGTERM
"""


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions of the package and its core.",
)
def main() -> None:
    """Conductor workers in Python on a Rust core."""
