"""Content of an ONNX file, and the part of it that some outputs need.

ONNX Runtime computes every node of a graph, whatever outputs are asked for, so each choice of
outputs gets a graph of its own. The package onnx would cut it out, too; it takes 31 MB and a third
of a second to load. The wire format of protobuf is simple and fixed, so it is read here: a message
is a row of fields, each a number, a kind and a value, and an inner message is a value of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

# Numbers of fields, as onnx.proto has them.
GRAPH, METADATA = 7, 14  # of a model
NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 5, 11, 12, 13  # of a graph
TAKES, MAKES = 1, 2  # of a node: names
NAME = {INITIALIZER: 8, INPUT: 1, OUTPUT: 1, VALUE_INFO: 1}  # number of the name in each
KEY, VALUE = 1, 2  # of an entry of the metadata

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Which field.
        whole: All of its bytes.
        value: Those of its value.
    """

    number: int
    whole: memoryview
    value: memoryview


class OnnxFile:
    """An ONNX model in memory.

    Args:
        data: Content of the file.

    Attributes:
        metadata: Texts by their keys.
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.

    Raises:
        ValueError: The content is no ONNX model with a graph.
    """

    def __init__(self, data: bytes) -> None:
        self._fields = list(_fields(memoryview(data)))
        graphs = [field.value for field in self._fields if field.number == GRAPH]
        self._graph = [field for graph in graphs for field in _fields(graph)]
        if not any(field.number == NODE for field in self._graph):
            raise ValueError("it holds no graph")
        entries = [_texts(field.value) for field in self._fields if field.number == METADATA]
        self.metadata = {entry[KEY][0]: entry.get(VALUE, [""])[0] for entry in entries}
        self.inputs, self.outputs = (
            tuple(_name(field) for field in self._graph if field.number == number)
            for number in (INPUT, OUTPUT)
        )

    def part(self, outputs: Sequence[str], given: Sequence[str] = ()) -> bytes:
        """The model with these outputs, and what they depend on, alone.

        Args:
            outputs: Names of outputs of the graph.
            given: Names of others of its outputs, which become inputs: what they depend on is not
                computed.
        """
        needed = set(outputs)
        kept: list[bytes | memoryview] = []
        # ONNX sorts nodes behind what they take.
        for field in reversed([field for field in self._graph if field.number == NODE]):
            names = _texts(field.value)
            made = set(names.get(MAKES, ())) - set(given)
            if not needed.isdisjoint(made):
                needed.update(names.get(TAKES, ()))
                kept.append(field.whole)
        kept.reverse()
        for field in self._graph:
            if field.number == OUTPUT and _name(field) in given:  # has the name and the shape
                kept.append(_message(INPUT, bytes(field.value)))
            wanted = outputs if field.number == OUTPUT else needed
            if field.number != NODE and (field.number not in NAME or _name(field) in wanted):
                kept.append(field.whole)
        rest = [field.whole for field in self._fields if field.number != GRAPH]
        return b"".join([*rest, _message(GRAPH, b"".join(kept))])


def _fields(message: memoryview) -> Iterator[Field]:
    position = 0
    while position < len(message):
        start = position
        tag, position = _read_varint(message, position)
        kind = tag & 7
        if kind == VARINT:
            begin, (_, position) = position, _read_varint(message, position)
        elif kind in (FIXED64, FIXED32):
            begin, position = position, position + (8 if kind == FIXED64 else 4)
        elif kind == BYTES:
            length, begin = _read_varint(message, position)
            position = begin + length
        else:
            raise ValueError("it is no protobuf file")
        if tag < 8 or position > len(message):
            raise ValueError("it is no protobuf file, or was cut short")
        yield Field(tag >> 3, message[start:position], message[begin:position])


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number, least 7 bits first, and the position behind it."""
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        value |= (byte & 127) << shift
        shift, position = shift + 7, position + 1
        if byte < 128:
            return value, position
    raise ValueError("it is no protobuf file, or was cut short")


def _message(number: int, value: bytes) -> bytes:
    """A field whose value is bytes."""
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def _texts(message: memoryview) -> dict[int, list[str]]:
    """The texts of fields 1 and 2, by number."""
    found: dict[int, list[str]] = {}
    for field in _fields(message):
        if field.number in (1, 2):
            found.setdefault(field.number, []).append(str(field.value, "utf-8"))
    return found


def _name(field: Field) -> str:
    number = NAME[field.number]
    return next(
        (str(each.value, "utf-8") for each in _fields(field.value) if each.number == number), ""
    )
