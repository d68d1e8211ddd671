"""Writes a song of five minutes with N notes at odd times, and some tempos, for scripts/virtual-time: FILE N."""

import random
import struct
import sys

TICKS = 480
LENGTH = 290  # in seconds, at 120 beats a minute


def quantity(number: int) -> bytes:
    """Return a number as MIDI files write it: 7 bits a byte."""
    out = [number & 127]
    while number > 127:
        number >>= 7
        out.insert(0, number & 127 | 128)
    return bytes(out)


def song(notes: int) -> bytes:
    """Return the file. For a number of notes it is always the same one."""
    numbers = random.Random(5)
    events = [(0, b"\xff\x51\x03" + (500_000).to_bytes(3, "big"))]
    for second in range(60, LENGTH, 60):
        tempo = 500_000 + numbers.randrange(-9_999, 9_999)
        events.append((second * 2 * TICKS, b"\xff\x51\x03" + tempo.to_bytes(3, "big")))
    ticks = sorted(numbers.randrange(LENGTH * 2 * TICKS) for _ in range(notes))
    for count, tick in enumerate(ticks):
        # Each note ends with the next event of its channel.
        velocity = 0 if count % 2 else numbers.randrange(1, 128)
        events.append((tick, bytes([0x90 | count // 2 % 16, 36 + count // 2 % 60, velocity])))
    events.sort(key=lambda event: event[0])
    track = bytearray()
    last = 0
    for tick, message in events:
        track += quantity(tick - last) + message
        last = tick
    track += quantity(LENGTH * 2 * TICKS - last) + b"\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


with open(sys.argv[1], "wb") as file:
    file.write(song(int(sys.argv[2])))
