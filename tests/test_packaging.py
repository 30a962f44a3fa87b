"""What a user installs and runs in earnest: the wheel, the containers, the samples in deploy/."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from cli.main import app
from cli.worker import Worker
from ingest import address
from lots import settings
from lots.readings.open import open_store
from lots.registry import connect
from lots.settings import Settings
from tests.api.service import Service
from tests.conftest import make
from tests.servers import Mosquitto
from tests.whole.house import soon

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PRODUCTION = ROOT / "docs" / "production.md"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_has_all_that_is_read_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = ("api", "cli", "ingest", "lots", "operations", "rules", "simulators")
    listed = subprocess.run(
        ["git", "ls-files", "--", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = set(listed.stdout.split())
    assert tracked <= names
    assert {Path(name).suffix for name in tracked} >= {".py", ".yaml", ".csv"}
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


RUNS_FROM_THE_WHEEL = """
import sys
from pathlib import Path
import cli.main
from lots import registry
from rules import pack
from simulators import climate, journey
from simulators.climate import table
folder = sys.argv[1]
assert Path(cli.main.__file__).is_relative_to(folder), cli.main.__file__
assert len(pack.load(None).rules) > 5
assert len(list(Path(table.__file__).parent.glob("*.csv"))) == 3
assert journey.named("calm").title == journey.library()["calm"]
database = registry.connect("sqlite:///" + sys.argv[2])
registry.migrate(database)
with registry.writing(database) as session:
    registry.create_tenant(session, "acme", "acme")
"""


def test_the_wheel_runs_outside_the_project(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(installed), str(wheel)], check=True, timeout=120)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    script = [
        sys.executable,
        "-c",
        RUNS_FROM_THE_WHEEL,
        str(installed),
        str(tmp_path / "registry.sqlite"),
    ]
    subprocess.run(script, check=True, cwd=tmp_path, env=environment, timeout=60)
    helped = subprocess.run(
        [sys.executable, installed / "bin" / "dunnage", "--help"],
        check=True,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    for name in ("demo", "run", "worker", "api", "import", "replay"):
        assert f" {name} " in helped.stdout


# The containers

VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


def example() -> dict[str, str]:
    """`.env.example` as somebody fills it in."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    return {name: "" if name.startswith("DUNNAGE_") else f"of{name}" for name in names}


