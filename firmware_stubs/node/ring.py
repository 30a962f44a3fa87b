"""Readings in flash until they are safe elsewhere: a ring of segment files that a power cut spares.

A segment is a file of at most `size` bytes:

    header
    states   1 byte for each slot: 0xFF until its record is released, then 0x00
    slots    of one record each: `record_size` bytes and their CRC-32, 4 bytes, little endian

- A write that was torn leaves a slot whose CRC is wrong: it is no record, and the next one is
  written over it. A torn state that is not 0x00 holds the record: it is sent once more.
- States are together, and only those of records that are safe are written: neighbours are released
  by one write, and one that is torn harms no other record.
- A new segment is made beside the ring and renamed over the oldest one, which littlefs does in one
  step. So what was overwritten, and that it is counted in `lost`, come about together.
- Segments take turns: none wears faster than another. docs/decisions/firmware.md has the figures.
"""

import binascii
import os
import struct
from array import array

_HEADER = "<2sBBII"  # magic, version, record_size, generation, lost; then its CRC-32
HEADER_SIZE = struct.calcsize(_HEADER) + 4
_MAGIC = b"DR"
_VERSION = 2
_HELD = b"\xff"


class Ring:
    """`open` or `restore` comes first.

    `folder`       where the segments are; made if it is not there
    `record_size`  bytes, the same for all
    `segments`     how many; the oldest is overwritten when all are full
    `size`         of a segment, bytes: an erase block of the flash
    """

    def __init__(self, folder, record_size, segments=16, size=4096):
        self._folder = folder
        self._record_size = record_size
        self._segments = segments
        self._slot = record_size + 4
        self.slots = (size - HEADER_SIZE) // (1 + self._slot)
        self._buffer = bytearray(self._slot)
        self._forget()

    def _forget(self):
        self._newest = -1  # its generation
        self._used = self.slots  # slots of the newest: full, where there is none
        self._held = bytearray((self._segments * self.slots + 7) // 8)
        self._counts = array("H", [0] * self._segments)  # held, by segment
        self.lost = 0
        """Records that were held and overwritten, or not kept, since the ring was made."""

    @property
    def count(self):
        """Records that are held."""
        return sum(self._counts)

    @property
    def capacity(self):
        return self._segments * self.slots

    # Opening

    def open(self, look=None):
        """Read all that is there; `look(record)` sees each valid record, released ones too.

        Takes some tenths of a second with a full ring, so a node that wakes uses `restore`.
        """
        self._forget()
        if not _is_there(self._folder):
            os.mkdir(self._folder)
        generations = [self._generation(index) for index in range(self._segments)]
        self._newest = max(generation for generation, _ in generations)
        for index, (generation, lost) in enumerate(generations):
            # One from before the last round is left where a newer one could not be read: hold it.
            if generation < 0:
                continue
            last = self._scan(index, look)
            if generation == self._newest:
                self._used = last + 1
                self.lost = lost

    def _generation(self, index):
        """(generation, lost) of a segment; (-1, 0) where there is no whole one."""
        data = bytearray(HEADER_SIZE)
        try:
            with open(self._path(index), "rb") as file:
                size = file.readinto(data)
        except OSError:
            return -1, 0
        magic, version, record_size, generation, lost = struct.unpack_from(_HEADER, data)
        (crc,) = struct.unpack_from("<I", data, HEADER_SIZE - 4)
        whole = size == HEADER_SIZE and crc == binascii.crc32(memoryview(data)[:-4])
        ours = (magic, version, record_size) == (_MAGIC, _VERSION, self._record_size)
        if whole and ours and generation % self._segments == index:
            return generation, lost
        return -1, 0

    def _scan(self, index, look):
        """The last slot that has a record; -1 where none has."""
        last = -1
        slot = self._buffer
        states = bytearray(self.slots)
        with open(self._path(index), "rb") as file:
            file.seek(HEADER_SIZE)
            file.readinto(states)
            for number in range(self.slots):
                if file.readinto(slot) != self._slot:
                    break
                if not self._is_whole(slot):
                    continue
                last = number
                if states[number]:
                    self._hold(index * self.slots + number)
                if look:
                    look(memoryview(slot)[:-4])
        return last

    def _is_whole(self, slot):
        (crc,) = struct.unpack_from("<I", slot, self._slot - 4)
        return crc == binascii.crc32(memoryview(slot)[:-4])

    def _place(self, number):
        """Where in its file a slot begins."""
        return HEADER_SIZE + self.slots + number * self._slot

    # For a sleep in which memory of a few hundred bytes goes on

    def state(self):
        """What `restore` takes."""
        head = struct.pack("<iHI", self._newest, self._used, self.lost)
        return head + bytes(self._held)

    def restore(self, state):
        """As it was; nothing is read from flash. Raises ValueError where it is not this ring's."""
        self._forget()
        head = struct.calcsize("<iHI")
        if len(state) != head + len(self._held):
            raise ValueError("the state is of another ring")
        self._newest, self._used, self.lost = struct.unpack_from("<iHI", state)
        self._held[:] = state[head:]
        for position in self._positions():
            self._counts[position // self.slots] += 1

    # Records

    def append(self, record):
        """Keep a record, over the oldest ones where the ring is full.

        Raises OSError where flash does not take it: then it is not kept, and none was lost for it.
        """
        if self._used >= self.slots:
            self._begin_segment()
        index = self._newest % self._segments
        crc = struct.pack("<I", binascii.crc32(record))
        with open(self._path(index), "r+b") as file:
            file.seek(self._place(self._used))
            file.write(record + crc)
        self._hold(index * self.slots + self._used)
        self._used += 1

    def _begin_segment(self):
        generation = self._newest + 1
        index = generation % self._segments
        lost = self.lost + self._counts[index]
        header = struct.pack(_HEADER, _MAGIC, _VERSION, self._record_size, generation, lost)
        fresh = self._folder + "/new"
        with open(fresh, "wb") as file:
            file.write(header + struct.pack("<I", binascii.crc32(header)) + _HELD * self.slots)
        os.rename(fresh, self._path(index))
        begin = index * self.slots
        for position in range(begin, begin + self.slots):
            self._held[position >> 3] &= ~(1 << (position & 7))
        self._counts[index] = 0
        self._newest, self._used, self.lost = generation, 0, lost

    def records(self):
        """(position, record) of all that is held, the oldest first.

        A record is a view that is good until the next one. One that flash has damaged is passed
        over, and lost. Close it where it is not read to its end: it has a file open.
        """
        oldest = self._newest + 1
        slot = self._buffer
        for turn in range(self._segments):
            index = (oldest + turn) % self._segments
            if not self._counts[index]:
                continue
            begin = index * self.slots
            with open(self._path(index), "rb") as file:
                for position in range(begin, begin + self.slots):
                    if not self._held[position >> 3] >> (position & 7) & 1:
                        continue
                    file.seek(self._place(position - begin))
                    if file.readinto(slot) == self._slot and self._is_whole(slot):
                        yield position, memoryview(slot)[:-4]
                    else:
                        self._drop(position)
                        self.lost += 1

    def release(self, positions):
        """These, in the order of `records`, are safe elsewhere: a write for each run of neighbours.
        Cut short, some are held, and so sent, once more."""
        for first, count in _runs(positions, self.slots):
            with open(self._path(first // self.slots), "r+b") as file:
                file.seek(HEADER_SIZE + first % self.slots)
                file.write(bytes(count))
            for position in range(first, first + count):
                self._drop(position)

    # What is held, a bit each

    def _hold(self, position):
        self._held[position >> 3] |= 1 << (position & 7)
        self._counts[position // self.slots] += 1

    def _drop(self, position):
        if self._held[position >> 3] >> (position & 7) & 1:
            self._held[position >> 3] &= ~(1 << (position & 7))
            self._counts[position // self.slots] -= 1

    def _positions(self):
        for position in range(self.capacity):
            if self._held[position >> 3] >> (position & 7) & 1:
                yield position

    def _path(self, index):
        return "%s/%d" % (self._folder, index)


def _runs(positions, slots):
    """(first, how many) of neighbours within a segment."""
    first = count = 0
    for position in positions:
        if count and position == first + count and position % slots:
            count += 1
            continue
        if count:
            yield first, count
        first, count = position, 1
    if count:
        yield first, count


def _is_there(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True
