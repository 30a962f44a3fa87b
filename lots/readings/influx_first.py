"""When a tag first spoke, asked of InfluxDB."""

from __future__ import annotations

from lots.readings import influxql
from lots.readings.batch import KEY_MODULUS, TagKey
from lots.readings.influx import InfluxStore
from lots.readings.stored import bounds


class InfluxReadings(InfluxStore):
    """All of a `ReadingStore`."""

    def first(self, tag: TagKey, begins: int, ends: int) -> int | None:
        table = self._readings.ask(influxql.first(tag, *bounds(begins, ends)))
        return int(table.rows[0][0]) // KEY_MODULUS if table.rows else None
