"""The embedded broker, as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.ingest.test_source import acknowledge, numbers, payloads, publisher, source, take, until
from tests.servers import free_port


@contextmanager
def embedded(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ingest.broker", "--port", str(port)]
    broker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert broker.stdout is not None
    try:
        assert broker.stdout.readline() == f"listening on mqtt://127.0.0.1:{port}\n"
        yield broker
    finally:
        broker.kill()
        broker.communicate()


def test_carries_messages_small_and_large(unique_name: str) -> None:
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    with (
        embedded(port),
        source(url, unique_name) as opened,
        publisher(url) as publish,
    ):
        publish(f"{unique_name}/a", *numbers(0, 200))
        taken = take(opened, 200)
        assert sorted(payloads(taken)) == sorted(numbers(0, 200))
        acknowledge(opened, taken)
        until(lambda: opened.acknowledged == 200)
        publish(f"{unique_name}/a", bytes(200_000))
        (large,) = take(opened, 1)
        assert large.messages[0].payload == bytes(200_000)
        acknowledge(opened, [large])
        assert (opened.connected, opened.reconnects, opened.last_error) == (True, 0, None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_without_a_word(unique_name: str, number: signal.Signals) -> None:
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    with (
        embedded(port) as broker,
        source(url, unique_name) as opened,
        publisher(url) as publish,
    ):
        publish(f"{unique_name}/a", b"taken and not acknowledged")
        assert len(take(opened, 1)) == 1
        broker.send_signal(number)
        said, complained = broker.communicate(timeout=10)
        assert (broker.returncode, said, complained) == (0, "", "")
        until(lambda: not opened.connected)
    with embedded(port):
        pass  # the port is free again


def test_a_busy_port_is_a_clear_error() -> None:
    port = free_port()
    with embedded(port):
        command = [sys.executable, "-m", "ingest.broker", "--port", str(port)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert second.returncode == 2
    assert second.stdout == ""
    assert second.stderr.startswith(f"the broker cannot listen on 127.0.0.1:{port} (")
    assert "--port" in second.stderr
    assert second.stderr.count("\n") == 1
