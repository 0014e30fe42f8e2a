"""`python -m benches.report`: what `make report` runs, and `make bench` with --bench."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benches.compare import machine, measure
from benches.compare.cases import SCENARIOS
from benches.compare.peers import PEERS, NotBuiltError, command_of
from benches.compare.report import HEADINGS, text
from benches.compare.scenarios import Client, Scenario
from benches.report import page, tables
from benches.report.store import Report
from benches.zero_change import measure as applications
from benches.zero_change import servers
from tests.server.installation import NotInstalledError

_BENCH_ROUNDS = 5
_QUICK_BENCH, _QUICK_BENCH_ROUNDS = ("capacity",), 3
_QUICK_ROUNDS, _QUICK_SECONDS, _QUICK_WARM_UP = 2, 1.0, 6.0
TRIALS = machine.ROOT / "target" / "report"
_APPLICATION_ROUNDS, _APPLICATION_SECONDS = 2, 3.0
_WORDS = {"dev": "dev server", "sqlite": servers.SQLITE, "redis": servers.REDIS}


def main() -> None:
    """Measure, part by part, and publish after each one."""
    parser = argparse.ArgumentParser(prog="benches.report", description=__doc__)
    names = [*(scenario.name for scenario in SCENARIOS), *_WORDS]
    parser.add_argument(
        "--bench",
        action="store_true",
        help=f"this package, conductor-python and the floor alone, into {page.KEPT_BENCH}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few parts, and short rounds, into target/report/"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        metavar="PART",
        help=f"these parts; all others stay as they are in what is kept: {', '.join(names)}",
    )
    parser.add_argument("--client", help="those whose name contains this, into target/report/")
    parser.add_argument("--rounds", type=int, help="of each part")
    parser.add_argument("--seconds", type=float, help="of each stretch")
    parser.add_argument("--pages", action="store_true", help="measure nothing: all pages of what is kept")
    given = parser.parse_args()
    if given.pages:
        for kept, publish in ((page.KEPT, page.publish), (page.KEPT_BENCH, page.publish_bench)):
            publish(Report.read(page.DOCS / kept), page.DOCS)
        return
    begun = time.monotonic()
    # A trial is for whoever looks; docs/ and README keep whole runs.
    folder = TRIALS if given.quick or given.client else page.DOCS
    kept, publish = (page.KEPT_BENCH, page.publish_bench) if given.bench else (page.KEPT, page.publish)
    goes_on = given.only and (folder / kept).exists()
    report = Report.read(folder / kept) if goes_on else Report({})
    report.facts = machine.facts()
    for scenario in _chosen(given):
        _scenario(report, scenario, _clients(scenario, given), given)
        publish(report, folder)
    for word, server in _WORDS.items():
        if word in given.only if given.only else not (given.quick or given.bench or given.client):
            _server(report, server, given.rounds or _APPLICATION_ROUNDS)
            publish(report, folder)
    if given.bench:
        print("", text(report.results()), *page.bench_sentences(report), "", sep="\n")
    for line in tables.first_lines(report):
        print(line.replace("**", ""))
    print(f"{folder / kept} after {(time.monotonic() - begun) / 60:.1f} minutes")
    if any(
        problem.what == "failed" and problem.client.startswith(("conductor_fast", "floor"))
        for problem in report.problems
    ):
        raise SystemExit(1)


def _chosen(given: argparse.Namespace) -> Iterator[Scenario]:
    for scenario in SCENARIOS:
        by_itself = scenario.bench or not given.bench
        if given.quick:
            by_itself = scenario.name in _QUICK_BENCH if given.bench else scenario.quick
        if scenario.name in given.only if given.only else by_itself:
            yield scenario


def _clients(scenario: Scenario, given: argparse.Namespace) -> list[Client]:
    return [
        client
        for client in scenario.clients
        if (client.quick or not given.quick)
        and (client.program not in PEERS or not given.bench)
        and (given.client or "") in client.name
    ]


def _rounds_and_seconds(scenario: Scenario, given: argparse.Namespace) -> tuple[int, float]:
    rounds, seconds = (_BENCH_ROUNDS, scenario.seconds) if given.bench else scenario.report
    if given.quick:
        rounds = _QUICK_BENCH_ROUNDS if given.bench else _QUICK_ROUNDS
        seconds = min(seconds, _QUICK_SECONDS)
    return given.rounds or rounds, given.seconds or seconds


def _scenario(report: Report, scenario: Scenario, clients: list[Client], given: argparse.Namespace) -> None:
    missing = _missing({client.program for client in clients} & set(PEERS))
    report.start_part(scenario.name, machine.facts())
    for client in clients:
        if client.program in missing:
            report.fail(scenario.name, client.name, "not run", missing[client.program])
    clients = [client for client in clients if client.program not in missing]
    rounds, seconds = _rounds_and_seconds(scenario, given)
    for number in range(1, rounds + 1):
        # Every other round in reverse, so that none always comes after the same one.
        for client in clients if number % 2 else clients[::-1]:
            if client not in clients or (client.rounds and number > client.rounds):
                continue
            warm_up = max(min(client.warm_up, _QUICK_WARM_UP) if given.quick else client.warm_up, seconds / 3)
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


def _missing(programs: set[str]) -> dict[str, str]:
    """Peers that cannot be measured here, and why. The others are built, all at once."""

    def why(program: str) -> str | None:
        try:
            command_of(program)
        except NotBuiltError as error:
            return str(error)
        return None

    with ThreadPoolExecutor() as pool:
        found = dict(zip(programs, pool.map(why, programs), strict=True))
    return {program: reason for program, reason in found.items() if reason}


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
