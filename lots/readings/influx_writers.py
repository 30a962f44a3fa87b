"""How lines get into InfluxDB: one way a generation of its API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from lots.readings.store import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a request."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """The server's own words; of many, the first and the last."""
        try:
            said = json.loads(self.text)
        except ValueError:
            said = None
        words = self.text
        if isinstance(said, dict):
            words = str(said.get("error") or said.get("message") or words)
        words = words.strip()
        return words if len(words) <= 400 else f"{words[:150]} … {words[-200:]}"


class LineWriter(Protocol):
    """Raises `StoreUnavailable` where there is no answer."""

    def post(self, body: bytes) -> Answer: ...

    def close(self) -> None: ...


class V1Writer:
    """``/write`` of InfluxDB 1.x, through a client that has the server's address and our name."""

    def __init__(self, client: httpx.Client, database: str) -> None:
        self._client = client
        self._database = database

    def post(self, body: bytes) -> Answer:
        where = {"db": self._database, "precision": "ns"}
        return exchange(self._client, "POST", "/write", where, body)

    def close(self) -> None:
        """The client is not ours."""


class V2Writer:
    """``/api/v2/write`` of InfluxDB 2.x and 3.x, synchronously: the batching way loses data."""

    def __init__(self, server: str, token: str, org: str, bucket: str, timeout_s: float) -> None:
        self._server = server
        self._org = org
        self._bucket = bucket
        self._client: Any = InfluxDBClient(
            url=server, token=token, org=org, timeout=round(timeout_s * 1000)
        )
        self._api: Any = self._client.write_api(write_options=SYNCHRONOUS)

    def post(self, body: bytes) -> Answer:
        try:
            self._api.write(self._bucket, self._org, body, WritePrecision.NS)
        except ApiException as error:
            return Answer(error.status or 500, _text(error))
        except (HTTPError, OSError) as error:
            raise _silent(self._server, error) from error
        return Answer(204, "")

    def close(self) -> None:
        self._client.close()


def exchange(
    client: httpx.Client, method: str, path: str, params: dict[str, str], body: bytes | None = None
) -> Answer:
    """One request and its answer; raises `StoreUnavailable` where there is none."""
    try:
        reply = client.request(method, path, params=params, content=body)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _silent(str(client.base_url), error) from error
    # httpx ties a response to itself by its stream, and so the body that was sent would stay until
    # the garbage is collected: tens of megabytes of lines.
    answer, reply.stream = Answer(reply.status_code, reply.text), httpx.ByteStream(b"")
    return answer


def _silent(server: str, error: Exception) -> StoreUnavailable:
    detail = str(error) or type(error).__name__
    return StoreUnavailable(f"InfluxDB at {server} does not answer: {detail}")


def _text(error: Any) -> str:
    body = error.body
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or error.reason)
