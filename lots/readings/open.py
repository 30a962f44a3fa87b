"""The readings' store that a URL names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from lots.readings.influx_database import InfluxServer
from lots.readings.influx_first import InfluxReadings
from lots.readings.sqlite import SqliteStore
from lots.readings.store import ReadingStore, StoreMisconfigured

FORMS = """\
  sqlite:///readings.sqlite (four slashes before an absolute path)
  influxdb://USER:PASSWORD@HOST:8086/DATABASE for InfluxDB 1.x (influxdbs:// for TLS)
  influxdb2://TOKEN@HOST:8086/ORG/BUCKET for InfluxDB 2.x and 3.x (influxdb2s:// for TLS)
What has one of : / @ ? # % in it is written with %3A %2F %40 %3F %23 %25."""

_SQLITE = "sqlite:///"


def open_store(url: str, retention_days: int) -> ReadingStore:
    """A store that is not asked anything yet; raises `StoreMisconfigured` for a bad ``url``.

    ``retention_days``: how long a database that is created here keeps readings.
    """
    if url.startswith(_SQLITE) and url != _SQLITE and not url.endswith(":memory:"):
        return SqliteStore(Path(url.removeprefix(_SQLITE)))
    scheme = url.partition("://")[0]
    if scheme in ("influxdb", "influxdbs", "influxdb2", "influxdb2s"):
        return InfluxReadings(_influx_server(url), retention_days)
    raise _refused("readings_url names no store we know")


def _influx_server(url: str) -> InfluxServer:
    try:
        parts = urlsplit(url)
        port = parts.port or 8086
    except ValueError:  # whose words have part of the URL in them
        raise _refused("the port in readings_url is no number, or the host is no host") from None
    if not parts.hostname:
        raise _refused("readings_url names no host")
    if parts.query or parts.fragment:
        raise _refused("readings_url has more than a path after the host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    protocol = "https" if parts.scheme.endswith("s") else "http"
    server = f"{protocol}://{host}:{port}"
    names = [unquote(name) for name in parts.path.strip("/").split("/")]
    if parts.scheme.startswith("influxdb2"):
        return _generation_2(server, parts, names)
    if len(names) != 1 or not names[0]:
        raise _refused("readings_url must name one database after the host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return InfluxServer(server, names[0], user=user, password=password)


def _generation_2(server: str, parts: SplitResult, names: list[str]) -> InfluxServer:
    if len(names) != 2 or not all(names):
        raise _refused("readings_url must name an organisation and a bucket after the host")
    if parts.password is not None:
        raise _refused("readings_url has a user and a password where a token belongs")
    token = unquote(parts.username or "")
    return InfluxServer(server, names[1], org=names[0], token=token)


def _refused(what: str) -> StoreMisconfigured:
    """Without the URL itself, which may have a password in it."""
    return StoreMisconfigured(f"{what}; it must be one of\n{FORMS}")
