"""Every name is stored so that it comes back, and as one that InfluxDB can have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lots.readings.influx_names import field_name, quantity_name, stored_name


@given(st.text(min_size=1))
def test_a_quantity_is_read_back_from_its_field(name: str) -> None:
    assert quantity_name(field_name(name)) == name
    assert not set(stored_name(name)) & set('\\"\n\r\t\x00')


@given(st.text(), st.text())
def test_different_names_are_stored_differently(one: str, other: str) -> None:
    assert (stored_name(one) == stored_name(other)) == (one == other)


def test_a_field_is_never_called_as_influxdb_calls_its_own() -> None:
    for name in ("time", "tag", "tenant", "flags", "doubt", "_x", "value.", "value.time"):
        assert field_name(name) == f"value.{name}"
        assert quantity_name(field_name(name)) == name
    assert field_name("values") == "values"
