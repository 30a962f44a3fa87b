"""The whole house as real processes: worker and API over real servers, driven from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import paho.mqtt.client as mqtt

from lots import registry
from tests.servers import asked, free_port

HOUR = 3_600_000
PATIENCE_S = 30.0
FIRST_S = 120.0
"""The first worker of a checkout compiles its loops, which a busy machine takes a minute for."""


def soon(look: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """What ``look`` finds as soon as that is true."""
    ends = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < ends, f"after {patience_s:g} s still not: {what}"
        time.sleep(0.05)
    return found


class House:
    """A tenant's worker and API in ``folder``, on ``broker``; SQLite unless told otherwise."""

    def __init__(self, folder: Path, tenant: str, broker: str, **settings: str) -> None:
        self.folder, self.tenant, self.broker = folder, tenant, broker
        self.log = folder / "log.txt"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.status_url = f"http://127.0.0.1:{free_port()}"
        route = {"filter": f"dunnage/v1/{tenant}/+/readings", "format": "native"}
        self.settings = {
            "DUNNAGE_DATA": str(folder / "data"),
            "DUNNAGE_BROKER_URL": broker,
            "DUNNAGE_CLIENT_ID": f"worker-{tenant}",
            "DUNNAGE_SUBSCRIPTIONS": json.dumps([route]),
            "DUNNAGE_API_PORT": self.url.rsplit(":", 1)[1],
            "DUNNAGE_WORKER_PORT": self.status_url.rsplit(":", 1)[1],
        } | settings
        self.of: dict[str, dict[str, str]] = {"worker": {}, "api": {}}
        """Settings of one process alone."""
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._publisher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"tags-{tenant}")
        self._client = httpx.Client(base_url=self.url, timeout=20.0)

    def __enter__(self) -> Self:
        self._client.headers["authorization"] = f"Bearer {self._key()}"
        host, port = self.broker.removeprefix("mqtt://").split(":")
        self._publisher.max_inflight_messages_set(1000)
        self._publisher.connect(host, int(port))
        self._publisher.loop_start()
        try:
            self.start("worker")
            self.start("api")
            soon(lambda: self.ready("api"), "the API is ready")
            soon(lambda: self.ready("worker"), "the worker is ready", FIRST_S)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._publisher.disconnect()
        self._publisher.loop_stop()
        for name in list(self._children):
            self.stop(name)
        self._client.close()
        if kind is not None:
            print(self.log.read_text(errors="replace")[-6000:])

    def _key(self) -> str:
        url = f"sqlite:///{self.folder / 'data' / 'registry.sqlite'}"
        database = registry.connect(self.settings.get("DUNNAGE_REGISTRY_URL", url))
        registry.migrate(database)
        with registry.writing(database) as session:
            registry.create_tenant(session, self.tenant, self.tenant)
            key = registry.create_key(session, self.tenant, "test", True, 0)
        database.dispose()
        return key

    def start(self, name: str) -> None:
        """Run ``dunnage NAME`` in the background."""
        with self.log.open("ab") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "cli.main", name],
                env=os.environ | self.settings | self.of[name],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str, how: int = signal.SIGTERM) -> int:
        child = self._children.pop(name)
        child.send_signal(how)
        try:
            return child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise

    def signal(self, name: str, number: int) -> None:
        """Such as SIGSTOP and SIGCONT: it stays a child of ours."""
        self._children[name].send_signal(number)

    def runs(self, name: str) -> bool:
        return name in self._children and self._children[name].poll() is None

    def dunnage(self, *arguments: str, status: int = 0) -> str:
        """A command's standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=os.environ | self.settings,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def publish(self, tag: str, readings: Any) -> mqtt.MQTTMessageInfo:
        """As the tag would: QoS 1; ``readings`` one object, a list of them, or bytes."""
        payload = readings if isinstance(readings, bytes) else json.dumps(readings)
        return self._publisher.publish(f"dunnage/v1/{self.tenant}/{tag}/readings", payload, qos=1)

    def publish_all(self, messages: Iterable[tuple[str, Any]]) -> None:
        """And wait until the broker has them all."""
        for sent in [self.publish(tag, readings) for tag, readings in messages]:
            sent.wait_for_publish(PATIENCE_S)

    def put(self, kind: str, /, **fields: Any) -> None:
        reply = self._client.post(f"/v1/{kind}", json=fields)
        assert reply.status_code in (200, 201), reply.text

    def patch(self, kind: str, name: str, /, **fields: Any) -> None:
        reply = self._client.patch(f"/v1/{kind}/{name}", json=fields)
        assert reply.status_code == 200, reply.text

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = self._client.post(path, json=body)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def get(self, path: str, /, **query: Any) -> Any:
        reply = self._client.get(path, params=query or None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def ask(self, path: str) -> httpx.Response:
        """Whatever it answers."""
        return self._client.get(path)

    def items(self, path: str, /, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path, **query)["items"]
        return found

    def alerts(self, lot: str) -> list[tuple[str, str, str | None, str]]:
        """(rule, opened, cleared, severity) of a lot's alerts that stand, in order of time."""
        found = [a for a in self.items("/v1/alerts", lot=lot, limit=1000) if not a["withdrawn"]]
        return sorted((a["rule"], a["opened"], a["cleared"], a["severity"]) for a in found)

    def figure(self, name: str) -> float:
        """One of the worker's metrics."""
        for line in asked(f"{self.status_url}/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no figure {name}")

    def settled(self) -> bool:
        """Whether all that arrived is stored and judged, and no lot waits to be folded again."""
        names = ("dunnage_store_lag_bytes", "dunnage_rules_lag_bytes", "dunnage_lots_dirty")
        return all(self.figure(name) == 0 for name in names)

    def ready(self, name: str) -> bool:
        return self._answers(f"{self.status_url if name == 'worker' else self.url}/readyz")

    def _answers(self, url: str) -> bool:
        try:
            return asked(url).is_success
        except httpx.HTTPError:
            return False
