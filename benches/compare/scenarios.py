"""What is measured: the server's behaviour, the clients that meet it, and the figures that are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Client:
    """`program`: floor, ours, sdk or bare. `slots`: threads, or coroutines, or the floor's connections."""

    name: str
    program: str
    function: str = "noop"
    slots: int = 1
    task_types: int = 1


@dataclass(frozen=True)
class Scenario:
    """`server`: fields of options.rs in ../server. `seconds`: of a stretch. `quick`: also in quick runs."""

    name: str
    title: str
    clients: tuple[Client, ...]
    columns: tuple[str, ...]
    server: dict[str, Any] = field(default_factory=dict)
    seconds: float = 5.0
    quick: bool = False


FLOOR = Client("floor", "floor", slots=32)
OURS_10 = Client("conductor_fast, 10 threads", "ours", slots=10)
AGAIN = Client("conductor_fast, 10 threads, again", "ours", slots=10)
"""The A/A pair of `OURS_10`: how far two medians of the same thing lie apart."""

_THROUGHPUT = ("tasks_per_second", "cpu_micros_per_task", "cpu_per_floor", "switches_per_task", "pss_mib")
_LATENCY = ("latency_p50", "latency_p90", "latency_p99", "cpu_micros_per_task")
_IDLE = ("cpu_percent", "polls_per_second", "pss_mib", "first_poll_seconds")
_IDLE_CLIENTS = (
    Client("conductor_fast, 10 task types", "ours", task_types=10),
    Client("conductor-python, 10 task types", "sdk", task_types=10),
)
_BURST_CLIENTS = (OURS_10, Client("conductor-python, 10 threads", "sdk", slots=10))

SCENARIOS = (
    Scenario(
        "capacity",
        "Closed loop: a function that does nothing, tasks always there",
        (
            FLOOR,
            Client("conductor_fast, 1 thread", "ours"),
            OURS_10,
            Client("conductor_fast, 50 threads", "ours", slots=50),
            Client("conductor_fast, 100 coroutines", "ours", "async_noop", 100),
            AGAIN,
            Client("conductor-python, 1 thread", "sdk"),
            Client("conductor-python, 10 threads", "sdk", slots=10),
            Client("conductor-python, 50 threads", "sdk", slots=50),
            Client("conductor-python, async, 10", "sdk", "async_noop", 10),
        ),
        _THROUGHPUT,
        quick=True,
    ),
    Scenario(
        "yield",
        "Closed loop: one `await asyncio.sleep(0)`",
        (FLOOR, Client("conductor_fast, 100 coroutines", "ours", "async_yield", 100)),
        _THROUGHPUT,
    ),
    Scenario(
        "nap_threads",
        "Closed loop: 1 ms of sleep on 50 threads",
        (Client("bare threads", "bare", "nap", 50), Client("conductor_fast, 50 threads", "ours", "nap", 50)),
        ("tasks_per_second", "cpu_micros_per_task"),
    ),
    Scenario(
        "nap_coroutines",
        "Closed loop: 1 ms of sleep in 64 coroutines",
        (
            Client("bare asyncio", "bare", "async_nap", 64),
            Client("conductor_fast, 64 coroutines", "ours", "async_nap", 64),
        ),
        ("tasks_per_second", "cpu_micros_per_task"),
    ),
    Scenario(
        "think",
        "Closed loop: the server takes 5 ms for every answer",
        (
            Client("conductor_fast, 50 threads", "ours", slots=50),
            Client("conductor-python, 50 threads", "sdk", slots=50),
        ),
        ("tasks_per_second", "cpu_micros_per_task", "most_connections"),
        {"think_micros": 5_000},
    ),
    Scenario(
        "latency",
        "Open loop: 50 tasks a second, microseconds from available to completed",
        (
            Client("floor, blocking", "floor", slots=0),
            Client("conductor_fast, 1 thread", "ours"),
            Client("conductor_fast, 100 coroutines", "ours", "async_noop", 100),
            Client("conductor-python, 1 thread", "sdk"),
        ),
        _LATENCY,
        {"arrivals": {"kind": "open", "per_second": 50}},
    ),
    Scenario(
        "burst",
        "Open loop: 200 tasks at once every second, microseconds",
        _BURST_CLIENTS,
        ("burst_first", "burst_last", "burst_last_50"),
        {"arrivals": {"kind": "burst", "tasks": 200, "every_millis": 1_000}},
    ),
    Scenario(
        "burst_gathered",
        "The same on a server that holds a poll until its batch is full",
        _BURST_CLIENTS,
        ("burst_first", "burst_last", "burst_last_50"),
        {"arrivals": {"kind": "burst", "tasks": 200, "every_millis": 1_000}, "polls": "gathered"},
    ),
    Scenario(
        "idle_held",
        "Idle, 10 task types, the server holds polls",
        _IDLE_CLIENTS,
        _IDLE,
        {"arrivals": {"kind": "never"}, "task_types": 10, "warm_up_seconds": 8},
        seconds=10.0,
    ),
    Scenario(
        "idle_at_once",
        "Idle, 10 task types, the server answers at once",
        _IDLE_CLIENTS,
        _IDLE,
        {"arrivals": {"kind": "never"}, "task_types": 10, "polls": "at_once"},
    ),
    Scenario(
        "document",
        "Closed loop: 1 MB in and out",
        (
            Client("conductor_fast, 10 threads", "ours", "document", 10),
            Client("conductor-python, 10 threads", "sdk", "document", 10),
        ),
        ("tasks_per_second", "cpu_micros_per_task", "pss_mib"),
        {"document_bytes": 1_048_576, "arrivals": {"kind": "closed", "available": 10}},
    ),
    Scenario(
        "endurance",
        "Closed loop for half a minute: does memory grow?",
        (OURS_10,),
        ("tasks", "pss_mib", "pss_growth"),
        seconds=30.0,
    ),
    *(
        Scenario(
            f"types_{number}",
            f"Open loop: 5,000 tasks a second over {number} task type{'s' if number > 1 else ''}",
            (Client(f"conductor_fast, {number} task types", "ours", task_types=number),),
            ("tasks_per_second", "cpu_micros_per_task", "polls_per_second", "latency_p50"),
            {"arrivals": {"kind": "open", "per_second": 5_000}, "task_types": number},
        )
        for number in (1, 10, 100)
    ),
)
