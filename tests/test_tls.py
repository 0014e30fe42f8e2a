"""TLS and proxies, against real ones that the tests run in front of the dev server."""

from __future__ import annotations

import datetime
import logging
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from conductor_fast import ApiException, Configuration, ConfigurationError, TaskClient, WorkerHost
from conductor_fast.testing import DevServer
from tests.support.forwarders import HttpProxy, TlsFront
from tests.support.waiting import wait_until

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CONDUCTOR_AUTH_KEY", "CONDUCTOR_AUTH_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return str(file)


class Fronts:
    """Makes TLS servers in front of the dev server."""

    def __init__(self, server: DevServer, ca: trustme.CA, stack: ExitStack) -> None:
        self.ca = ca
        self._server = server
        self._stack = stack

    def __call__(
        self, certificate: trustme.LeafCert | None = None, *, client_ca: bool = False, old: bool = False
    ) -> TlsFront:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        (certificate or self.ca.issue_cert("127.0.0.1")).configure_cert(context)
        if client_ca:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return self._stack.enter_context(TlsFront(address(self._server), context))


@pytest.fixture
def front(server: DevServer, ca: trustme.CA) -> Iterator[Fronts]:
    with ExitStack() as stack:
        yield Fronts(server, ca, stack)


def address(server: DevServer) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").removesuffix("/api").rpartition(":")
    return host, int(port)


def secure(front: TlsFront, ca_file: str | None = None) -> Configuration:
    configuration = Configuration(server_api_url=f"https://127.0.0.1:{front.port}/api")
    configuration.ssl_ca_cert = ca_file
    return configuration


def greet(name: str) -> str:
    return f"Hello {name}"


def both_ways_work(server: DevServer, configuration: Configuration) -> None:
    """A worker runs tasks on the hot connections, a client makes a management call."""
    task_ids = [server.push("greet", {"name": "Ada"}) for _ in range(10)]
    with WorkerHost(configuration) as host, TaskClient(configuration) as client:
        host.start_worker("greet", greet, 3)
        assert server.wait_for(10, "greet", "COMPLETED")
        assert client.get_task(task_ids[0]).output_data == {"result": "Hello Ada"}


def both_ways_fail(configuration: Configuration, problem: str, caplog: pytest.LogCaptureFixture) -> str:
    """What a client's exception says; the worker host's log says it too."""
    with TaskClient(configuration) as client, pytest.raises(ApiException) as caught:
        client.get_task("x")
    assert problem in str(caught.value)
    with WorkerHost(configuration) as host:
        host.start_worker("greet", lambda: None)
        wait_until(lambda: problem in caplog.text, f"a line with {problem!r}", 10)
    return str(caught.value)


def test_a_ca_by_setting(server: DevServer, front: Fronts, ca_file: str) -> None:
    both_ways_work(server, secure(front(), ca_file))


def test_a_ca_in_a_folder(server: DevServer, front: Fronts, ca_file: str) -> None:
    both_ways_work(server, secure(front(), str(Path(ca_file).parent)))


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_ca_by_environment(
    name: str, server: DevServer, front: Fronts, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, ca_file)
    both_ways_work(server, secure(front()))


