"""The payload of Sparkplug B, as the protobuf runtime reads it. Pure.

Field numbers: Eclipse Sparkplug 3.0.0, 6.4 (``sparkplug_b.proto``). Extensions are left out, and
so passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ingest.formats.documents import require_length
from ingest.formats.rows import Unusable

_PACKAGE = "org.eclipse.tahu.protobuf"
_SCALARS: Mapping[str, int] = MappingProxyType(
    {"double": 1, "float": 2, "uint64": 4, "bool": 8, "string": 9, "bytes": 12, "uint32": 13}
)
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3

_SCHEMA: Mapping[str, str] = MappingProxyType(
    {
        "Payload": "timestamp uint64 1, metrics Metric* 2, seq uint64 3, uuid string 4,"
        " body bytes 5",
        "Metric": "name string 1, alias uint64 2, timestamp uint64 3, datatype uint32 4,"
        " is_historical bool 5, is_transient bool 6, is_null bool 7, metadata MetaData 8,"
        " properties PropertySet 9 | int_value uint32 10, long_value uint64 11,"
        " float_value float 12, double_value double 13, boolean_value bool 14,"
        " string_value string 15, bytes_value bytes 16, dataset_value DataSet 17,"
        " template_value Template 18",
        "MetaData": "is_multi_part bool 1, content_type string 2, size uint64 3, seq uint64 4,"
        " file_name string 5, file_type string 6, md5 string 7, description string 8",
        "PropertySet": "keys string* 1, values PropertyValue* 2",
        "PropertySetList": "propertyset PropertySet* 1",
        "PropertyValue": "type uint32 1, is_null bool 2 | int_value uint32 3, long_value uint64 4,"
        " float_value float 5, double_value double 6, boolean_value bool 7, string_value string 8,"
        " propertyset_value PropertySet 9, propertysets_value PropertySetList 10",
        "DataSet": "num_of_columns uint64 1, columns string* 2, types uint32* 3, rows Row* 4",
        "Row": "elements DataSetValue* 1",
        "DataSetValue": "| int_value uint32 1, long_value uint64 2, float_value float 3,"
        " double_value double 4, boolean_value bool 5, string_value string 6",
        "Template": "version string 1, metrics Metric* 2, parameters Parameter* 3,"
        " template_ref string 4, is_definition bool 5",
        "Parameter": "name string 1, type uint32 2 | int_value uint32 3, long_value uint64 4,"
        " float_value float 5, double_value double 6, boolean_value bool 7, string_value string 8",
    }
)
"""Message -> its fields: name, type (* for repeated), number; behind | those of its oneof value."""


class DataType(IntEnum):
    """Of a metric (6.4.16); 22 to 34 are arrays."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21


def payload_class() -> Any:
    """The class of the message ``Payload``."""
    file = descriptor_pb2.FileDescriptorProto(
        name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _SCHEMA.items():
        _add_message(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


def read(payload: Any, data: bytes) -> Any:
    """``data`` as a message of the class ``payload``; raises `Unusable`."""
    require_length(data)
    try:
        return payload.FromString(data)
    except (DecodeError, RecursionError):
        raise Unusable("it cannot be read as a payload of Sparkplug B (protobuf)") from None


def _add_message(message: descriptor_pb2.DescriptorProto, fields: str) -> None:
    plain, _, oneof = fields.partition("|")
    if oneof:
        message.oneof_decl.add(name="value")
    for text, in_oneof in ((plain, False), (oneof, True)):
        for field in filter(None, (each.strip() for each in text.split(","))):
            name, kind, number = field.split()
            added = message.field.add(name=name, number=int(number))
            added.label = _REPEATED if kind.endswith("*") else _OPTIONAL  # type: ignore[assignment]
            kind = kind.rstrip("*")
            added.type = _SCALARS.get(kind, _MESSAGE)  # type: ignore[assignment]
            if kind not in _SCALARS:
                added.type_name = f".{_PACKAGE}.{kind}"
            if in_oneof:
                added.oneof_index = 0
