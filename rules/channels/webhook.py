"""Messages as HTTP requests, signed after the Standard Webhooks specification."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from standardwebhooks.webhooks import Webhook

from lots.settings import SettingsError

TIMEOUT_S = 10.0


class Undelivered(Exception):
    """A message did not arrive. ``permanent``: sending it again will not help."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


class WebhookChannel:
    """POSTs JSON. With a secret (``whsec_…``) the receiver can check who sent it, and when."""

    def __init__(self, secret: str) -> None:
        """Raises `SettingsError` for a secret that is none."""
        self._signer = Webhook(_key(secret)) if secret else None
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)

    def send(self, message: str, address: str, payload: Mapping[str, Any], now: int) -> None:
        """Deliver ``payload`` under the stable id ``message``; raises `Undelivered`."""
        body = msgspec.json.encode(payload)
        head = self._head(message, body, now)
        try:
            # What the answer says beyond its status is not read: it may have no end.
            with self._client.stream("POST", address, content=body, headers=head) as answer:
                pass
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Undelivered(f"{address!r} is not an address: {error}", permanent=True) from error
        except httpx.HTTPError as error:
            raise Undelivered(f"{_shown(address)}: {error!r}", permanent=False) from error
        if answer.status_code == httpx.codes.GONE:
            raise Undelivered(f"{_shown(address)} answered 410: it wants no more", permanent=True)
        if not answer.is_success:
            raise Undelivered(f"{_shown(address)} answered {answer.status_code}", permanent=False)

    def _head(self, message: str, body: bytes, now: int) -> dict[str, str]:
        sent = datetime.fromtimestamp(now / 1000, UTC)
        head = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(now // 1000),
        }
        if self._signer is not None:
            head["webhook-signature"] = self._signer.sign(message, sent, body.decode())
        return head

    def close(self) -> None:
        self._client.close()


def _shown(address: str) -> str:
    """For logs and people: with many services the path is itself the secret, as a password is."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise SettingsError(
            "DUNNAGE_WEBHOOK_SECRET or webhook_secret in dunnage.toml is not a secret: write "
            "whsec_ and then 24 to 64 bytes in base64"
        )
    return key
