"""A row of the server's settings as its file has it, to be shown to whoever has to write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_toml(row: Mapping[str, Any]) -> str:
    """``row`` of `subscriptions` as TOML, its options as a table of their own."""
    own = {name: value for name, value in row.items() if name != "options"}
    lines = ["[[subscriptions]]", *_pairs(own)]
    if options := row.get("options"):
        lines += ["", "[subscriptions.options]", *_pairs(options)]
    return "".join(f"{line}\n" for line in lines)


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)  # text and whole numbers are alike in both
