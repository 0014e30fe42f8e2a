"""`python -m benches.report`: what `make report` runs."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator

from benches.compare import machine, measure
from benches.compare.cases import SCENARIOS
from benches.compare.peers import PEERS, NotBuiltError, command_of
from benches.compare.report import HEADINGS
from benches.compare.scenarios import Client, Scenario
from benches.report import page, tables
from benches.report.store import Report
from benches.zero_change import measure as applications
from benches.zero_change import servers
from tests.server.installation import NotInstalledError

_QUICK_ROUNDS, _QUICK_SECONDS, _QUICK_WARM_UP = 2, 1.0, 6.0
_QUICK_FOLDER = machine.ROOT / "target" / "report"
_APPLICATION_ROUNDS, _APPLICATION_SECONDS = 2, 4.0
_WORDS = {"dev": "dev server", "sqlite": servers.SQLITE, "redis": servers.REDIS}


def main() -> None:
    """Measure, part by part, and publish after each one."""
    parser = argparse.ArgumentParser(prog="benches.report", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--quick", action="store_true", help="few parts, and short rounds: under 5 minutes")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*names, *_WORDS],
        metavar="PART",
        help=f"these parts; all others stay as they are in {page.KEPT}: {', '.join([*names, *_WORDS])}",
    )
    parser.add_argument("--rounds", type=int, help="of each part (its own; 2 with --quick)")
    parser.add_argument(
        "--pages", action="store_true", help="measure nothing: page and pictures of what is kept"
    )
    given = parser.parse_args()
    begun = time.monotonic()
    # A quick one is for whoever looks; docs/ and README keep the full one.
    folder = _QUICK_FOLDER if given.quick else page.DOCS
    kept = (folder / page.KEPT).exists() and (given.only or given.pages)
    report = Report.read(folder / page.KEPT) if kept else Report(machine.facts())
    if not given.pages:
        report.facts = machine.facts()
        for scenario in SCENARIOS:
            if scenario.name in given.only if given.only else scenario.quick or not given.quick:
                _scenario(report, scenario, given.rounds, quick=given.quick)
                page.publish(report, folder)
        for word, server in _WORDS.items():
            if word in given.only if given.only else not given.quick:
                _server(report, server, given.rounds or _APPLICATION_ROUNDS)
                page.publish(report, folder)
    page.publish(report, folder)
    for line in tables.first_lines(report):
        print(line.replace("**", ""))
    print(f"{folder / page.PAGE} after {(time.monotonic() - begun) / 60:.1f} minutes")
    if any(
        problem.what == "failed" and problem.client.startswith("conductor_fast")
        for problem in report.problems
    ):
        raise SystemExit(1)


def _scenario(report: Report, scenario: Scenario, rounds: int | None, *, quick: bool) -> None:
    report.start_part(scenario.name, machine.facts())
    of_report, seconds = scenario.report
    if quick:
        of_report, seconds = _QUICK_ROUNDS, min(seconds, _QUICK_SECONDS)
    rounds = rounds or of_report
    clients = list(_ready(report, scenario, quick=quick))
    for number in range(1, rounds + 1):
        # Every other round in reverse, so that none always comes after the same one.
        for client in clients if number % 2 else clients[::-1]:
            if client not in clients or (client.rounds and number > client.rounds):
                continue
            warm_up = max(min(client.warm_up, _QUICK_WARM_UP) if quick else client.warm_up, seconds / 3)
            try:
                sample = measure.sample(scenario, client, number, warm_up, seconds)
            except Exception as error:  # whatever becomes of one client, the others are measured
                clients = [each for each in clients if each != client]
                report.fail(scenario.name, client.name, "failed", _one_line(error))
                print(f"{scenario.name} {number}: {client.name} failed: {error}", file=sys.stderr)
                continue
            report.add(sample)
            shown = [column for column in scenario.columns if column in sample.figures]
            figures = (
                f"{HEADINGS[name][1].format(sample.figures[name])} {HEADINGS[name][0]}" for name in shown
            )
            print(f"{scenario.name} {number}: {client.name:34}{', '.join(figures)}", file=sys.stderr)


def _ready(report: Report, scenario: Scenario, *, quick: bool) -> Iterator[Client]:
    """The clients that can be measured here; peers are built."""
    for client in scenario.clients:
        if quick and not client.quick:
            continue
        if client.program in PEERS:
            try:
                command_of(client.program)
            except NotBuiltError as error:
                report.fail(scenario.name, client.name, "not run", str(error))
                continue
        yield client


def _server(report: Report, server: str, rounds: int) -> None:
    """Whole applications, on this server."""
    report.start_part(server, machine.facts())
    engines = ["sdk", "accelerated"] if server == "dev server" else ["sdk", "accelerated", "ours"]
    try:
        with contextlib.ExitStack() as stack:
            real = None if server == "dev server" else stack.enter_context(servers.real_server(server))
            for number in range(1, rounds + 1):
                for engine in engines if number % 2 else engines[::-1]:
                    with contextlib.nullcontext(real) if real else servers.dev_server() as at:
                        report.add_application(applications.sample(at, engine, number, _APPLICATION_SECONDS))
                    print(f"{report.applications[-1]}", file=sys.stderr)
    except (Exception, SystemExit) as error:
        report.applications = [sample for sample in report.applications if sample.server != server]
        what = "not run" if isinstance(error, NotInstalledError) else "failed"
        report.fail(server, "whole applications", what, _one_line(error))


def _one_line(error: BaseException) -> str:
    known = isinstance(error, (measure.FailedError, NotInstalledError, SystemExit))
    text = str(error) if known else f"{type(error).__name__}: {error}"
    return " / ".join(line.strip() for line in text.strip().splitlines()[:4] if line.strip())[:400]


if __name__ == "__main__":
    main()
