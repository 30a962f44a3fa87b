"""What a name may be that stands in topics, addresses and files: the rule of the wire."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 64
_NOT_IN_NAMES: Final = "/#+?%\\"
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def refusal(name: str) -> str | None:
    """Why the server would not take ``name``, and what to write instead; None where it would."""
    if not 1 <= len(name) <= LONGEST:
        return f"a name has 1 to {LONGEST} characters, this has {len(name)}"
    if wrong := next((letter for letter in name if letter in _NOT_IN_NAMES), None):
        return f"a name cannot have {wrong!r} in it, for it stands in topics: use - in its place"
    if any(unicodedata.category(letter) in _UNSEEN for letter in name):
        return "a name cannot have characters in it that nobody sees: take them out"
    if name != name.strip() or name in (".", ".."):
        return "a name has a letter or a digit, and no blank at either end"
    return None
