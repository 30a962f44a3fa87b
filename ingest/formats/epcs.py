"""EPCs as pure identity URNs (GS1 EPC Tag Data Standard). Pure."""

from __future__ import annotations

import re

from epcpy.utils.parsers import hex_to_tag_encodable, tag_uri_to_tag_encodable

from ingest.formats.rows import Unusable, shown

MAX_DIGITS = 124
"""Hexadecimal digits: the EPC memory of a Gen2 tag has 496 bits at most, by its length field."""

MAX_KNOWN = 50_000
"""EPCs whose URN is remembered, since a reader sees the same ones again and again."""

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){2,62}")
_URN = re.compile(r"urn:epc:(id|raw|tag):[!-~]{3,280}")


class Urns:
    """Codes as readers tell them -> URNs; a cache, the same for every call."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, code: object) -> str:
        """The URN of ``code``, hexadecimal digits or a URN; raises `Unusable` for what is neither.

        A code of no scheme, or one that breaks its scheme, is ``urn:epc:raw:BITS.xDIGITS``.
        """
        if not isinstance(code, str):
            raise Unusable(f"the EPC is {shown(code)}: send hexadecimal digits, or a urn:epc:id:…")
        found = self._known.get(code)
        if found is None:
            found = _urn(code)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[code] = found
        return found


def _urn(code: str) -> str:
    if _HEX.fullmatch(code):
        return _of_digits(code.upper())
    if form := _URN.fullmatch(code):
        return _of_tag_uri(code) if form[1] == "tag" else code
    raise Unusable(
        f"the EPC is {shown(code)}: send 4 to {MAX_DIGITS} hexadecimal digits, two a byte, or a"
        " urn:epc:id:…"
    )


def _of_digits(digits: str) -> str:
    try:
        return str(hex_to_tag_encodable(digits).epc_uri)
    except Exception:  # of many kinds: whatever the library does not take stays as it is
        return f"urn:epc:raw:{len(digits) * 4}.x{digits}"


def _of_tag_uri(uri: str) -> str:
    try:
        return str(tag_uri_to_tag_encodable(uri).epc_uri)
    except Exception:
        raise Unusable(
            f"the EPC is {shown(uri)}, which breaks its scheme: send its hexadecimal digits"
        ) from None
