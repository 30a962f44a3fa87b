"""The tag's name in a topic, by a pattern such as ``sensors/{tag}/state``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.formats.decoded import OptionsError
from ingest.formats.rows import Unusable, named, shown

_PLACEHOLDER = re.compile(r"(\{[^{}]*\}|\+|#)")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """``+`` and ``#`` as in a filter; ``{tag}`` is a level, or a part of one."""

    text: str
    expression: re.Pattern[str]

    def tag(self, topic: str) -> str:
        """The tag that ``topic`` names; raises `Unusable`."""
        where = f"topic {shown(topic)}"
        found = self.expression.fullmatch(topic)
        if found is None:
            raise Unusable(
                f"{where} does not fit the option topic, {self.text!a}: "
                "mend the option, or let the row's filter take other topics"
            )
        return named("tag", found["tag"], where)


def topic_pattern(text: str) -> TopicPattern:
    """``text``, an option of that name; raises `OptionsError`."""
    parts = []
    for part in _PLACEHOLDER.split(text):
        if part == "{tag}":
            parts.append("(?P<tag>[^/]+)")
        elif part == "{tenant}":
            raise OptionsError(
                "option topic: {tenant} cannot be in it: whose readings these are is said by "
                "tenant, beside filter and format"
            )
        elif part[:1] == "{":
            raise OptionsError(f"option topic: {part!a} means nothing: {{tag}} is what there is")
        else:
            parts.append({"+": "[^/]*", "#": ".*"}.get(part, re.escape(part)))
    if text.count("{tag}") != 1:
        raise OptionsError(
            f"option topic is {text!a}: put {{tag}} where the tag's name is, once, such as "
            "sensors/{tag}/state"
        )
    return TopicPattern(text, re.compile("".join(parts)))
