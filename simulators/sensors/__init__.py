"""What lies between the air and a reading: the sensor, its housing, its battery, its clock."""

from __future__ import annotations

from simulators.sensors.device import Device, Made, make
from simulators.sensors.models import MODELS, SensorModel
from simulators.sensors.reporting import Reporting
from simulators.sensors.wrong import Wrong

__all__ = ["MODELS", "Device", "Made", "Reporting", "SensorModel", "Wrong", "make"]
