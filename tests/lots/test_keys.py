"""Tenants and the keys that open them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lots import registry
from lots.model import ApiKey
from lots.registry import Missing, Principal, RegistryError


def test_a_key_opens_its_tenant_until_it_is_revoked(session: Session, unique_name: str) -> None:
    registry.create_tenant(session, unique_name, "T")
    key = registry.create_key(session, unique_name, "office", True, 1)
    other = registry.create_key(session, unique_name, "board", False, 1)
    assert registry.authenticate(session, key) == Principal(unique_name, "office", True)
    assert registry.authenticate(session, other) == Principal(unique_name, "board", False)
    assert registry.revoke_keys(session, unique_name, "office", 2) == 1
    assert registry.authenticate(session, key) is None
    assert registry.revoke_keys(session, unique_name, "office", 3) == 0
    assert registry.authenticate(session, other) is not None


def test_only_the_hash_of_a_key_is_kept(session: Session, unique_name: str) -> None:
    registry.create_tenant(session, unique_name, "T")
    keys = {registry.create_key(session, unique_name, "k", True, 1) for _ in range(3)}
    assert len(keys) == 3
    assert all(key.startswith("dunnage_") and len(key) >= 8 + 43 for key in keys)
    for row in session.scalars(select(ApiKey).where(ApiKey.tenant == unique_name)):
        assert all(key not in str(value) for key in keys for value in vars(row).values())
        assert registry.authenticate(session, row.hash) is None


@pytest.mark.parametrize("key", ["", "dunnage_", "dunnage_nobody", "\0", "\ud800", "x" * 10_000])
def test_what_is_no_key_opens_nothing(session: Session, key: str) -> None:
    assert registry.authenticate(session, key) is None


def test_tenants(session: Session, unique_name: str) -> None:
    registry.create_tenant(session, unique_name, "First name")
    registry.create_tenant(session, unique_name, "Second name")
    assert registry.tenants(session).count(unique_name) == 1
    assert registry.revision(session, unique_name) == 0
    for name in ("a/b", "+", "", "a b "):
        with pytest.raises(RegistryError, match="cannot be a tenant"):
            registry.create_tenant(session, name, "T")
    with pytest.raises(Missing, match="create it first"):
        registry.create_key(session, unique_name + "x", "k", True, 1)
