"""What a field of a record may hold: ids, texts, instants and numbers, each with its refusal.

Every refusal says what to write instead. Texts are kept in Unicode's composed form (NFC), so that
the same word typed on two machines is the same word here.
"""

from __future__ import annotations

import hashlib
import unicodedata
import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lots.model import ID_LENGTH

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2262, 1, 1, tzinfo=UTC)  # time series keep nanoseconds in 64 bits
NAME_LENGTH = 200
URL_LENGTH = 500

_NOT_IN_IDS = "/#+?%\\"
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format, surrogate, private, line ends


def milliseconds(instant: datetime) -> int:
    """ms since 1970 UTC of an instant that knows its zone."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def instant_of(ms: int) -> datetime:
    """The instant ``ms`` after the start of 1970, in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def written(ms: int) -> str:
    """An instant as ISO 8601 in UTC, with milliseconds only where it has some."""
    instant = instant_of(ms)
    precision = "milliseconds" if ms % 1000 else "seconds"
    return instant.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def on_one_line(text: object) -> str:
    """As a message has it: with a blank in place of line ends and of more than one blank."""
    return " ".join(str(text).split())


def dated_id(*parts: str, at: datetime) -> str:
    """An id for what has none of its own: its parts, then the instant.

    The same things always give the same id, so that an import can be repeated. Where the parts are
    too long, a hash stands for their end.
    """
    ending = "@" + written(milliseconds(at))
    name = "-".join(parts)
    room = ID_LENGTH - len(ending)
    if len(name) > room:
        name = name[: room - 9].rstrip() + "~" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name + ending


def _unusual(text: str) -> str:
    """The characters that must be looked at one by one: mostly none."""
    return "" if text.isascii() and text.isprintable() else text


def _id(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if not 1 <= len(text) <= ID_LENGTH:
        raise PydanticCustomError(
            "id_length",
            "an id has 1 to {longest} characters, this has {length}; keep a longer name as a"
            " reference of the lot",
            {"longest": ID_LENGTH, "length": len(text)},
        )
    for character in _NOT_IN_IDS:
        if character in text:
            raise PydanticCustomError(
                "id_character",
                'an id cannot have "{character}" in it, because ids stand in topics and addresses;'
                " use - in its place and keep the number as it is written as a reference of the"
                " lot",
                {"character": character},
            )
    for character in _unusual(text):
        if unicodedata.category(character) in _UNSEEN:
            raise PydanticCustomError(
                "id_character",
                "an id cannot have the unseen character U+{code} in it; take it out",
                {"code": f"{ord(character):04X}"},
            )
    if text != text.strip():
        raise PydanticCustomError(
            "id_blank", "an id cannot begin or end with a blank; take the blank away"
        )
    if text in (".", ".."):
        raise PydanticCustomError("id_dots", "an id cannot be dots alone; add a letter or a digit")
    return text


def _text(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    for character in _unusual(text):
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cs"):
            raise PydanticCustomError(
                "text_character",
                "the control character U+{code} cannot be kept; take it out",
                {"code": f"{ord(character):04X}"},
            )
    if not 1 <= len(text) <= NAME_LENGTH:
        raise PydanticCustomError(
            "text_length",
            "a text has 1 to {longest} characters, this has {length}",
            {"longest": NAME_LENGTH, "length": len(text)},
        )
    return text


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise PydanticCustomError(
            "instant", "an instant is written like 2025-11-22T08:00:00Z, date and time and zone"
        )
    if value.utcoffset() is None:
        raise PydanticCustomError(
            "instant_zone",
            "{instant} does not say in which time zone: add Z (UTC) or an offset such as +01:00",
            {"instant": value.isoformat()},
        )
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        value = LATEST
    if not EPOCH <= value < LATEST:
        raise PydanticCustomError(
            "instant_range", "an instant lies between 1970 and the end of 2261; look at the year"
        )
    return instant_of(milliseconds(value))


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PydanticCustomError(
            "time_zone",
            '"{name}" is not a time zone of the IANA list; write it like Europe/Berlin or UTC',
            {"name": name},
        ) from error
    return name


def _email(text: str) -> str:
    name, _, domain = text.rpartition("@")
    if not name or "." not in domain or any(c.isspace() for c in text):
        raise PydanticCustomError("email", "an address of mail is written like stock@example.com")
    return text


def _web_address(text: str) -> str:
    if len(text) > URL_LENGTH or any(c.isspace() or ord(c) < 32 for c in text):
        raise PydanticCustomError(
            "web_address",
            "an address has at most {longest} characters and no blanks",
            {"longest": URL_LENGTH},
        )
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise PydanticCustomError(
            "web_address", "an address is written like https://example.com/hooks/dunnage"
        )
    return text


Id = Annotated[str, AfterValidator(_id)]
Text = Annotated[str, AfterValidator(_text)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Zone = Annotated[str, Field(max_length=ID_LENGTH), AfterValidator(_zone)]
Email = Annotated[Text, AfterValidator(_email)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Temperature = Annotated[Number, Field(ge=-100, le=100)]
Spread = Annotated[Number, Field(ge=0, le=50)]
Humidity = Annotated[Number, Field(ge=0, le=100)]
