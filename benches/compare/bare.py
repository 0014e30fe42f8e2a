"""Python that does the same without Conductor: `python -m benches.compare.bare FUNCTION SLOTS SECONDS`.

So many threads, or coroutines on one loop, call the function again and again. Prints the number of calls.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from benches.compare.work import FUNCTIONS

INPUT = (1_000_000, "two", True, 4.5)


def threads(function: Callable[..., Any], slots: int, seconds: float) -> int:
    """Calls of `slots` threads in `seconds`."""
    calls = [0] * slots
    end = time.monotonic() + seconds

    def run(slot: int) -> None:
        while time.monotonic() < end:
            function(*INPUT)
            calls[slot] += 1

    started = [threading.Thread(target=run, args=(slot,)) for slot in range(slots)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return sum(calls)


async def coroutines(function: Callable[..., Any], slots: int, seconds: float) -> int:
    """Calls of `slots` coroutines in `seconds`, a task for each call, as each Conductor task is one."""
    end = time.monotonic() + seconds

    async def run() -> int:
        calls = 0
        while time.monotonic() < end:
            await asyncio.create_task(function(*INPUT))
            calls += 1
        return calls

    return sum(await asyncio.gather(*(run() for _ in range(slots))))


def main() -> None:
    name, slots, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    function = FUNCTIONS[name]
    if inspect.iscoroutinefunction(function):
        print(asyncio.run(coroutines(function, slots, seconds)))
    else:
        print(threads(function, slots, seconds))


if __name__ == "__main__":
    main()
