"""Tokens that expire under load, and a token endpoint that is down."""

from __future__ import annotations

import threading

from conductor_fast import AuthenticationSettings, Configuration, WorkerHost
from conductor_fast.testing import DevServer
from tests.faults.recorder import Recorder, posts
from tests.support.waiting import wait_until

KEY, SECRET = "key", "secret"


def mints(server: DevServer) -> list[int | None]:
    return [line["status"] for line in server.transcript() if line["path"] == "/api/token"]


def configuration(server: DevServer, ttl_seconds: float = 2_700) -> Configuration:
    keys = AuthenticationSettings(KEY, SECRET)
    configuration = Configuration(server_api_url=server.url, authentication_settings=keys)
    configuration.auth_token_ttl_msec = int(ttl_seconds * 1_000)
    return configuration


def test_sixty_four_refused_calls_fetch_one_token_and_are_repeated_once() -> None:
    together = threading.Barrier(65)

    def work() -> None:
        together.wait(20)
        together.wait(20)

    with DevServer(auth=(KEY, SECRET)) as server, WorkerHost(configuration(server)) as host:
        server.push_many("work", {}, 64)
        host.start_worker("work", work, 64)
        together.wait(20)
        # All 64 run; their results meet a token that has just expired.
        server.expire_tokens()
        together.wait(20)
        assert server.wait_for(64, "work", "COMPLETED")
        # The last task is COMPLETED before its answer is in the transcript.
        wait_until(lambda: [status for _, status in posts(server)].count(200) == 64, "64 answers", 10)
        assert mints(server) == [200, 200]
        statuses = [status for _, status in posts(server)]
        assert set(statuses) <= {200, 401}
        assert len(statuses) <= 128, "each is repeated once"


def test_an_old_token_goes_on_while_no_new_one_can_be_had() -> None:
    recorder = Recorder()
    # Refreshed from 1.6 s on; the server takes it for much longer.
    with DevServer(auth=(KEY, SECRET)) as server, WorkerHost(configuration(server, 2)) as host:
        host.start_worker("work", recorder.work, 2)
        task_ids = server.push_many("work", {}, 1)
        assert server.wait_for(1, "work", "COMPLETED")
        server.add_fault("503 of=tokens")
        count = 1
        while mints(server).count(503) < 2:
            count += 1
            task_ids += server.push_many("work", {}, 1)
            assert server.wait_for(count, "work", "COMPLETED")
        server.clear_faults()
        while mints(server).count(200) < 2:
            count += 1
            task_ids += server.push_many("work", {}, 1)
            assert server.wait_for(count, "work", "COMPLETED")
        assert recorder.ran_once(task_ids)
        assert host.stop() == []
        assert {line["status"] for line in server.transcript() if line["path"] != "/api/token"} == {200}
