"""The real servers that tests run against: each on free loopback ports, in a folder of its own.

A server is made with its ports and folder, and keeps both through ``stop``, ``kill`` and
``start``: what it had on disk is there again. Leaving its ``with`` stops it and removes the
folder. Nothing is touched that was not started here.
"""

from __future__ import annotations

import functools
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.family import kill_family

READY_SECONDS = 30.0
STOP_SECONDS = 20.0
LOG_LINES = 30
PORTS = range(20_000, 32_768)
"""None that the system hands out: a client's end of a connection takes no stopped server's port."""

ADMIN = "dunnage"
PASSWORD = "dunnage-tests"
"""InfluxDB's only user; it asks for it, as one in production does."""


class Missing(Exception):
    """The program is not installed; says which package of Debian has it."""


class NotStarted(Exception):
    """The server ended or did not answer in time; has the end of its log."""


def find_program(name: str, package: str) -> Path:
    """Where ``name`` is installed; raises `Missing`."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += [Path("/usr/sbin"), Path("/usr/local/sbin")]
    clusters = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(clusters, key=lambda folder: float(folder.parent.name), reverse=True)
    for folder in folders:
        if (folder / name).is_file() and os.access(folder / name, os.X_OK):
            return folder / name
    raise Missing(f"{name} is not installed: apt-get install {package}")


def free_port() -> int:
    """A loopback port that nothing listens on now, and that these tests get no second time."""
    for port in _ports():
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there are ports without end")


@functools.cache
def _ports() -> Iterator[int]:
    """In an order of this run's own; each of several workers has its share."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = PORTS[number::count]
    # Not `random.sample`: Hypothesis gives all runs the same seed.
    return itertools.cycle(random.SystemRandom().sample(mine, len(mine)))


def asked(url: str, timeout_s: float = 5.0) -> httpx.Response:
    """What plain HTTP on this machine answers to a GET.

    Without the certificates, whose reading takes 20 ms of a processor for each question: those who
    wait for a start ask often, and would slow it down.
    """
    return httpx.get(url, timeout=timeout_s, trust_env=False, verify=False)


