"""Tokens, headers and secrets, through the public API against a dev server that wants them."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from conductor_fast import (
    ApiException,
    AuthenticationSettings,
    Configuration,
    ConfigurationError,
    TaskClient,
    WorkerHost,
)
from conductor_fast.testing import DevServer
from tests.support.forwarders import Forwarder, HttpProxy
from tests.support.waiting import wait_until

KEY, SECRET = "canary-key", "canary-secret"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONDUCTOR_AUTH_KEY", "CONDUCTOR_AUTH_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(auth=(KEY, SECRET)) as server:
        yield server


def with_keys(server: DevServer, secret: str = SECRET, **more: Any) -> Configuration:
    keys = AuthenticationSettings(KEY, secret)
    return Configuration(server_api_url=server.url, authentication_settings=keys, **more)


def mints(server: DevServer, status: int = 200) -> int:
    return sum(line["path"] == "/api/token" and line["status"] == status for line in server.transcript())


def greet(name: str) -> str:
    return f"Hello {name}"


def run_some(server: DevServer, configuration: Configuration, count: int = 10) -> None:
    """Let a worker finish `count` tasks."""
    done = server.count("greet", "COMPLETED")
    server.push_many("greet", {"name": "Ada"}, count)
    with WorkerHost(configuration) as host:
        host.start_worker("greet", greet, 4)
        assert server.wait_for(done + count, "greet", "COMPLETED")


def test_host_and_clients_of_one_key_mint_once(server: DevServer) -> None:
    run_some(server, with_keys(server), 30)
    configuration = with_keys(server)
    with WorkerHost(configuration) as host, TaskClient(with_keys(server)) as client:
        host.start_worker("greet", greet)
        task_id = server.push("greet", {"name": "Ada"})
        assert server.wait_for(31, "greet", "COMPLETED")
        before = mints(server)
        assert client.get_task(task_id).output_data == {"result": "Hello Ada"}
        assert mints(server) == before
    assert mints(server) == 2  # one for each that had nobody to share with


def test_the_key_of_the_environment(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_AUTH_KEY", KEY)
    monkeypatch.setenv("CONDUCTOR_AUTH_SECRET", SECRET)
    run_some(server, Configuration(server_api_url=server.url))


def test_an_expired_token_is_replaced_and_the_call_repeated(server: DevServer) -> None:
    with TaskClient(with_keys(server)) as client:
        task_id = server.push("greet")
        for _ in range(3):
            client.get_task(task_id)
            server.expire_tokens()
        client.get_task(task_id)
    assert mints(server) == 4


def test_tokens_that_live_shortly(caplog: pytest.LogCaptureFixture) -> None:
    with DevServer(auth=(KEY, SECRET), token_ttl=0.05) as server:
        run_some(server, with_keys(server), 200)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_wrong_key_names_the_setting_and_the_remedy(
    server: DevServer, caplog: pytest.LogCaptureFixture
) -> None:
    with TaskClient(with_keys(server, "canary-wrong")) as client, pytest.raises(ApiException) as caught:
        client.get_task("x")
    assert caught.value.status == 401
    for text in ("authentication_settings: ", "Invalid key or secret", "check key_id and key_secret"):
        assert text in str(caught.value)
    with WorkerHost(with_keys(server, "canary-wrong")) as host:
        host.start_worker("greet", greet)
        wait_until(lambda: "authentication_settings: " in caplog.text, "a line that names the setting", 5)


def test_no_key_where_one_is_wanted_names_the_setting(server: DevServer) -> None:
    with TaskClient(server.url) as client, pytest.raises(ApiException, match="CONDUCTOR_AUTH_KEY") as caught:
        client.get_task("x")
    assert caught.value.status == 401


def test_a_server_without_tokens_is_open() -> None:
    with DevServer() as server:
        run_some(server, with_keys(server))
        assert mints(server, 404) == 1


class Provider:
    """Asks the dev server for tokens, as a user's function would ask a vault."""

    def __init__(self, server: DevServer) -> None:
        self.calls = 0
        self._server = server

    def __call__(self) -> str:
        self.calls += 1
        return mint(self._server)


def mint(server: DevServer) -> str:
    import json
    import urllib.request

    body = json.dumps({"keyId": KEY, "keySecret": SECRET}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}/token", body)) as answer:
        token: str = json.load(answer)["token"]
        return token


def test_a_token_provider_is_asked_once_and_after_a_refusal(server: DevServer) -> None:
    provider = Provider(server)
    configuration = Configuration(server_api_url=server.url, token_provider=provider)
    with WorkerHost(configuration) as host, TaskClient(configuration) as client:
        host.start_worker("greet", greet, 2)
        server.push_many("greet", {"name": "Ada"}, 20)
        assert server.wait_for(20, "greet", "COMPLETED")
        task_id = server.push("other")
        client.get_task(task_id)
        assert provider.calls == 1
        server.expire_tokens()
        client.get_task(task_id)
        assert provider.calls == 2


