"""`conductor-fast run`: the workers of modules, until the program is stopped."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from conductor_fast.cli.logs import log_options, set_up
from conductor_fast.cli.metrics_port import metrics_port_option, told_metrics

if TYPE_CHECKING:
    from conductor_fast.host.task_handler import TaskHandler
    from conductor_fast.settings.configuration import Configuration
    from conductor_fast.worker.worker_interface import WorkerInterface

_WORK_IS_LEFT = 4


@click.command()
@click.argument("modules", nargs=-1, required=True, metavar="MODULE...")
@click.option(
    "--server",
    envvar="CONDUCTOR_SERVER_URL",
    show_envvar=True,
    show_default="http://localhost:8080/api",
    help="The URL of the server's API.",
)
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0),
    default=25.0,
    show_default=True,
    help="Seconds that running tasks get to finish, and results to be reported, after a signal.",
)
@click.option(
    "--spool-dir",
    type=click.Path(),
    envvar="CONDUCTOR_FAST_SPOOL_DIR",
    show_envvar=True,
    help="A directory where results are kept until the server has them; without it, memory.",
)
@metrics_port_option
@log_options(None, "CONDUCTOR_LOG_LEVEL, or info")
def command(
    modules: Sequence[str],
    server: str | None,
    drain_timeout: float,
    spool_dir: str | None,
    metrics_port: int | None,
    log_format: str,
    log_level: str | None,
) -> None:
    """Run the workers of MODULE, a name as in an import; of a package, those of all its modules.

    Workers are the functions that are decorated with @worker_task, and Worker and WorkerInterface objects
    that stand in a module under a name. Modules are looked for in the current folder first. Runs until
    Ctrl-C or SIGTERM; then no new task is taken, running ones are finished and reported. Without a server
    it keeps trying. Exits with 4 if tasks are left unfinished, or results in the spool directory that the
    server refuses. Settings of workers are taken from the environment too (conductor.worker.NAME.SETTING).
    """
    from conductor_fast.host.task_handler import TaskHandler
    from conductor_fast.model.exceptions import ConfigurationError

    configuration = _configuration(server, log_format, log_level)
    configuration.spool_dir = spool_dir
    sys.path.insert(0, os.getcwd())
    try:
        for module in modules:
            _import(module)
        handler = TaskHandler(_named_workers(modules), configuration)
        handler.host.drain_timeout = drain_timeout
        if not handler.workers:
            raise click.ClickException(
                f"there are no workers in {', '.join(modules)}: decorate a function with "
                "@worker_task('task_type')"
            )
        with told_metrics(metrics_port):
            left = _run(handler)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    if left or handler.host.dead_letters:
        sys.exit(_WORK_IS_LEFT)


def _run(handler: TaskHandler) -> list[str]:
    """Run until a signal; the tasks that are left then."""
    from conductor_fast.host.signals import stop_signals
    from conductor_fast.model.exceptions import ConductorFastError

    stopping: list[str] = []

    def on_signal(name: str) -> None:
        stopping.append(name)
        handler.host.request_stop()
        logging.getLogger(__name__).info("%s: no new task is taken, running ones finish", name)

    # From before the start, so that a program that is stopped while it starts drains as well.
    with stop_signals(on_signal):
        try:
            handler.start_processes()
        except ConductorFastError:
            if not stopping:
                raise
        return handler.host.wait()


def _configuration(server: str | None, log_format: str, log_level: str | None) -> Configuration:
    from conductor_fast.model.exceptions import ConfigurationError
    from conductor_fast.settings.configuration import Configuration, warn_if_not_api

    try:
        configuration = Configuration(server_api_url=server, log_level=log_level)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    set_up(log_format, configuration.log_level)
    warn_if_not_api(configuration.host)
    return configuration


def _import(module: str) -> None:
    from conductor_fast.worker.loader import scan_for_workers

    try:
        scan_for_workers(module)
    except ModuleNotFoundError as error:
        # One that the module itself imports is its own fault, and shown with its traceback.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise click.BadParameter(
            f"there is no module {error.name!r} here ({os.getcwd()}) or among the installed ones; give "
            "its name as in an import, without .py",
            param_hint="MODULE",
        ) from None


def _named_workers(modules: Sequence[str]) -> list[WorkerInterface]:
    """The worker objects in the modules, each once."""
    from conductor_fast.worker.worker_interface import WorkerInterface

    found: list[WorkerInterface] = []
    for name, module in list(sys.modules.items()):
        if any(f"{name}.".startswith(f"{root}.") for root in modules):
            for value in vars(module).values():
                if isinstance(value, WorkerInterface) and not any(value is each for each in found):
                    found.append(value)
    return found