class Server:
    """A child process that listens on ``port`` of 127.0.0.1 and keeps its data in ``folder``."""

    program: str
    package: str

    def __init__(self) -> None:
        self.executable = find_program(self.program, self.package)
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"dunnage-{self.program}-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> int | None:
        """Its number, while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> Self:
        """Start on the same port and folder as ever, and wait until it answers."""
        if self.running:
            return self
        self.kill()  # what is left of one that ended by itself
        if not self._prepared:
            self._prepare()
            self._prepared = True
        self._process = self._spawn(self._command())
        self._guard = self._watch(self._process.pid)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if not self.running:
                code = self._process.returncode
                self.kill()
                raise NotStarted(f"{self.program} ended with {code} at once:\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NotStarted(
                    f"{self.program} did not answer in {READY_SECONDS} s:\n{self.log()}"
                )
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ask it to end, and wait; kill it when it does not."""
        self._signal(self._stop_signal(), STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, to all its processes: none has time to write anything."""
        self._signal(signal.SIGKILL, STOP_SECONDS)
        self._process = None
        if self._guard is not None:
            self._guard.communicate(b"ended\n")
            self._guard = None

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def pause(self) -> None:
        """It keeps its connections and answers nothing, until ``resume``."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGCONT)

    def log(self) -> str:
        """The end of what it wrote on its output."""
        path = self.folder / "server.log"
        if not path.exists():
            return "(no output)"
        return "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        """Once, before the first start: configuration in the folder."""

    def _command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _stop_signal(self) -> signal.Signals:
        return signal.SIGTERM

    def _user(self) -> str | None:
        """Whom to run as, where that is not who runs the tests."""
        return None

    def _spawn(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        user = self._user()
        group = None if user is None else pwd.getpwnam(user).pw_gid
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,  # a Ctrl-C is for the tests, which then stop it in order
            )

    def _watch(self, group: int) -> subprocess.Popen[bytes]:
        """A shell that ends the server and removes its folder if the tests die without doing so."""
        script = 'read -r ended || { kill -s KILL -- "-$1"; rm -rf "$2"; }'
        return subprocess.Popen(
            ["/bin/sh", "-c", script, "guard", str(group), str(self.folder)],
            stdin=subprocess.PIPE,  # closed when we die, however we do
            start_new_session=True,
        )

    def _signal(self, number: signal.Signals, seconds: float) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        if number == signal.SIGKILL:
            kill_family(process.pid)
        else:
            process.send_signal(number)
            os.killpg(process.pid, signal.SIGCONT)  # a paused one would never end
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return


class Mosquitto(Server):
    program = "mosquitto"
    package = "mosquitto"

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        settings = {
            "listener": f"{self.port} 127.0.0.1",
            "allow_anonymous": "true",
            "persistence": "true",
            "persistence_location": f"{self.folder}/",
            "autosave_interval": "1",
            "max_inflight_messages": "20000",
            "max_queued_messages": "1000000",
            "max_queued_bytes": str(1 << 30),
            "log_dest": "stdout",
        }
        if os.geteuid() == 0:
            settings["user"] = "root"  # else it changes to a user that cannot write in the folder
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        (self.folder / "mosquitto.conf").write_text("".join(lines))

    def _command(self) -> Sequence[str | Path]:
        return [self.executable, "-c", self.folder / "mosquitto.conf"]


class InfluxDB(Server):
    """InfluxDB 1.x with authentication on; `ADMIN` may do everything."""

    program = "influxd"
    package = "influxdb"

    def __init__(self, *, max_values_per_tag: int = 0) -> None:
        super().__init__()
        self._max_values_per_tag = max_values_per_tag

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def store_url(self, database: str) -> str:
        """What `open_store` takes."""
        return f"influxdb://{ADMIN}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def query(self, statement: str) -> httpx.Response:
        """Run InfluxQL as `ADMIN`, past the code under test."""
        reply = httpx.post(
            f"{self.url}/query",
            params={"q": statement},
            auth=(ADMIN, PASSWORD),
            timeout=30.0,
            verify=False,
        )
        reply.raise_for_status()
        return reply

    def start(self) -> Self:
        first = not self._prepared
        super().start()
        if first:  # the one statement that needs nobody to be known yet
            httpx.post(
                f"{self.url}/query",
                params={
                    "q": f"CREATE USER \"{ADMIN}\" WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES"
                },
            ).raise_for_status()
        return self

    def _prepare(self) -> None:
        (self.folder / "influxdb.conf").write_text(
            f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "{self.folder}/meta"
[data]
  dir = "{self.folder}/data"
  wal-dir = "{self.folder}/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = {self._max_values_per_tag}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{self.port}"
  auth-enabled = true
  log-enabled = false
"""
        )

    def _command(self) -> Sequence[str | Path]:
        return [self.executable, "-config", self.folder / "influxdb.conf"]

    def _answers(self) -> bool:
        try:
            return asked(f"{self.url}/ping", 1.0).status_code == 204
        except httpx.TransportError:
            return False


class VictoriaMetrics(Server):
    """Takes InfluxDB 2.x's writes; it is not read as one."""

    program = "victoria-metrics"
    package = "victoria-metrics"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str | Path]:
        return [
            self.executable,
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
        ]

    def _answers(self) -> bool:
        try:
            return asked(f"{self.url}/health", 1.0).status_code == 200
        except httpx.TransportError:
            return False


class PostgreSQL(Server):
    """A cluster of its own; `ADMIN` is its superuser and is trusted from loopback."""

    program = "postgres"
    package = "postgresql"

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://{ADMIN}@127.0.0.1:{self.port}/{database}"

    def connection(self, database: str = "postgres") -> str:
        """psycopg's (libpq's) URL of a database."""
        return f"postgresql://{ADMIN}@127.0.0.1:{self.port}/{database}"

    def _user(self) -> str | None:
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return next(name for name in ("postgres", "nobody") if name in known)

    def _prepare(self) -> None:
        user = self._user()
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        initdb = str(find_program("initdb", self.package))
        options = ["-U", ADMIN, "-A", "trust", "-E", "UTF8", "--locale=C"]
        made = self._spawn([initdb, "-D", self.folder / "data", *options])
        if made.wait(READY_SECONDS) != 0:
            raise NotStarted(f"initdb failed:\n{self.log()}")

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",  # a killed server still finds all of it: only a power cut would not
            "shared_buffers": "32MB",
        }
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        return [self.executable, "-D", self.folder / "data", *options]

    def _answers(self) -> bool:
        ask = [str(find_program("pg_isready", self.package)), "-q"]
        ask += ["-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ask, check=False).returncode == 0

    def _stop_signal(self) -> signal.Signals:
        return signal.SIGINT  # its "fast" shutdown: does not wait for clients