@pytest.mark.parametrize(
    ("provider", "problem"),
    [
        (lambda: 1 / 0, "it raised ZeroDivisionError"),
        (lambda: None, "it returned NoneType, not a string"),
        (lambda: "", "its token cannot stand in a header"),
        (lambda: "canary\nline", "its token cannot stand in a header"),
        (lambda: "canary-token", "the server refuses a token that is new"),
    ],
)
def test_a_token_provider_that_fails_is_named(server: DevServer, provider: Any, problem: str) -> None:
    configuration = Configuration(server_api_url=server.url, token_provider=provider)
    with TaskClient(configuration) as client, pytest.raises(ApiException) as caught:
        client.get_task("x")
    assert "token_provider: " in str(caught.value)
    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)


class Recorder(Forwarder):
    """Keeps the heads of the requests that pass."""

    def __init__(self, server: DevServer) -> None:
        self.seen = b""
        host, _, port = server.url.removeprefix("http://").removesuffix("/api").rpartition(":")
        super().__init__((host, int(port)))

    def passes(self, chunk: bytes) -> None:
        self.seen += chunk


def test_headers_and_user_information_are_on_every_request(server: DevServer) -> None:
    with Recorder(server) as recorder:
        configuration = Configuration(
            server_api_url=f"http://me:p%40ss@127.0.0.1:{recorder.port}/api",
            authentication_settings=AuthenticationSettings(KEY, SECRET),
            headers={"X-Gate": "open"},
        )
        run_some(server, configuration)
        with TaskClient(configuration) as client:
            client.get_task(server.push("other"))
    requests = recorder.seen.lower().count(b" http/1.1\r\n")
    assert requests > 10
    assert recorder.seen.lower().count(b"\r\nx-gate: open\r\n") == requests
    basic = base64.b64encode(b"me:p@ss").lower()
    assert recorder.seen.lower().count(b"\r\nauthorization: basic " + basic) == requests
    tokens = recorder.seen.lower().count(b"\r\nx-authorization: ")
    assert tokens == requests - mints(server)


@pytest.mark.parametrize("name", ["Host", "X-Authorization", "content-length", "a b"])
def test_a_header_that_cannot_be_set_is_refused_at_start(server: DevServer, name: str) -> None:
    configuration = Configuration(server_api_url=server.url, headers={name: "canary"})
    with pytest.raises(ConfigurationError, match=f'^headers: "{name}" ') as caught:
        WorkerHost(configuration).start()
    assert "canary" not in str(caught.value)


def test_no_secret_is_ever_shown(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def note(configuration: Configuration) -> None:
        with TaskClient(configuration) as client:
            for _ in range(2):
                with pytest.raises(ApiException) as caught:
                    client.get_task("x")
                shown.append(f"{caught.value} {caught.value!r}")
        try:
            with WorkerHost(configuration) as host:
                host.start_worker("greet", greet)
                wait_until(lambda: server.transcript() or True, "a poll", 1)
                shown.append(repr(host))
        except ConfigurationError as error:
            shown.append(str(error))
        shown.append(repr(configuration))

    def echo(text: str) -> str:
        return f'{{"error":"INVALID_TOKEN","message":"no {text}"}}'

    for secret in (SECRET, "canary-wrong"):
        note(with_keys(server, secret))
    with HttpProxy("nobody") as proxy:
        refused = with_keys(server, headers={"X-Gate": "canary-gate"})
        refused.proxy = f"http://canary-user:canary-password@127.0.0.1:{proxy.port}"
        note(refused)
    gone = with_keys(server)
    gone.host = "http://canary-user:canary-password@127.0.0.1:9/api"
    note(gone)
    server.add_fault(
        {"path": "/api/token", "answer": {"status": 403, "body": echo("canary-key canary-secret")}}
    )
    note(with_keys(server))
    server.clear_faults()
    server.add_fault(
        {"path": "/api/tasks", "answer": {"status": 401, "body": echo("canary-key canary-secret")}}
    )
    note(with_keys(server))
    server.clear_faults()
    server.add_fault({"path": "/api/tasks", "answer": {"status": 401, "body": echo("canary-token")}})
    note(Configuration(server_api_url=server.url, token_provider=lambda: "canary-token"))
    everything = "\n".join(shown) + caplog.text
    assert "cannot connect" in everything
    assert "authentication_settings: " in everything
    assert "canary" not in everything
