"""`python -m benches.zero_change`: what `make bench-zero-change` runs."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from benches.compare import machine
from benches.zero_change import measure, report, servers


def main() -> None:
    """Measure both engines in alternating rounds on each server and print the comparison."""
    parser = argparse.ArgumentParser(prog="benches.zero_change", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds per engine and server (5; 1 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of a stretch (10; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--server", choices=["dev", "real"], help="only this one")
    parser.add_argument("--output", type=Path, help="write every sample to this file")
    given = parser.parse_args()
    rounds = given.rounds or (1 if given.quick else 5)
    seconds = given.seconds or (3.0 if given.quick else 10.0)
    facts, samples = machine.facts(), list[measure.Sample]()
    for server in [given.server] if given.server else ["dev", "real"]:
        with contextlib.ExitStack() as stack:
            real = stack.enter_context(servers.real_server()) if server == "real" else None
            for round_number in range(1, rounds + 1):
                # Every other round in reverse, so that neither always comes second.
                for engine in ("sdk", "accelerated") if round_number % 2 else ("accelerated", "sdk"):
                    # A dev server of its own: what is left in the queues would be another's work.
                    with contextlib.nullcontext(real) if real else servers.dev_server() as at:
                        sample = measure.sample(at, engine, round_number, seconds)
                    samples.append(sample)
                    print(f"{sample}", file=sys.stderr)
                    if given.output:
                        report.write(given.output, facts, samples)
    print("\n" + report.text(facts, samples))


if __name__ == "__main__":
    main()