def compose() -> dict[str, Any]:
    """docker-compose.yml with its variables filled in."""

    def filled(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        assert name in example(), f"{name} is not in .env.example"
        return example()[name] or (rest if kind == "-" else "")

    text = (ROOT / "docker-compose.yml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(VARIABLE.sub(filled, text))
    return loaded


def environment_of(service: str) -> dict[str, str]:
    found: dict[str, Any] = compose()["services"][service]["environment"]
    return {name: "" if value is None else str(value) for name, value in found.items()}


@pytest.mark.parametrize("service", ["worker", "api"])
def test_the_containers_settings_are_settings(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment_of(service).items():
        assert name.removeprefix("DUNNAGE_").lower() in Settings.model_fields
        monkeypatch.setenv(name, value)
    loaded = settings.load()
    hosts = set(compose()["services"])
    open_store(loaded.readings, loaded.raw_retention_days).close()
    assert httpx.URL(loaded.readings.replace("influxdb2", "http")).host in hosts
    assert connect(loaded.registry).url.host in hosts
    if service == "worker":
        broker = address.parse(loaded.broker)
        assert broker.host in hosts
        assert broker.username == loaded.client_id  # use_username_as_clientid in mosquitto.conf


def test_the_containers_hang_together() -> None:
    found = compose()
    services = found["services"]
    used = {volume.split(":")[0] for one in services.values() for volume in one.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == set(found["volumes"])
    for path in used - set(found["volumes"]):
        assert (ROOT / path).is_file()
    for name, one in services.items():
        assert one["restart"] == "unless-stopped", name
        assert one["healthcheck"]["test"][0] == "CMD", name
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", [])), name
        for other, wanted in one.get("depends_on", {}).items():
            assert other in services
            assert wanted == {"condition": "service_healthy"}
    assert {one["image"] for one in services.values() if "build" in one} == {f"dunnage:{VERSION}"}
    retention = int(services["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_RETENTION"][:-1])
    assert retention > int(environment_of("worker")["DUNNAGE_RAW_RETENTION_DAYS"])


def test_the_image_is_made_of_files_that_are_there() -> None:
    """.dockerignore takes nothing away that the wheel or the Dockerfile needs."""
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    wanted = {*packages, "pyproject.toml", "constraints.txt", project["project"]["readme"]}
    assert kept == wanted | set(project["project"]["license-files"])
    assert all((ROOT / name).exists() for name in kept)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "-c constraints.txt" in dockerfile
    assert 'ENTRYPOINT ["dunnage"]' in dockerfile


# What an operator copies


@pytest.mark.parametrize("name", ["worker", "api"])
def test_the_units_start_commands_that_there_are(name: str) -> None:
    unit = RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / f"dunnage-{name}.service")
    started = unit["Service"]["ExecStart"].split()
    assert started == ["/opt/dunnage/bin/dunnage", name]
    assert name in {getattr(one.callback, "__name__", one.name) for one in app.registered_commands}


def test_the_sample_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = (DEPLOY / "dunnage.toml").read_text()
    (tmp_path / "dunnage.toml").write_text(sample)
    monkeypatch.chdir(tmp_path)
    loaded = settings.load()
    open_store(loaded.readings, loaded.raw_retention_days).close()
    assert connect(loaded.registry).dialect.name == "postgresql"
    assert address.parse(loaded.broker).username == loaded.client_id
    (shown,) = re.findall(r"```toml\n(.*?)```", PRODUCTION.read_text(), re.DOTALL)
    assert tomllib.loads(shown) == tomllib.loads(sample)


def test_the_figures_to_watch_are_all_that_there_are(tmp_path: Path) -> None:
    nowhere = "mqtt://127.0.0.1:1"
    loaded = Settings(data=tmp_path, broker_url=nowhere, worker_port=0)
    worker = Worker(loaded)
    thread = threading.Thread(target=worker.run)
    thread.start()
    told = {f.name + "_total" * f.counter for f in worker.figures()}
    worker.stop()
    thread.join()
    with Service(Settings(data=tmp_path, api_port=0)) as service:
        page = httpx.get(f"{service.url}/metrics").text
    told |= set(re.findall(r"# HELP (\w+)", page))
    section = PRODUCTION.read_text().split("## What to watch\n")[1].split("\n## ")[0]
    assert set(re.findall(r"`(dunnage_\w+)`", section)) == told


class DeployedMosquitto(Mosquitto):
    """With deploy/mosquitto.conf and deploy/mosquitto.acl as they are, but for paths and port."""

    accounts = ("dunnage-worker", "acme/T-1", "acme/T-2", "other/T-1")

    def _prepare(self) -> None:
        (self.folder / "dunnage.acl").write_text((DEPLOY / "mosquitto.acl").read_text())
        text = (DEPLOY / "mosquitto.conf").read_text()
        text = text.replace("/etc/mosquitto", str(self.folder))
        text = text.replace("/var/lib/mosquitto", str(self.folder))
        text = text.replace("listener 1883\n", f"listener {self.port} 127.0.0.1\n")
        if os.geteuid() == 0:
            text += "user root\n"  # else it changes to a user that cannot write in the folder
        (self.folder / "mosquitto.conf").write_text(text)
        passwords = self.folder / "passwords"
        passwords.touch(mode=0o600)
        for name in self.accounts:
            command = ["mosquitto_passwd", "-b", str(passwords), name, f"of-{name}"]
            subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedMosquitto]:
    with make(DeployedMosquitto) as broker:
        yield broker


class Account:
    """A client that is signed in."""

    def __init__(self, broker: Mosquitto, name: str) -> None:
        self.heard: list[str] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"some-{name}")
        self._client.username_pw_set(name, f"of-{name}")
        self._client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self._subscribed: list[int] = []
        self._client.on_subscribe = lambda *found: self._subscribed.append(found[2])
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def listen(self, topics: str) -> None:
        self._client.subscribe(topics, qos=1)
        soon(lambda: self._subscribed, "the subscription")

    def say(self, topic: str, payload: bytes = b"{}") -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_nobody_comes_in_without_an_account(deployed: DeployedMosquitto) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    refused: list[str] = []
    client.on_connect = lambda _c, _u, _f, reason, _p: refused.append(str(reason))
    client.connect("127.0.0.1", deployed.port)
    while not refused:
        client.loop(0.1)
    assert refused == ["Not authorized"]


def test_a_tag_speaks_for_itself_alone(deployed: DeployedMosquitto) -> None:
    worker, tag, other = (
        Account(deployed, name) for name in ("dunnage-worker", "acme/T-1", "other/T-1")
    )
    worker.listen("#")
    tag.listen("#")
    for topic in ("acme/T-2", "other/T-1", "acme/T-1"):
        tag.say(f"dunnage/v1/{topic}/readings")
    tag.say("dunnage/v1/acme/T-1/ack")
    for name in ("other", "acme"):
        worker.say(f"dunnage/v1/{name}/T-1/ack")
    other.say("dunnage/v1/other/T-1/readings")  # comes after what must not
    soon(lambda: len(worker.heard) >= 2, "the readings")
    soon(lambda: tag.heard, "the acknowledgement")
    for account in (worker, tag, other):
        account.close()
    assert worker.heard == ["dunnage/v1/acme/T-1/readings", "dunnage/v1/other/T-1/readings"]
    assert tag.heard == ["dunnage/v1/acme/T-1/ack"]


class OpenedMosquitto(DeployedMosquitto):
    """With the sign taken off every line of the ACL that is there for those who need it."""

    accounts = ("dunnage-worker", "acme-gateway-1", "acme-chirpstack")

    def _prepare(self) -> None:
        super()._prepare()
        acl = self.folder / "dunnage.acl"
        acl.write_text(re.sub(r"^# (?=user |topic )", "", acl.read_text(), flags=re.MULTILINE))


def test_what_the_acl_offers_to_take_the_sign_off_works() -> None:
    uplink = "application/yard/device/24e124136b502217/event/up"
    with make(OpenedMosquitto) as broker:
        worker, gateway, network = (Account(broker, name) for name in broker.accounts)
        worker.listen("#")
        gateway.say("dunnage/v1/other/T-1/readings")
        gateway.say("dunnage/v1/acme/T-1/readings")
        gateway.say("dunnage/v1/acme/dock-3/reads")
        network.say("dunnage/v1/acme/T-1/readings")
        network.say(uplink)
        soon(lambda: uplink in worker.heard, "the uplink")
        for account in (worker, gateway, network):
            account.close()
    assert worker.heard == ["dunnage/v1/acme/T-1/readings", "dunnage/v1/acme/dock-3/reads", uplink]


def test_the_acl_has_a_line_for_the_row_of_every_format() -> None:
    acl = (DEPLOY / "mosquitto.acl").read_text()
    readable = set(re.findall(r"^(?:# )?topic read (\S+)$", acl, re.MULTILINE))
    for page in sorted((ROOT / "docs" / "formats").glob("*.md")):
        shown = re.search(r'^filter = "(.+)"$', page.read_text(), re.MULTILINE)
        assert shown is None or shown[1] in readable, page.name


def test_what_a_file_of_ones_own_should_have_is_what_is_shipped() -> None:
    (named,) = re.findall(
        r"\n```\n(max_inflight_messages .*?)```", PRODUCTION.read_text(), re.DOTALL
    )
    shipped = (DEPLOY / "mosquitto.conf").read_text().splitlines()
    assert set(named.splitlines()) <= set(shipped)


def test_the_broker_keeps_more_than_its_defaults(deployed: DeployedMosquitto) -> None:
    """3000 messages wait for a worker that is away: three times what Mosquitto keeps by itself."""
    count = 3000
    away = mqtt.Client(CallbackAPIVersion.VERSION2, "dunnage-worker", clean_session=False)
    away.username_pw_set("dunnage-worker", "of-dunnage-worker")
    found: list[bytes] = []
    away.on_message = lambda _c, _u, message: found.append(bytes(message.payload))

    def leave(client: mqtt.Client, *_: object) -> None:
        client.disconnect()

    away.on_subscribe = leave
    away.connect("127.0.0.1", deployed.port)
    away.subscribe("dunnage/v1/acme/T-2/readings", qos=1)
    away.loop_forever()
    tag = Account(deployed, "acme/T-2")
    for number in range(count):
        tag.say("dunnage/v1/acme/T-2/readings", b"%d" % number)
    tag.close()
    deployed.restart()
    away.on_subscribe = None
    away.connect("127.0.0.1", deployed.port)
    ends = time.monotonic() + 20
    while len(found) < count and time.monotonic() < ends:
        away.loop(0.1)
    away.disconnect()
    assert found == [b"%d" % number for number in range(count)]
