"""`python -m benches.compare`: what `make bench` runs."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from benches.compare import machine, measure, report

_RESULTS = machine.ROOT / "benches" / "results"


def main() -> None:
    """Measure both clients in alternating rounds and print the comparison."""
    parser = argparse.ArgumentParser(prog="benches.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, help="stretches per client (5; 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of a stretch (10; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--output",
        nargs="?",
        type=Path,
        const=_RESULTS,
        help="write every sample; a file, or benches/results/",
    )
    given = parser.parse_args()
    rounds = given.rounds or (3 if given.quick else 5)
    seconds = given.seconds or (3.0 if given.quick else 10.0)
    facts, samples = machine.facts(), list[measure.Sample]()
    with measure.server() as server:
        for round_number in range(1, rounds + 1):
            # Every other round in reverse, so that neither always comes second.
            for client in ("sdk", "ours") if round_number % 2 else ("ours", "sdk"):
                sample = measure.sample(server, client, round_number, seconds / 3, seconds)
                samples.append(sample)
                figures = f"{sample.tasks_per_second:>10,.0f} tasks/s"
                figures += f"{sample.cpu_micros_per_task:>10,.1f} µs CPU per task"
                print(f"round {round_number}: {report.NAMES[client]:18}{figures}", file=sys.stderr)
    print("\n" + report.text(facts, samples))
    if given.output:
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
        path = given.output / f"compare-{stamp}.json" if given.output == _RESULTS else given.output
        report.write(path, facts, samples)
        print(f"written to {path}")


if __name__ == "__main__":
    main()
