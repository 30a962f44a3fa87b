"""JSON as it comes from devices that know nothing of us: whole, or told what is wrong. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.formats.rows import Unusable
from ingest.message import MAX_PAYLOAD_BYTES


def json_document(payload: bytes) -> Any:
    """The content; raises `Unusable`."""
    require_length(payload)
    try:
        return msgspec.json.decode(payload)
    except RecursionError:
        raise Unusable("it is nested too deep") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(
            f"it cannot be read as JSON in UTF-8 ({error}): NaN and Infinity are not JSON"
        ) from None


def require_length(payload: bytes) -> None:
    """Raises `Unusable` for what was cut."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Unusable(f"the message is longer than {MAX_PAYLOAD_BYTES} bytes: send it in parts")
