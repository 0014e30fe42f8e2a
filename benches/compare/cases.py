"""The table of all scenarios."""

from __future__ import annotations

from dataclasses import replace

from benches.compare.scenarios import Client, Scenario

FLOOR = Client("floor", "floor", slots=32)
OURS_1 = Client("conductor_fast, 1 thread", "ours")
OURS_10 = Client("conductor_fast, 10 threads", "ours", slots=10)
OURS_50 = Client("conductor_fast, 50 threads", "ours", slots=50)
OURS_ASYNC = Client("conductor_fast, 100 coroutines", "ours", "async_noop", 100)
# The others are on uvloop, which is used where it is installed.
OURS_ASYNCIO = Client(
    "conductor_fast, 100 coroutines, plain asyncio", "ours", "async_noop", 100, 1, ("asyncio",), quick=False
)
SDK_1 = Client("conductor-python, 1 thread", "sdk")
SDK_10 = Client("conductor-python, 10 threads", "sdk", slots=10)
SDK_50 = Client("conductor-python, 50 threads", "sdk", slots=50, quick=False)
SDK_ASYNC = Client("conductor-python, async, 10", "sdk", "async_noop", 10, quick=False)

# Each at the settings that suit it best, found by trying, and at those of its builder or README.
GO = Client("Go SDK, batch 100", "go", slots=100, arguments=("100", "1"))
GO_README = Client("Go SDK, as in its README", "go", arguments=("1", "100"), rounds=2, quick=False)
_JAVA = ("50", "1")
_WARM = 60.0
JAVA = Client("Java SDK, 50 threads", "java", "noop", 50, 1, (*_JAVA, "false"), _WARM, 2)
JAVA_V2 = Client(
    "Java SDK, 50 threads, update-v2", "java", "noop", 50, 1, (*_JAVA, "true"), _WARM, 2, quick=False
)
JAVA_README = Client(
    "Java SDK, as in its README", "java", slots=10, arguments=("10", "0", "false"), rounds=2, quick=False
)
RUST = Client("Rust SDK, 10 tasks", "rust", slots=10, arguments=("10", "1"))
RUST_50 = Client("Rust SDK, 50 tasks", "rust", slots=50, arguments=("50", "1"), quick=False)
RUST_DEFAULTS = Client("Rust SDK, defaults", "rust", arguments=("0", "0"), rounds=2, quick=False)
JAVASCRIPT = Client("JavaScript SDK, 50 tasks", "javascript", slots=50, arguments=("50", "0"), warm_up=5)
JAVASCRIPT_DEFAULTS = Client(
    "JavaScript SDK, defaults", "javascript", arguments=("-1", "-1"), rounds=2, quick=False
)


def again(client: Client) -> Client:
    """Of an A/A pair: how far two medians of the same thing lie apart."""
    return Client(f"{client.name}, again", client.program, client.function, client.slots)


def is_again(client: Client) -> bool:
    return client.name.endswith(", again")


def is_untuned(client: Client) -> bool:
    """An SDK at the settings of its builder or README, not at those that suit it best."""
    return client.name.endswith((", defaults", " in its README"))


_THROUGHPUT = ("tasks_per_second", "cpu_micros_per_task", "cpu_per_floor", "switches_per_task", "pss_mib")
_LATENCY = ("latency_p50", "latency_p90", "latency_p99", "cpu_micros_per_task")
_IDLE = ("cpu_percent", "polls_per_second", "pss_mib", "first_poll_seconds")
_YIELDING = Client("conductor_fast, 100 coroutines", "ours", "async_yield", 100)
_YIELDING_ASYNCIO = replace(OURS_ASYNCIO, function="async_yield")
_IDLE_CLIENTS = (
    Client("conductor_fast, 10 task types", "ours", task_types=10),
    Client("conductor-python, 10 task types", "sdk", task_types=10),
)
_OPEN = {"kind": "open", "per_second": 50}
_LATENCY_PEERS = (GO, replace(JAVA, warm_up=20.0), RUST, JAVASCRIPT)
PAYLOADS = {"1 KB": 1_024, "10 KB": 10_240, "100 KB": 102_400, "1 MB": 1_048_576}
_DOCUMENTS = (
    FLOOR,
    Client("conductor_fast, 10 threads", "ours", "document", 10),
    Client("conductor-python, 10 threads", "sdk", "document", 10),
)

