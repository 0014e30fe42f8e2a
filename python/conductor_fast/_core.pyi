"""The engine of `conductor_fast`, in Rust (rust/bridge). Not a public API: use the package's names."""

from asyncio import Task
from collections.abc import Callable, Sequence
from typing import Any, Literal, final

from conductor_fast.model.context import TaskContext
from conductor_fast.settings.server_settings import ServerSettings
from conductor_fast.settings.worker_config import WorkerConfig
from conductor_fast.worker.converter import Arguments, Member

__all__ = [
    "AsyncExecutor",
    "Client",
    "DevServer",
    "Job",
    "Lane",
    "MetricsFile",
    "MetricsListener",
    "Runtime",
    "SyncExecutor",
    "TokenSource",
    "__version__",
    "decode_json",
    "decode_members",
    "encode_json",
    "render_metrics",
    "render_workers",
    "run_floor",
    "spool_command",
]

__version__: str

def decode_json(text: bytes) -> dict[str, Any]:
    """A JSON object as the input of a task is read. ValueError tells the place, never what stands there."""

def decode_members(text: bytes, members: Sequence[Member]) -> tuple[Any, ...] | None:
    """The values of its `members`, as a lane hands them out; None if it would hand out the whole input."""

def encode_json(
    value: object, to_plain: Callable[[Any], Any], nan: Literal["fail", "null", "string"] = "fail"
) -> bytes:
    """A value as the output of a task is written. ValueError tells the path and the problem."""

@final
class TokenSource:
    """A desk where the engine asks for tokens, and a Python thread gives them."""

    def __new__(cls) -> TokenSource: ...
    def wait(self) -> None:
        """Block until a token is wanted. Each return wants one `give` or `fail`."""

    def give(self, token: str) -> None:
        """The token, for all who wait."""

    def fail(self, problem: str) -> None:
        """There is none; `problem` goes into errors and the log."""

@final
class Client:
    """The server's management calls, over a thread of its own that never attaches."""

    def __new__(cls, settings: ServerSettings) -> Client:
        """Start the I/O thread. ConfigurationError for a setting or a file that cannot be used."""

    def call(
        self,
        method: str,
        path: list[str],
        query: list[tuple[str, str]],
        body: bytes | None,
        *,
        hold: float,
        repeatable: bool,
    ) -> bytes:
        """Block until the server has answered; the body of a successful answer, else ApiException.

        `path`: segments below the base URL, not encoded. `hold`: seconds that the server may hold the
        call. `repeatable`: may it be sent again after its answer was lost?
        """

    def close(self) -> None:
        """End the I/O thread and whatever is in flight. Idempotent."""

