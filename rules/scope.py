"""The kinds of goods that a pack is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Goods of one of ``commodities`` in one of ``forms``."""

    commodities: frozenset[str]
    forms: frozenset[str]

    def has(self, commodity: str, form: str) -> bool:
        return commodity in self.commodities and form in self.forms

    def meets(self, other: Scope) -> bool:
        """Whether some goods are in both."""
        return bool(self.commodities & other.commodities and self.forms & other.forms)