SCENARIOS = (
    Scenario(
        "capacity",
        "Closed loop: a function that does nothing, tasks always there",
        (
            FLOOR,
            OURS_1,
            OURS_10,
            OURS_50,
            OURS_ASYNC,
            OURS_ASYNCIO,
            again(OURS_10),
            SDK_1,
            SDK_10,
            SDK_50,
            SDK_ASYNC,
            RUST,
            RUST_50,
            RUST_DEFAULTS,
            JAVA,
            JAVA_V2,
            JAVA_README,
            GO,
            GO_README,
            JAVASCRIPT,
            JAVASCRIPT_DEFAULTS,
        ),
        _THROUGHPUT,
        quick=True,
        report=(5, 3.0),
        bench=True,
    ),
    Scenario(
        "latency",
        "Open loop: 50 tasks a second, microseconds from available to completed",
        (
            Client("floor, blocking", "floor", slots=0),
            OURS_1,
            OURS_ASYNC,
            again(OURS_1),
            SDK_1,
            *_LATENCY_PEERS,
        ),
        _LATENCY,
        {"arrivals": _OPEN},
        quick=True,
        report=(3, 4.0),
        bench=True,
    ),
    Scenario(
        "latency_gathered",
        "The same on a server that holds a poll until its batch is full, as SQL stores do",
        (OURS_10, again(OURS_10), SDK_1, SDK_10, *_LATENCY_PEERS),
        _LATENCY,
        {"arrivals": _OPEN, "polls": "gathered"},
        report=(3, 4.0),
    ),
    Scenario(
        "burst",
        "Open loop: 200 tasks at once every second, microseconds",
        (OURS_10, SDK_10),
        ("burst_first", "burst_last", "burst_last_50"),
        {"arrivals": {"kind": "burst", "tasks": 200, "every_millis": 1_000}},
        report=(3, 3.0),
    ),
    Scenario(
        "burst_gathered",
        "The same on a server that holds a poll until its batch is full",
        (OURS_10, SDK_10),
        ("burst_first", "burst_last", "burst_last_50"),
        {"arrivals": {"kind": "burst", "tasks": 200, "every_millis": 1_000}, "polls": "gathered"},
        report=(3, 3.0),
    ),
    Scenario(
        "yield",
        "Closed loop: one `await asyncio.sleep(0)`",
        (FLOOR, _YIELDING, _YIELDING_ASYNCIO, again(_YIELDING)),
        _THROUGHPUT,
        bench=True,
    ),
    Scenario(
        "nap_threads",
        "Closed loop: 1 ms of sleep on 50 threads",
        (
            Client("bare threads", "bare", "nap", 50),
            Client("conductor_fast, 50 threads", "ours", "nap", 50),
            Client("conductor-python, 50 threads", "sdk", "nap", 50),
        ),
        ("tasks_per_second", "cpu_micros_per_task"),
    ),
    Scenario(
        "nap_coroutines",
        "Closed loop: 1 ms of sleep in 64 coroutines",
        (
            Client("bare asyncio", "bare", "async_nap", 64),
            Client("conductor_fast, 64 coroutines", "ours", "async_nap", 64),
            Client("conductor-python, async, 64", "sdk", "async_nap", 64),
        ),
        ("tasks_per_second", "cpu_micros_per_task"),
    ),
    Scenario(
        "crunch",
        "Closed loop: 100 µs of Python",
        (
            Client("bare Python", "bare", "crunch"),
            Client("conductor_fast, 1 thread", "ours", "crunch"),
            Client("conductor_fast, 10 threads", "ours", "crunch", 10),
            Client("conductor-python, 10 threads", "sdk", "crunch", 10),
        ),
        ("tasks_per_second", "cpu_micros_per_task"),
    ),
    *(
        Scenario(
            f"think_{millis}",
            f"Closed loop: the server takes {millis} ms for every answer",
            (
                Client("floor, 50 connections", "floor", slots=50),
                OURS_50,
                Client("conductor_fast, 100 coroutines", "ours", "async_noop", 100),
                SDK_50,
            ),
            ("tasks_per_second", "cpu_micros_per_task", "most_connections"),
            {"think_micros": millis * 1_000},
        )
        for millis in (0, 5, 20)
    ),
    *(
        Scenario(
            f"payload_{size}",
            f"Closed loop: {name} in and out",
            _DOCUMENTS,
            ("tasks_per_second", "cpu_micros_per_task", "pss_mib"),
            # What one poll may bring: no more than 64 MB of the largest.
            {"document_bytes": size, "arrivals": {"kind": "closed", "available": min(1_000, 2**26 // size)}},
            quick=size in (1_024, 102_400),
        )
        for name, size in PAYLOADS.items()
    ),
    *(
        Scenario(
            f"types_{number}",
            f"Open loop: 500 tasks a second over {number} task type{'s' if number > 1 else ''}",
            (
                Client("conductor_fast", "ours", task_types=number),
                # 100 types would be 104 processes of conductor-python.
                *([Client("conductor-python", "sdk", task_types=number, warm_up=7)] if number < 100 else []),
            ),
            ("tasks_per_second", "cpu_micros_per_task", "polls_per_second", "latency_p50", "pss_mib"),
            {"arrivals": {"kind": "open", "per_second": 500}, "task_types": number},
        )
        for number in (1, 10, 100)
    ),
    Scenario(
        "tls",
        "Closed loop: the same over TLS",
        (OURS_10, SDK_10),
        ("tasks_per_second", "cpu_micros_per_task", "switches_per_task", "pss_mib"),
        tls=True,
    ),
    Scenario(
        "metrics",
        "Closed loop: with and without metrics",
        (
            OURS_10,
            Client("conductor_fast, 10 threads, metrics", "ours", slots=10, arguments=("metrics",)),
            SDK_10,
            Client("conductor-python, 10 threads, metrics", "sdk", slots=10, arguments=("metrics",)),
        ),
        ("tasks_per_second", "cpu_micros_per_task", "pss_mib"),
    ),
    Scenario(
        "idle_held",
        "Idle, 10 task types, the server holds polls",
        _IDLE_CLIENTS,
        _IDLE,
        {"arrivals": {"kind": "never"}, "task_types": 10, "warm_up_seconds": 8},
        report=(3, 3.0),
        bench=True,
    ),
    Scenario(
        "idle_at_once",
        "Idle, 10 task types, the server answers at once",
        _IDLE_CLIENTS,
        _IDLE,
        {"arrivals": {"kind": "never"}, "task_types": 10, "polls": "at_once", "warm_up_seconds": 8},
        report=(3, 3.0),
    ),
    Scenario(
        "endurance",
        "Closed loop for half a minute: does memory grow?",
        (OURS_10,),
        ("tasks", "pss_mib", "pss_growth"),
        seconds=30.0,
        report=(1, 30.0),
    ),
)
