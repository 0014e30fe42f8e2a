"""Where the scenario's results or requests differ from conductor-python 2.0.0's: the only list of it.

Rows of "Behaviour" in docs/differences.md, each with what is seen of it: by task type (or kind of request)
and field, what is there and what is here.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Difference(NamedTuple):
    matter: str
    there: str
    here: str
    why: str
    seen: dict[tuple[str, str], tuple[Any, Any]]


_ABSENT = "inputData.absent is required and missing; expected int"
_NO_BOOL = "inputData.n: expected bool"
_NO_FUNCTION = "'AnAsyncClass' object has no attribute 'execute_function'"
_TERMINAL = "FAILED_WITH_TERMINAL_ERROR"


def _refused(output: dict[str, Any], reason: str) -> dict[str, tuple[Any, Any]]:
    return {
        "status": ("COMPLETED", _TERMINAL),
        "outputData": (output, {}),
        "reasonForIncompletion": (None, reason),
        "log": (None, f"conductor_fast.worker.mismatch.InputMismatch: {reason}"),
    }


DIFFERENCES = [
    Difference(
        "a required input that is missing",
        "the function gets None",
        "the task fails for good and names the input",
        "the mistake shows where it was made; an input with a default may be left out",
        {("a_missing_input", field): each for field, each in _refused({"absent": None}, _ABSENT).items()},
    ),
    Difference(
        "an input of another type than annotated",
        "passed as it came, if the annotation is a simple type",
        "converted where nothing is lost, else the task fails for good and names the input; "
        "`strict_inputs=False` passes it on",
        "a function gets what it says",
        {("a_wrong_input", field): each for field, each in _refused({"n": 20}, _NO_BOOL).items()},
    ),
    Difference(
        "output of a function that raised",
        '`{"result": null}`, of a coroutine function `{}`',
        "`{}`",
        "there is none",
        {
            (task_type, "outputData"): ({"result": None}, {})
            for task_type in ("an_exception", "a_silent_exception", "never_again")
        },
    ),
    Difference(
        "an exception without words",
        "no reason",
        "its class is the reason",
        "a failure says why",
        {("a_silent_exception", "reasonForIncompletion"): (None, "ValueError")},
    ),
    Difference(
        "log of a `NonRetryableException`",
        "none, unless a coroutine function raised it",
        "the traceback, as of any exception",
        "a failure says where",
        {("never_again", "log"): (None, "conductor_fast.model.exceptions.NonRetryableException: no use")},
    ),
    Difference(
        "times of log lines",
        "tracebacks: in seconds, which is January 1970 to the server",
        "in milliseconds since 1970",
        "the server's unit",
        {("log", "time"): ("seconds", "milliseconds")},
    ),
    Difference(
        "`worker_id` of a returned `TaskResult`",
        "only if the function sets it",
        "the worker's",
        "the server shows who has done it",
        {("a_task_result", "workerId"): (None, "the worker's")},
    ),
    Difference(
        "reports",
        "`POST /tasks/update-v2`, whose answer may be the next task; `extendLease` in each",
        "`POST /tasks`; `extendLease` only if it is true",
        "the next task comes with a batch, which one poll brings for all free slots",
        {
            ("update", "path"): ("/api/tasks/update-v2", "/api/tasks"),
            ("update", "extendLease"): (False, None),
        },
    ),
    Difference(
        "`timeout` of polls",
        "100 ms, always",
        "as set; left to the engine it is 0 while there is work, then up to 5 s",
        "an idle worker asks seldom and still gets its task at once",
        {("poll", "timeout"): ("100", "others")},
    ),
    Difference(
        "`set_output` of the context",
        "dropped wherever the function returns something (S15)",
        "merged: what is returned goes before it",
        "it is asked for",
        {("a_context", "outputData"): ({"returned": 20}, {"returned": 20, "set": 20})},
    ),
    Difference(
        "`set_callback_after` of the context",
        "the task is COMPLETED all the same, and does not come back (S17)",
        "the task is IN_PROGRESS and comes back",
        "else it would mean nothing",
        {
            ("a_callback", "outputData"): ({"polls": 1}, {"polls": 2}),
            ("a_callback", "pollCount"): (1, 2),
            ("a_callback", "output in progress"): (None, {"polls": 1}),
        },
    ),
    Difference(
        "log lines of a class worker that raises",
        "lost (S19)",
        "kept, before the traceback",
        "they tell how far it got",
        {("a_class", "first log"): (None, "before")},
    ),
    Difference(
        "`async def` with the whole `Task`, or that returns a dataclass",
        "gets None (A3); its fields are below `result` (A5)",
        "as of other functions",
        "one rule for all functions",
        {("a_coroutine_of_the_task", "outputData"): ({"result": None}, {"x": 20, "y": 1})},
    ),
    Difference(
        "a class worker with `async def execute`",
        "always FAILED (A4)",
        "runs",
        "as other class workers",
        {
            ("an_async_class", field): each
            for field, each in {
                "status": ("FAILED", "COMPLETED"),
                "outputData": ({}, {"n": 20}),
                "reasonForIncompletion": (_NO_FUNCTION, None),
                "log": (f"AttributeError: {_NO_FUNCTION}", None),
            }.items()
        },
    ),
]
