"""`conductor-fast dev`: the dev server, until it is stopped."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from conductor_fast.host.signals import StopLatch


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="Where to listen; 0 takes a free port.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. The server asks nobody for a password: other than this machine's "
    "own addresses only in a network that you trust.",
)
@click.option(
    "--gathering",
    is_flag=True,
    help="Hold batch polls until they are full or time out, as a server on SQLite or Postgres does.",
)
@click.option("--auth-key", metavar="KEY", help="Ask for a token, which /token gives for this key.")
@click.option(
    "--auth-secret",
    metavar="SECRET",
    help="The key's secret. Others on this machine can see it in the process list: none of value.",
)
@click.option(
    "--fault",
    "faults",
    metavar="RULE",
    multiple=True,
    help="Let requests fail, such as '503 of=updates seconds=30'; --list-faults tells all. Repeatable.",
)
@click.option("--list-faults", is_flag=True, help="Print what can be put into --fault, and end.")
def command(
    port: int,
    host: str,
    gathering: bool,
    auth_key: str | None,
    auth_secret: str | None,
    faults: tuple[str, ...],
    list_faults: bool,
) -> None:
    """Run a Conductor task service in memory, until Ctrl-C or SIGTERM.

    It hands out tasks that are pushed to it and keeps what workers report; it has no workflows, and
    forgets everything at its end.
    """
    from conductor_fast.testing import DevServer

    if list_faults:
        click.echo(DevServer.fault_table(), nl=False)
        return
    if (auth_key is None) != (auth_secret is None):
        raise click.UsageError("--auth-key and --auth-secret are needed together")
    auth = (auth_key, auth_secret) if auth_key is not None and auth_secret is not None else None

    stopped = StopLatch()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    # Before the server is there: who starts us may stop us as soon as the address is printed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        server = DevServer(host=host, port=port, gathering=gathering, auth=auth)
    except (OSError, ValueError) as error:
        remedy = (
            "choose another with --port, or 0 for a free one" if isinstance(error, OSError) else "see --host"
        )
        raise click.ClickException(f"{error}; {remedy}") from None
    with server:
        try:
            for fault in faults:
                server.add_fault(fault)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        click.echo(f"listening on {server.url}")
        click.echo(f"  workers:  WorkerHost({server.url!r}).start_worker('greet', greet)")
        click.echo(f"  a task:   curl -d '{_PUSH}' {server.url.removesuffix('/api')}/dev/push")
        click.echo(f"  a result: curl {server.url}/tasks/TASK_ID")
        sys.stdout.flush()
        stopped.wait()


_PUSH = '{"taskType": "greet", "inputData": {"name": "Ada"}}'