@final
class Runtime:
    """The engine of one process: polls, posts and retries on a thread of its own that never attaches.

    Every call that may block detaches. After fork every call raises ConductorFastError.
    """

    def __new__(cls, settings: ServerSettings, *, wants_events: bool = False) -> Runtime:
        """Start the I/O thread. ConfigurationError for a setting or a file that cannot be used.

        `wants_events`: somebody will call `events`; else none are made.
        """

    def add_worker(
        self,
        config: WorkerConfig,
        *,
        whole_task: bool,
        members: Sequence[Member] | None,
        to_plain: Callable[[Any], Any],
        on_request: bool,
    ) -> SyncExecutor:
        """Add a worker whose function runs on threads. Poll for it at once, unless paused or `on_request`.

        `whole_task`: lanes hand out the whole task, not its input. `members`: they may hand out a tuple of
        the values of these alone. `to_plain` turns what JSON does not know into what it does, or raises
        TypeError. ConfigurationError names the field.
        """

    def add_async_worker(
        self,
        config: WorkerConfig,
        *,
        whole_task: bool,
        members: Sequence[Member] | None,
        to_plain: Callable[[Any], Any],
        on_request: bool,
    ) -> AsyncExecutor:
        """As `add_worker`, for a coroutine function."""

    def poll_once(self, executor: SyncExecutor | AsyncExecutor) -> int:
        """Poll once for all free slots; the number of tasks, which by then are with the executor."""

    def pause(self, executor: SyncExecutor | AsyncExecutor) -> None:
        """Send no poll for it until `resume`. One in flight is awaited, and what it brings is run."""

    def resume(self, executor: SyncExecutor | AsyncExecutor) -> None:
        """Poll for it again, at once."""

    def set_thread_count(self, executor: SyncExecutor | AsyncExecutor, thread_count: int) -> None:
        """Hold so many of its tasks at once; lanes for them are the caller's to add.

        ConfigurationError for a number that is out of range.
        """

    def set_poll_interval(self, executor: SyncExecutor | AsyncExecutor, poll_interval_millis: float) -> None:
        """The time between the starts of two of its idle polls from now on, kept as it is."""

    def seconds_overdue(self, executor: SyncExecutor | AsyncExecutor) -> float:
        """How long ago its next poll should have been sent, or the one in flight answered.

        0.0 while all its slots are taken, and while it is paused. A failed poll is an answer. Never raises.
        """

    def stop_polling(self) -> None:
        """Send no new poll. Those in flight are awaited, and what they bring is run."""

    def wait_idle(self, timeout: float) -> bool:
        """Wait for at most `timeout` seconds until nothing is polled, run or undelivered; true if so."""

    def held(self) -> list[tuple[str, str, bool]]:
        """Tasks that are not settled with the server: (task id, task type, its function has returned)."""

    def dead_letters(self) -> int:
        """Results in the spool that the server refuses or that are too old; after a close, what is left."""

    @staticmethod
    def log_areas() -> list[str]:
        """What log records are about, in the order of `set_log_levels`."""

    def set_log_levels(self, levels: list[int]) -> None:
        """The lowest level of each area that is read; of the others no record is made. At first, all are."""

    def log_records(
        self,
    ) -> list[tuple[str, int, int, str, str | None, str | None, str | None, BaseException | None]] | None:
        """Wait for log records, for a second at most, so that levels may be told anew. None once closed.

        Each is its area, level, nanoseconds since 1970, message, task type, task id, workflow id, and what
        the worker's function raised.
        """

    def events(self) -> tuple[list[tuple[str, dict[str, Any]]], int] | None:
        """Wait for events: (name, fields), oldest first, and how many were dropped since the last call.

        A timestamp is in seconds since 1970, a task result as it is posted. None once closed, and at once
        if nobody `wants_events`.
        """

    def close(self) -> None:
        """End the I/O thread and whatever is still in flight. Idempotent."""

@final
class SyncExecutor:
    """Runs the functions of one worker on threads that each hold a lane."""

    def lane(self) -> Lane:
        """A lane for one more thread."""

    def close(self) -> None:
        """Let the threads go once no task waits."""

@final
class Lane:
    """One thread's way to its tasks. Not for several threads at once."""

    def take(self) -> Arguments | None:
        """Wait for a task; its input, or the whole task. None once the executor is closed."""

    def complete(self, output: dict[str, Any]) -> Arguments | None:
        """Report COMPLETED with `output`; then the next task, if one is there, as `take`. Does not wait.

        An output that cannot be JSON fails the task with the path in the reason.
        """

    def report(
        self,
        status: str,
        output: dict[str, Any],
        *,
        reason: str | None = None,
        callback_after_seconds: int | None = None,
        logs: list[tuple[str, int]] | None = None,
        external_output_payload_storage_path: str | None = None,
    ) -> Arguments | None:
        """Report any other outcome, then as `complete`. `logs`: (text, milliseconds since 1970).

        ValueError for a status that is none; the task is then still to be reported.
        """

    def raised(self, cause: BaseException) -> None:
        """Count and tell that the function raised; a `report` follows."""

    def task(self) -> dict[str, Any]:
        """The whole current task. RuntimeError if there is none."""

    def ids(self) -> tuple[str, str, str]:
        """Task type, task id and workflow id. RuntimeError if there is no task."""

    def cancelled(self) -> bool:
        """Has the server ended the current task? Only known of workers whose leases are extended."""

@final
class AsyncExecutor:
    """Runs the coroutines of one worker on an event loop that watches `fileno()`."""

    def fileno(self) -> int:
        """Readable when tasks wait."""

    def drain(self) -> list[Job]:
        """All tasks that wait and may start."""

    def close(self) -> None:
        """Let no job begin from now on."""

    def tasks(self) -> list[Task[None]]:
        """The asyncio tasks of jobs that have begun and are not reported."""

    def take_cancelled(self) -> list[Task[None]]:
        """Of those, the ones whose Conductor tasks the server has ended since the last call."""

