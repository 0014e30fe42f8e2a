"""`python -m benches.compare`: what `make bench` runs."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from benches.compare import machine, measure, report
from benches.compare.cases import SCENARIOS
from benches.compare.peers import PEERS

_QUICK = ("capacity", "tls")
_RESULTS = machine.ROOT / "benches" / "results"


def main() -> None:
    """Measure every client of every scenario in alternating rounds, and print the comparison."""
    parser = argparse.ArgumentParser(prog="benches.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, help="stretches per client (5; 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of a stretch (the scenario's; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help=f"only {' and '.join(_QUICK)}, and short rounds")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="SCENARIO", help=", ".join(names))
    parser.add_argument("--client", help="only clients whose name contains this")
    parser.add_argument(
        "--output",
        nargs="?",
        type=Path,
        const=_RESULTS,
        help="write every sample; a file, or benches/results/",
    )
    given = parser.parse_args()
    results = report.Results(machine.facts(), [])
    failed: list[str] = []
    for scenario in SCENARIOS:
        if scenario.name not in given.only if given.only else given.quick and scenario.name not in _QUICK:
            continue
        # Other SDKs need their own tools: make report.
        clients = [
            client
            for client in scenario.clients
            if client.program not in PEERS and (given.client or "") in client.name
        ]
        seconds = given.seconds or (1.0 if given.quick else scenario.seconds)
        for round_number in range(1, (given.rounds or (3 if given.quick else 5)) + 1):
            # Every other round in reverse, so that none always comes after the same one.
            for client in clients if round_number % 2 else clients[::-1]:
                if client.name in failed:
                    continue
                try:
                    sample = measure.sample(
                        scenario, client, round_number, max(client.warm_up, seconds / 3), seconds
                    )
                except measure.FailedError as error:
                    if client.program != "sdk":
                        raise SystemExit(str(error)) from None
                    failed.append(client.name)
                    print(f"{scenario.name}: left out from here on, {error}", file=sys.stderr)
                    continue
                results.samples.append(sample)
                shown = [column for column in scenario.columns if column in sample.figures]
                figures = ", ".join(
                    f"{report.HEADINGS[name][1].format(sample.figures[name])} {report.HEADINGS[name][0]}"
                    for name in shown
                )
                print(f"{scenario.name} {round_number}: {client.name:34}{figures}", file=sys.stderr)
    results.samples = [sample for sample in results.samples if sample.client not in failed]
    print("\n" + report.text(results))
    if given.output:
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
        path = given.output / f"compare-{stamp}.json" if given.output == _RESULTS else given.output
        results.write(path)
        print(f"written to {path}")


if __name__ == "__main__":
    main()