def test_a_folder_of_cas_by_environment(
    server: DevServer, front: Fronts, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files have the names that OpenSSL gives them (`c_rehash`)."""
    ca.cert_pem.write_to_path(str(tmp_path / "0123abcd.0"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    both_ways_work(server, secure(front()))


def test_an_unknown_ca(front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    message = both_ways_fail(secure(front(certificate), ca_file), "unknown issuer", caplog)
    assert "ssl_ca_cert: " in message
    assert "SSL_CERT_FILE" in message


def test_an_expired_certificate(front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    certificate = front.ca.issue_cert(
        "127.0.0.1", not_before=yesterday - datetime.timedelta(days=1), not_after=yesterday
    )
    message = both_ways_fail(secure(front(certificate), ca_file), "has expired", caplog)
    assert "renew it" in message


def test_a_wrong_host_name(front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    certificate = front.ca.issue_cert("conductor.example.com")
    message = both_ways_fail(secure(front(certificate), ca_file), "hostname mismatch", caplog)
    for text in ("server_api_url: ", "127.0.0.1", "conductor.example.com"):
        assert text in message


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TLS 1.1 is
def test_a_server_with_tls_1_1_alone(front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    message = both_ways_fail(secure(front(old=True), ca_file), "TLS 1.2", caplog)
    assert "the server" in message


def test_a_machine_without_ca_certificates(
    server: DevServer, front: Fronts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "certifi", None)
    both_ways_work(server, Configuration(server_api_url=server.url))
    without = "install the package ca-certificates"
    with pytest.raises(ConfigurationError, match=without):
        TaskClient(secure(front())).get_task("x")
    with pytest.raises(ConfigurationError, match=without):
        WorkerHost(secure(front())).start()


def test_verify_ssl_false_takes_any_certificate_and_warns(
    server: DevServer, front: Fronts, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = secure(front(trustme.CA().issue_cert("elsewhere")))
    configuration.verify_ssl = False
    both_ways_work(server, configuration)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert all("verify_ssl is False" in record.getMessage() for record in warnings)


@pytest.mark.parametrize("apart", [True, False])
def test_a_client_certificate(
    apart: bool, server: DevServer, front: Fronts, ca_file: str, tmp_path: Path
) -> None:
    certificate = front.ca.issue_cert("worker@example.com")
    configuration = secure(front(client_ca=True), ca_file)
    configuration.cert_file, configuration.key_file = tmp_path / "client.pem", tmp_path / "client.key"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(configuration.cert_file), append=True)
    certificate.private_key_pem.write_to_path(str(configuration.key_file))
    if not apart:
        certificate.private_key_pem.write_to_path(str(configuration.cert_file), append=True)
        configuration.key_file = None
    both_ways_work(server, configuration)


def test_a_missing_client_certificate(front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    message = both_ways_fail(secure(front(client_ca=True), ca_file), "asks for a client certificate", caplog)
    assert "cert_file: " in message


def test_a_client_certificate_of_somebody_else(
    front: Fronts, ca_file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = secure(front(client_ca=True), ca_file)
    configuration.cert_file = tmp_path / "client.pem"
    trustme.CA().issue_cert("worker@example.com").private_key_and_cert_chain_pem.write_to_path(
        str(configuration.cert_file)
    )
    assert "cert_file: " in both_ways_fail(configuration, "refuses our client certificate", caplog)


def test_plain_http_behind_https(server: DevServer, ca_file: str, caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration(server_api_url=server.url.replace("http:", "https:"))
    configuration.ssl_ca_cert = ca_file
    assert "http://" in both_ways_fail(configuration, "does not speak TLS", caplog)


def _write(name: str, text: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / name).write_text(text)
        return str(folder / name)

    return write


@pytest.mark.parametrize(
    ("setting", "file", "problem"),
    [
        ("ssl_ca_cert", lambda folder: str(folder / "gone.pem"), "cannot read .*gone.pem"),
        ("ssl_ca_cert", _write("bad.pem", "canary"), "bad.pem holds no CA certificate"),
        ("ssl_ca_cert", _write("x.pem", "-----BEGIN CERTIFICATE-----\ncanary"), "x.pem is no PEM file"),
        ("cert_file", lambda folder: str(folder / "gone.pem"), "cannot read .*gone.pem"),
        ("cert_file", _write("bad.pem", "canary"), "bad.pem holds no certificate"),
        ("key_file", lambda folder: str(folder / "gone.pem"), "cannot read .*gone.pem"),
        ("key_file", _write("bad.key", "canary"), "bad.key holds no private key"),
        ("key_file", lambda folder: str(folder / "other.key"), "does not go with cert_file"),
    ],
)
def test_a_bad_file_is_refused_at_start(
    setting: str,
    file: Callable[[Path], str],
    problem: str,
    front: Fronts,
    ca_file: str,
    tmp_path: Path,
) -> None:
    front.ca.issue_cert("other").private_key_pem.write_to_path(str(tmp_path / "other.key"))
    certificate = front.ca.issue_cert("worker@example.com")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    configuration = secure(front(), ca_file)
    configuration.cert_file = tmp_path / "client.pem"
    setattr(configuration, setting, file(tmp_path))
    for start in (WorkerHost(configuration).start, lambda: TaskClient(configuration).get_task("x")):
        with pytest.raises(ConfigurationError, match=f"^{setting}: .*{problem}.*") as caught:
            start()
        assert "; give a PEM file" in str(caught.value) or "does not go" in str(caught.value)
        assert "canary" not in str(caught.value)


def test_a_bad_file_of_the_environment_names_the_variable(
    front: Fronts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    with pytest.raises(ConfigurationError, match=r"^ssl_ca_cert: .*/no/such\.pem.*from SSL_CERT_FILE"):
        WorkerHost(secure(front())).start()


def test_a_proxy_for_plain_http(server: DevServer) -> None:
    with HttpProxy("Basic bWU6cEBzcw==") as proxy:
        configuration = Configuration(server_api_url=server.url)
        configuration.proxy = f"http://me:p%40ss@127.0.0.1:{proxy.port}"
        both_ways_work(server, configuration)
    assert any(head.startswith(f"GET {server.url}/tasks/poll/batch/greet?") for head in proxy.heads)
    assert all(server.url in head.splitlines()[0] for head in proxy.heads)


def test_a_proxy_for_https(server: DevServer, front: Fronts, ca_file: str) -> None:
    with HttpProxy() as proxy:
        target = front()
        configuration = secure(target, ca_file)
        configuration.proxy = f"127.0.0.1:{proxy.port}"
        both_ways_work(server, configuration)
    assert {head.splitlines()[0] for head in proxy.heads} == {f"CONNECT 127.0.0.1:{target.port} HTTP/1.1"}
    assert target.connections == proxy.connections


def test_certificates_are_checked_through_a_proxy(
    front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpProxy() as proxy:
        configuration = secure(front(trustme.CA().issue_cert("127.0.0.1")), ca_file)
        configuration.proxy = f"127.0.0.1:{proxy.port}"
        both_ways_fail(configuration, "unknown issuer", caplog)


def test_a_proxy_by_environment_and_no_proxy(
    server: DevServer, front: Fronts, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        target = front()
        both_ways_work(server, secure(target, ca_file))
        through = proxy.connections
        assert through > 0
        monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.0/8")
        server.forget_terminal()
        both_ways_work(server, secure(target, ca_file))
        monkeypatch.delenv("NO_PROXY")
        server.forget_terminal()
        configuration = secure(target, ca_file)
        configuration.proxy = ""
        both_ways_work(server, configuration)
        assert proxy.connections == through


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_proxy_that_wants_a_password(
    encrypted: bool, server: DevServer, front: Fronts, ca_file: str, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = secure(front(), ca_file) if encrypted else Configuration(server_api_url=server.url)
    with HttpProxy("Basic nobody") as proxy:
        configuration.proxy = f"http://me:canary@127.0.0.1:{proxy.port}"
        message = both_ways_fail(configuration, "proxy: it wants another user and password", caplog)
    assert "canary" not in message + caplog.text


def test_a_proxy_that_is_gone(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration(server_api_url=server.url)
    with HttpProxy() as proxy:
        configuration.proxy = f"http://me:canary@127.0.0.1:{proxy.port}"
    message = both_ways_fail(configuration, "cannot connect", caplog)
    assert "through the proxy 127.0.0.1:" in message
    assert "check proxy" in message
    assert "canary" not in message + caplog.text


@pytest.mark.parametrize("url", ["socks5://me:canary@proxy:1080", "http://me:canary@"])
def test_a_bad_proxy_names_the_setting(url: str, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Configuration(server_api_url=server.url)
    configuration.proxy = url
    with pytest.raises(ConfigurationError, match=r"^proxy: .*http://proxy:3128") as caught:
        WorkerHost(configuration).start()
    assert "canary" not in str(caught.value)
    configuration.proxy = None
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(ConfigurationError, match=r"^proxy: .*from HTTP_PROXY"):
        WorkerHost(configuration).start()


def test_what_is_not_true_of_a_plain_address(server: DevServer, tmp_path: Path) -> None:
    """Files are read where they are used: a configuration may serve a plain address as well."""
    configuration = Configuration(server_api_url=server.url)
    configuration.ssl_ca_cert = str(tmp_path / "gone.pem")
    both_ways_work(server, configuration)


def test_an_unreachable_server_names_the_setting(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    server.stop()
    message = both_ways_fail(Configuration(server_api_url=server.url), "cannot connect", caplog)
    assert "check server_api_url" in message
    assert "%s:%s" % address(server) in message  # noqa: UP031 - a tuple
