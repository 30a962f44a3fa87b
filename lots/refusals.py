"""Why the registry will not do something: each names the field, the id and the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from lots.errors import UserError


class RegistryError(UserError):
    """Something asked of the registry cannot be done; ``field`` is where it is wrong, or ''."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Missing(RegistryError):
    """A record names a thing that is not there."""


class Overlap(RegistryError):
    """A tag would be in two places at one time."""


class Repeated(RegistryError):
    """Two records of one batch have the same id."""


class InUse(RegistryError):
    """A thing cannot go while others name it."""


class Rejected(RegistryError):
    """Records of a batch cannot be kept, and so none is: ``problems`` has (position, why)."""

    def __init__(self, problems: Sequence[tuple[int, RegistryError]]) -> None:
        super().__init__("\n".join(str(problem) for _, problem in problems))
        self.problems = list(problems)
