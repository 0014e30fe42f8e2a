"""Workers in the cells of a notebook, executed by a real kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from conductor_fast.testing import DevServer

Execute = Callable[[str], str]
FORMAT: Any = nbformat.v4  # without types

START = """
from conductor_fast import Configuration, TaskHandler, Worker, worker_task

configuration = Configuration(server_api_url={url!r})

@worker_task("double")
def double(n: int):
    return {{"n": 2 * n}}

handler = TaskHandler(configuration=configuration)
handler.start_processes()
handler.is_healthy()
"""

RUN_AGAIN = """
handler.stop_processes()

@worker_task("double")
def double(n: int):
    return {"n": 20 * n}

handler = TaskHandler(configuration=configuration)
handler.start_processes()
"""

ON_THE_KERNELS_LOOP = """
import asyncio

loop, inbox = asyncio.get_running_loop(), asyncio.Queue()

async def put(word: str):
    await inbox.put(word)
    return asyncio.get_running_loop() is loop

async with TaskHandler([Worker("put", put)], configuration, scan_for_annotated_workers=False):
    word = await asyncio.wait_for(inbox.get(), 20)
word
"""


@pytest.fixture
def execute() -> Iterator[Execute]:
    """Executes a cell in the kernel, and returns what it answers."""
    notebook = FORMAT.new_notebook()
    client = NotebookClient(notebook, timeout=30, kernel_name="python3")
    with client.setup_kernel():

        def run(source: str) -> str:
            notebook.cells.append(FORMAT.new_code_cell(source))
            cell = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
            return "".join(output.data["text/plain"] for output in cell.outputs if "data" in output)

        yield run


def test_workers_run_between_cells_and_follow_a_cell_that_is_run_again(
    server: DevServer, execute: Execute
) -> None:
    assert execute(START.format(url=server.url)) == "True"
    server.push("double", {"n": 21})
    assert server.wait_for(1, "double", "COMPLETED")
    execute(RUN_AGAIN)
    server.push("double", {"n": 21})
    assert server.wait_for(2, "double", "COMPLETED")
    assert [task["outputData"]["n"] for task in server.tasks("double")] == [42, 420]


def test_coroutines_run_on_the_kernels_own_loop(server: DevServer, execute: Execute) -> None:
    execute(START.format(url=server.url) + "handler.stop_processes()")
    server.push("put", {"word": "hello"})
    assert execute(ON_THE_KERNELS_LOOP) == "'hello'"
    assert server.tasks("put")[0]["outputData"] == {"result": True}
