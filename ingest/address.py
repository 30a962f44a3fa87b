"""Where the broker is: ``mqtt://user:password@host:1883`` or ``mqtts://…``."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from lots.errors import UserError

PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerAddressError(UserError):
    """``broker_url`` cannot be used; the message says what it should be."""


@dataclass(frozen=True, slots=True)
class Address:
    """``ca`` is a file of certificates to trust instead of the system's (``?ca=FILE``)."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    def __str__(self) -> str:
        """For people: without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext:
        """Raises `BrokerAddressError` where ``ca`` cannot be read."""
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise BrokerAddressError(
                f"DUNNAGE_BROKER_URL or broker_url in dunnage.toml has ca={self.ca} ({error}): name"
                " a file of PEM certificates"
            ) from error


def parse(url: str) -> Address:
    """Raises `BrokerAddressError`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # whose words have part of the URL in them
        raise _unusable("its port is no number up to 65535, or its host is no host") from None
    if parts.scheme not in PORTS:
        raise _unusable(f"its scheme is {parts.scheme!r}")
    if not parts.hostname:
        raise _unusable("it names no host")
    if parts.path.strip("/") or parts.fragment:
        raise _unusable("it has a path")
    options = parse_qs(parts.query)
    if unknown := options.keys() - {"ca"}:
        raise _unusable(f"{', '.join(sorted(unknown))} is no option of it")
    if parts.password and not parts.username:
        raise _unusable("it has a password and no user")
    return Address(
        host=parts.hostname,
        port=PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ca=options["ca"][-1] if "ca" in options else None,
    )


def _unusable(why: str) -> BrokerAddressError:
    return BrokerAddressError(
        f"DUNNAGE_BROKER_URL or broker_url in dunnage.toml cannot be used, {why}: it is "
        "mqtt://user:password@host:1883 or mqtts://… (special characters in user and password as "
        "%XX)"
    )