@final
class MetricsListener:
    """The metrics of this process, its probes and its page, served without Python.

    `port` 0 takes a free one. ConfigurationError if the port cannot be had, or there is no such catalogue.
    """

    def __new__(cls, host: str, port: int, catalogue: str) -> MetricsListener: ...
    @property
    def url(self) -> str:
        """Without a path."""

    def close(self) -> None: ...

@final
class MetricsFile:
    """The metrics of this process in the file `path`, written anew every `interval` seconds until `close`.

    ConfigurationError if it cannot be written, or there is no such catalogue.
    """

    def __new__(cls, path: str, interval: float, catalogue: str) -> MetricsFile: ...
    def close(self) -> None: ...

def spool_command(directory: str, command: str) -> str:
    """Run a command, given as JSON, on all files of results in `directory`; their answers as JSON."""

def render_metrics(catalogue: str) -> str:
    """What /metrics tells: the text format 0.0.4. ConfigurationError if there is no such catalogue."""

def render_workers() -> str:
    """What /workers.json tells."""

@final
class Job:
    """One task of a coroutine, to be reported once. Dropped unreported, the task is FAILED."""

    made: TaskContext | None
    """The task's context, if the function asked for it. Dropped with the report, and not kept after it."""

    def start(self, task: Task[None] | None) -> Arguments | None:
        """Tell that the coroutine begins, and keep its asyncio task until it is reported.

        Gives its input (or the whole task). None: it is not to run, since its input cannot be read, which is
        reported then, or since it is not wanted any more.
        """

    def complete(self, output: dict[str, Any]) -> bool:
        """Report COMPLETED with `output`; one that cannot be JSON fails the task with the path.

        False, and nothing is reported, if the task's context was `made`: what it holds is to be merged first.
        """

    def report(
        self,
        status: str,
        output: dict[str, Any],
        *,
        reason: str | None = None,
        callback_after_seconds: int | None = None,
        logs: list[tuple[str, int]] | None = None,
        external_output_payload_storage_path: str | None = None,
    ) -> None:
        """Report any other outcome. `logs`: (text, milliseconds since 1970).

        ValueError for a status that is none; the task is then still to be reported.
        """

    def raised(self, cause: BaseException) -> None:
        """Count and tell that it raised; a `report` follows."""

    def task(self) -> dict[str, Any]:
        """The whole task."""

    def ids(self) -> tuple[str, str, str]:
        """Task type, task id and workflow id. RuntimeError if there is no task."""

    def cancelled(self) -> bool:
        """Has the server ended this task? False once it is reported; else as `Lane.cancelled`."""

@final
class DevServer:
    """An in-memory Conductor task service (rust/devserver), with JSON texts for what is JSON."""

    def __new__(
        cls,
        *,
        host: str,
        port: int,
        gathering: bool,
        requests_per_connection: int | None,
        transcript_capacity: int,
        auth: tuple[str, str] | None,
        token_ttl: float,
    ) -> DevServer: ...
    @property
    def url(self) -> str: ...
    @property
    def requests(self) -> int: ...
    @property
    def connections_opened(self) -> int: ...
    def push(
        self,
        task_type: str,
        input: str,
        count: int,
        *,
        domain: str | None,
        workflow_instance_id: str | None,
        response_timeout_seconds: int | None,
        retry_count: int | None,
        retry_delay_seconds: int | None,
    ) -> list[str]: ...
    def push_raw_input(self, task_type: str, input: bytes) -> str: ...
    def define(self, definition: str) -> None: ...
    def task(self, task_id: str) -> str | None: ...
    def tasks(self, task_type: str | None, status: str | None) -> str: ...
    def count(self, task_type: str | None, status: str | None) -> int: ...
    def wait_for(self, count: int, task_type: str | None, status: str | None, timeout: float) -> bool: ...
    def forget_terminal(self) -> int: ...
    def transcript(self) -> str: ...
    def clear_transcript(self) -> None: ...
    def add_fault(self, rule: str) -> int: ...
    @staticmethod
    def fault_table() -> str: ...
    def clear_faults(self) -> None: ...
    def expire_tokens(self) -> None: ...
    def stop(self) -> None: ...

def run_floor(url: str, task_type: str, output: str) -> None:
    """Do what a client must do at least, on bare sockets, until the server of `url` ends: poll, and post.

    `url`: of a `DevServer` on an IP address. `output`: JSON, the same for every task. OSError for a server
    that is not there or refuses.
    """
