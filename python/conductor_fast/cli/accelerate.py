"""`conductor-fast accelerate`: an unmodified program of conductor-python on this engine."""

from __future__ import annotations

from collections.abc import Sequence

import click


class _AsPython(click.Command):
    """What follows the program's name is the program's, options too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        names = (
            1 if args[:1] and args[0].startswith("-m") and args[0] != "-m" else 2 if args[:1] == ["-m"] else 0
        )
        if names or (args and not args[0].startswith("-")):
            args = [*args[:names], "--", *args[names:]]
        return super().parse_args(ctx, args)


@click.command(cls=_AsPython, options_metavar="", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-m", "module", metavar="MODULE", help="Run a module, as `python -m` does, instead of a file.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="(FILE | -m MODULE) [ARGUMENT]...")
def command(module: str | None, arguments: Sequence[str]) -> None:
    """Run a program that is written for conductor-python on this engine, as `python FILE` would run it.

    Its TaskHandler, TaskRunner and AsyncTaskRunner use this engine: all workers in one process. What cannot
    be accelerated runs on conductor-python, with a line that says what and why. CONDUCTOR_FAST_ACCELERATE=0
    switches it off. Exit codes are the program's; 143 after SIGTERM, once running tasks are reported.
    """
    from conductor_fast.accelerate import install
    from conductor_fast.accelerate.program import run_module, run_script

    if module is None and not arguments:
        raise click.UsageError("name a file or a module: conductor-fast accelerate app.py")
    install()
    try:
        if module is None:
            run_script(arguments[0], arguments[1:])
        else:
            run_module(module, arguments)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if module is not None or error.filename is None:
            raise
        raise click.UsageError(f"can't open file {arguments[0]!r}: {error.strerror}") from None
