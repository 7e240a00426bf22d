"""The server process: ports, addresses, a clean end."""

import http.client
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from fakes import FakeDiscovery
from whybuy.discovery import Discovery
from whybuy.journal import JOURNAL_FILE
from whybuy.serving.run import serve
from whybuy.web.listening import ListenError, address, listen


def test_port_zero_takes_a_free_one() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address(listener) == f"http://127.0.0.1:{port}/"
        assert port > 0


def test_a_taken_port_says_what_to_do() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1, port {port}: the port is taken. Choose another"):
            listen("127.0.0.1", port)


def test_a_port_out_of_range_is_named() -> None:
    with pytest.raises(ListenError, match="port 70000: ports go from 0 to 65535"):
        listen("127.0.0.1", 70_000)


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(ListenError, match=r"no\.such\.host\.invalid, port 0: no such host"):
        listen("no.such.host.invalid", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_can_be_opened() -> None:
    with listen("::1", 0) as listener:
        assert address(listener).startswith("http://[::1]:")


def test_a_shop_is_served_until_it_is_told_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Discovery, "open", lambda store: FakeDiscovery())
    answers: list[int] = []

    def ask(url: str) -> None:
        connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=60)
        connection.request("GET", "/?q=" + "%F0%9F%A7%A6" * 10_000)
        answers.append(connection.getresponse().status)
        connection.close()
        os.kill(os.getpid(), signal.SIGINT)

    threads: list[threading.Thread] = []

    def listening(url: str) -> None:
        threads.append(threading.Thread(target=ask, args=(url,)))
        threads[0].start()

    serve(tmp_path, port=0, listening=listening)
    threads[0].join()
    assert answers == [200]
    assert (tmp_path / JOURNAL_FILE).exists()
    assert capfd.readouterr() == ("", "")


def test_an_answer_does_not_wait_for_the_receipt_of_its_headers() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
