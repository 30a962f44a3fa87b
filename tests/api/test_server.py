"""The API as a process: it starts, says why it cannot, and ends in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from api.server import listen, serve
from lots.settings import Settings, SettingsError
from tests.servers import asked, free_port

SECONDS = 60.0


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    settings = {"DUNNAGE_DATA": str(folder / "data"), "DUNNAGE_API_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "api.server"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_ready(process: subprocess.Popen[str], port: int) -> httpx.Response:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return asked(f"http://127.0.0.1:{port}/readyz")
        except httpx.TransportError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_on_nothing_and_ends_when_asked(tmp_path: Path, number: int) -> None:
    port = free_port()
    process = start(tmp_path, port)
    try:
        assert wait_until_ready(process, port).status_code == 200
        process.send_signal(number)
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0
    assert errors == ""
    assert f"http://127.0.0.1:{port}" in output


def test_a_busy_port_is_told_with_the_setting_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1.*DUNNAGE_API_PORT"):
            serve(Settings(data=tmp_path, api_port=port))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("api_host", "no such host"),
        ("registry_url", "mongodb://127.0.0.1/x"),
        ("registry_url", "postgresql://x@127.0.0.1:9/x"),
        ("readings_url", "mongodb://127.0.0.1/x"),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_its_name(
    tmp_path: Path, setting: str, value: str
) -> None:
    settings = Settings(data=tmp_path, api_port=0).model_copy(update={setting: value})
    with pytest.raises(SettingsError, match=setting):
        serve(settings)


def test_the_socket_is_one_whose_answers_are_not_held_back() -> None:
    """Without the protocol's name asyncio leaves Nagle's algorithm on: 40 ms an answer."""
    with listen(Settings(api_port=0)) as found:
        assert found.proto == socket.IPPROTO_TCP
