"""`conductor-fast spool`: results that wait on disk, while their workers run and when they have ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import click

_UNREACHABLE = 3
_COLUMNS = ("TASK ID", "TASK TYPE", "STATE", "AGE", "BYTES", "TRIES", "FIRST ERROR")


@click.group()
@click.option(
    "--spool-dir",
    type=click.Path(exists=True, file_okay=False),
    envvar="CONDUCTOR_FAST_SPOOL_DIR",
    show_envvar=True,
    required=True,
    help="The directory that the workers were given.",
)
@click.pass_context
def command(ctx: click.Context, spool_dir: str) -> None:
    """Look after results on disk: those that wait for their delivery, and dead letters.

    Workers that run are asked, files of those that have ended are read. Dead letters are results that the
    server has refused, or that could not be delivered within 7 days.
    """
    ctx.obj = spool_dir


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each result.")
@click.pass_obj
def list_results(spool_dir: str, as_json: bool) -> None:
    """List all results."""
    files = _ask(spool_dir, {"command": "list"})
    if as_json:
        _write_lines(files, sys.stdout)
        return
    for file in files:
        state = "running" if file["running"] else "ended"
        results = file["answer"]["results"]
        click.echo(f"{file['path']} ({state}) for {file['server']}: {len(results)} results")
        if results:
            for row in _aligned([_COLUMNS, *map(_row, results)]):
                click.echo(f"  {row}")
    if not files:
        click.echo("nothing waits here")


@command.command()
@click.argument("task_id")
@click.pass_obj
def show(spool_dir: str, task_id: str) -> None:
    """Print the results of one task, with their bodies, as JSON."""
    found = [result for _file, result in _results(_ask(spool_dir, {"command": "show", "task_id": task_id}))]
    if not found:
        raise click.ClickException(f"there is no result of task {task_id} here; `ls` lists all")
    for result in found:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))


@command.command()
@click.option(
    "--output", type=click.File("w"), default="-", help="Where to; the standard output if left out."
)
@click.pass_obj
def export(spool_dir: str, output: TextIO) -> None:
    """Write all results, with their bodies, one a line as JSON. They hold what functions returned."""
    _write_lines(_ask(spool_dir, {"command": "export"}), output)


@command.command()
@click.argument("task_ids", nargs=-1, metavar="[TASK_ID]...")
@click.option("--all", "everything", is_flag=True, help="All results.")
@click.option("--dead-letters", is_flag=True, help="Dead letters only; without task ids, all of them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def drop(spool_dir: str, task_ids: Sequence[str], everything: bool, dead_letters: bool, yes: bool) -> None:
    """Remove results for good. One that is being sent may still arrive."""
    if not task_ids and not everything and not dead_letters:
        raise click.UsageError("name tasks, or give --all or --dead-letters")
    if task_ids and everything:
        raise click.UsageError("either name tasks or give --all")
    what = f"{len(task_ids)} tasks" if task_ids else "all dead letters" if dead_letters else "all tasks"
    if not yes:
        click.confirm(f"Remove the results of {what} for good?", abort=True)
    asked = {"command": "drop", "task_ids": list(task_ids), "only_dead_letters": dead_letters}
    click.echo(f"{_changed(_ask(spool_dir, asked))} results removed")


@command.command()
@click.argument("task_ids", nargs=-1, metavar="[TASK_ID]...")
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds.")
@click.pass_obj
def replay(spool_dir: str, task_ids: Sequence[str], timeout: float) -> None:
    """Deliver what waits, and dead letters once more: those of TASK_ID, or all.

    Workers that run deliver theirs. The results of those that have ended are delivered from here, to the
    server that they belong to; the key is taken from the environment, as for workers.
    """
    revived = _changed(_ask(spool_dir, {"command": "replay", "task_ids": list(task_ids)}))
    click.echo(f"{revived} dead letters wait again")
    left = _deliver(spool_dir, timeout)
    click.echo("everything is delivered" if not left else f"{left} results are not delivered yet")
    if left:
        sys.exit(_UNREACHABLE)


def _deliver(spool_dir: str, timeout: float) -> int:
    """Deliver the results of processes that have ended; how many results wait after that."""
    from conductor_fast.host.worker_host import WorkerHost
    from conductor_fast.settings.configuration import Configuration

    deadline = time.monotonic() + timeout
    ended = {file["server"] for file in _ask(spool_dir, {"command": "list"}) if not file["running"]}
    # An engine without workers delivers what it finds.
    hosts = [
        WorkerHost(Configuration(server_api_url=server, spool_dir=spool_dir)).start()
        for server in sorted(ended)
    ]
    try:
        while (left := _waiting(spool_dir)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left
    finally:
        for host in hosts:
            host.stop()


def _waiting(spool_dir: str) -> int:
    found = _results(_ask(spool_dir, {"command": "list"}))
    return sum(result["state"] == "waiting" for _file, result in found)


def _ask(spool_dir: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    from conductor_fast import _core
    from conductor_fast.model.exceptions import ConfigurationError

    try:
        files: list[dict[str, Any]] = json.loads(_core.spool_command(spool_dir, json.dumps(asked)))
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    for file in files:
        if problem := file["answer"].get("problem"):
            click.echo(f"{file['path']}: {problem}", err=True)
    return files


def _changed(files: Iterable[dict[str, Any]]) -> int:
    return sum(file["answer"].get("changed", 0) for file in files)


def _results(files: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(file, result) for file in files for result in file["answer"].get("results", [])]


def _write_lines(files: Iterable[dict[str, Any]], to: TextIO) -> None:
    for file, result in _results(files):
        line = {"server": file["server"], **result}
        to.write(json.dumps(line, ensure_ascii=False) + "\n")


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    age = f"{max(0.0, time.time() - result['created'] / 1_000):.0f} s"
    names = ("task_id", "task_type", "state")
    numbers = (age, str(result["bytes"]), str(result["attempts"]))
    return (*(result[name] for name in names), *numbers, result["first_error"] or "")


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
