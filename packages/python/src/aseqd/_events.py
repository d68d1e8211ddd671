"""Events of the sequencer as data, and MIDI bytes to events and back."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from aseqd import _uapi as uapi


class Address(NamedTuple):
    """The number of a client, and of a port of this client."""

    client: int
    port: int

    def __str__(self) -> str:
        """Return the address as people write it, for example `14:0`."""
        return f"{self.client}:{self.port}"


class EventType(enum.IntEnum):
    """The types of events, named as in `sound/asequencer.h` without `SNDRV_SEQ_EVENT_`."""

    SYSTEM = 0
    RESULT = 1
    NOTE = 5
    NOTEON = 6
    NOTEOFF = 7
    KEYPRESS = 8
    CONTROLLER = 10
    PGMCHANGE = 11
    CHANPRESS = 12
    PITCHBEND = 13
    CONTROL14 = 14
    NONREGPARAM = 15
    REGPARAM = 16
    SONGPOS = 20
    SONGSEL = 21
    QFRAME = 22
    TIMESIGN = 23
    KEYSIGN = 24
    START = 30
    CONTINUE = 31
    STOP = 32
    SETPOS_TICK = 33
    SETPOS_TIME = 34
    TEMPO = 35
    CLOCK = 36
    TICK = 37
    QUEUE_SKEW = 38
    TUNE_REQUEST = 40
    RESET = 41
    SENSING = 42
    ECHO = 50
    OSS = 51
    CLIENT_START = 60
    CLIENT_EXIT = 61
    CLIENT_CHANGE = 62
    PORT_START = 63
    PORT_EXIT = 64
    PORT_CHANGE = 65
    PORT_SUBSCRIBED = 66
    PORT_UNSUBSCRIBED = 67
    USR0 = 90
    USR1 = 91
    USR2 = 92
    USR3 = 93
    USR4 = 94
    USR5 = 95
    USR6 = 96
    USR7 = 97
    USR8 = 98
    USR9 = 99
    SYSEX = 130
    BOUNCE = 131
    USR_VAR0 = 135
    USR_VAR1 = 136
    USR_VAR2 = 137
    USR_VAR3 = 138
    USR_VAR4 = 139
    NONE = 255


_NOTES = frozenset({EventType.NOTE, EventType.NOTEON, EventType.NOTEOFF, EventType.KEYPRESS})
_CONTROLS = frozenset(range(EventType.CONTROLLER, EventType.KEYSIGN + 1))
_CONNECTIONS = frozenset({EventType.PORT_SUBSCRIBED, EventType.PORT_UNSUBSCRIBED})
_ADDRESSES = frozenset(range(EventType.CLIENT_START, EventType.PORT_CHANGE + 1))

# Status bytes of the messages of one channel, without the channel.
_CHANNEL_STATUS = {
    EventType.NOTEOFF: 0x80,
    EventType.NOTEON: 0x90,
    EventType.KEYPRESS: 0xA0,
    EventType.CONTROLLER: 0xB0,
    EventType.PGMCHANGE: 0xC0,
    EventType.CHANPRESS: 0xD0,
    EventType.PITCHBEND: 0xE0,
}
_CHANNEL_TYPE = {status: kind for kind, status in _CHANNEL_STATUS.items()}
_SYSTEM_STATUS = {
    EventType.QFRAME: 0xF1,
    EventType.SONGPOS: 0xF2,
    EventType.SONGSEL: 0xF3,
    EventType.TUNE_REQUEST: 0xF6,
    EventType.CLOCK: 0xF8,
    EventType.START: 0xFA,
    EventType.CONTINUE: 0xFB,
    EventType.STOP: 0xFC,
    EventType.SENSING: 0xFE,
    EventType.RESET: 0xFF,
}
_SYSTEM_TYPE = {status: kind for kind, status in _SYSTEM_STATUS.items()}
# How many data bytes follow a status byte, by the status without its channel.
_LENGTHS = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2, 0xF1: 1, 0xF2: 2, 0xF3: 1}

_SYSEX_BEGIN, _SYSEX_END = 0xF0, 0xF7
_REALTIME = 0xF8

_NOWHERE = Address(0, 0)


@dataclass(frozen=True)
class Event:
    """One event of the sequencer.

    Only the fields of its type have a meaning; the others are 0. Two events are equal if what they say is equal:
    `time`, `source` and `dest` do not count.
    """

    type: EventType
    channel: int = 0
    """0 to 15, of notes and controllers."""
    note: int = 0
    velocity: int = 0
    param: int = 0
    """The number of a controller."""
    value: int = 0
    """The value of a controller, a program, a pressure, or a pitch bend from -8192 to 8191."""
    data: bytes = b""
    """The bytes of a system exclusive message, with F0 and F7, or the 12 bytes of a type without fields here."""
    address: Address | None = None
    """What an announcement is about: a client or a port, or the sender of a connection."""
    other: Address | None = None
    """The destination of a connection that an announcement is about."""
    time: float = field(default=0.0, compare=False)
    """Seconds or ticks, if the connection stamps the time; otherwise 0."""
    source: Address = field(default=_NOWHERE, compare=False)
    dest: Address = field(default=_NOWHERE, compare=False)

    @classmethod
    def note_on(cls, note: int, velocity: int = 64, channel: int = 0) -> Event:
        """Return a note that begins."""
        return cls(EventType.NOTEON, channel=_four(channel), note=_seven(note), velocity=_seven(velocity))

    @classmethod
    def note_off(cls, note: int, velocity: int = 64, channel: int = 0) -> Event:
        """Return a note that ends."""
        return cls(EventType.NOTEOFF, channel=_four(channel), note=_seven(note), velocity=_seven(velocity))

    @classmethod
    def control_change(cls, param: int, value: int, channel: int = 0) -> Event:
        """Return a new value of a controller."""
        return cls(EventType.CONTROLLER, channel=_four(channel), param=_seven(param), value=_seven(value))

    @classmethod
    def program_change(cls, program: int, channel: int = 0) -> Event:
        """Return a change of program."""
        return cls(EventType.PGMCHANGE, channel=_four(channel), value=_seven(program))

    @classmethod
    def pitch_bend(cls, value: int, channel: int = 0) -> Event:
        """Return a pitch bend from -8192 to 8191."""
        if not -8192 <= value <= 8191:
            raise ValueError(f"a pitch bend is -8192 to 8191, not {value}")
        return cls(EventType.PITCHBEND, channel=_four(channel), value=value)

    @classmethod
    def sysex(cls, data: bytes) -> Event:
        """Return a system exclusive message. F0 and F7 are added if they are not there."""
        body = bytes(data)
        if body[:1] == b"\xf0":
            body = body[1:]
        if body[-1:] == b"\xf7":
            body = body[:-1]
        if any(byte > 0x7F for byte in body):
            raise ValueError("the bytes of a system exclusive message are 0 to 127")
        return cls(EventType.SYSEX, data=b"\xf0" + body + b"\xf7")

    @staticmethod
    def from_midi(data: bytes) -> list[Event]:
        """Return the events of MIDI bytes, which are whole messages. Running status is understood.

        Raises:
            ValueError: The bytes are not MIDI, or the last message is not complete.
        """
        return list(_decode(bytes(data)))

    @property
    def midi(self) -> bytes:
        """The MIDI bytes of this event; empty if it is no MIDI message."""
        kind = self.type
        if kind in _CHANNEL_STATUS:
            status = _CHANNEL_STATUS[kind] | self.channel & 0x0F
            if kind in _NOTES:
                return bytes((status, self.note & 0x7F, self.velocity & 0x7F))
            if kind == EventType.CONTROLLER:
                return bytes((status, self.param & 0x7F, self.value & 0x7F))
            if kind == EventType.PITCHBEND:
                return bytes((status, *_split(self.value + 8192)))
            return bytes((status, self.value & 0x7F))
        if kind in (EventType.CONTROL14, EventType.NONREGPARAM, EventType.REGPARAM):
            return self._controllers()
        if kind == EventType.SONGPOS:
            return bytes((0xF2, *_split(self.value)))
        if kind in (EventType.QFRAME, EventType.SONGSEL):
            return bytes((_SYSTEM_STATUS[kind], self.value & 0x7F))
        if kind in _SYSTEM_STATUS:
            return bytes((_SYSTEM_STATUS[kind],))
        return self.data if kind == EventType.SYSEX else b""

    def _controllers(self) -> bytes:
        """Return the messages of a controller that has 14 bits."""
        status = 0xB0 | self.channel & 0x0F
        low, high = _split(self.value)
        if self.type == EventType.CONTROL14:
            if self.param >= 32:
                return bytes((status, self.param & 0x7F, self.value & 0x7F))
            return bytes((status, self.param, high, status, self.param + 32, low))
        first = 98 if self.type == EventType.NONREGPARAM else 100
        number_low, number_high = _split(self.param)
        pairs = ((first + 1, number_high), (first, number_low), (6, high), (38, low))
        return bytes(byte for param, value in pairs for byte in (status, param, value))

    def __repr__(self) -> str:
        """Return the fields that have a meaning."""
        kind = self.type
        parts: list[object] = [kind.name]
        if kind in _NOTES:
            parts += [f"channel={self.channel}", f"note={self.note}", f"velocity={self.velocity}"]
        elif kind in _CONTROLS:
            parts += [f"channel={self.channel}", f"param={self.param}", f"value={self.value}"]
        elif self.data:
            parts.append(self.data.hex(" "))
        parts += [str(part) for part in (self.address, self.other) if part is not None]
        return f"<Event {' '.join(map(str, parts))}>"

    def pack(self, dest: Address, source_port: int) -> bytes:
        """Return the event as it is written to the device: sent at once, to `dest`."""
        kind, flags, extra = self.type, 0, b""
        if kind in _NOTES:
            data = uapi.NOTE.pack(self.channel, self.note, self.velocity, 0, 0)
        elif kind in _CONTROLS:
            data = uapi.CONTROL.pack(self.channel, self.param, self.value)
        elif kind == EventType.SYSEX or EventType.USR_VAR0 <= kind <= EventType.USR_VAR4:
            flags, extra = uapi.LENGTH_VARIABLE, self.data
            data = uapi.EXT.pack(len(extra))
        else:
            data = self.data[:12].ljust(12, b"\0")
        return uapi.EVENT.pack(kind, flags, 0, uapi.QUEUE_DIRECT, 0, 0, 0, source_port, *dest, data) + extra


def unpack(buffer: bytes) -> Iterator[Event]:
    """Yields the events that were read from the device. Types that have no name here are left out."""
    position = 0
    while position + uapi.EVENT.size <= len(buffer):
        kind, flags, _, _, low, high, *addresses, data = uapi.EVENT.unpack_from(buffer, position)
        position += uapi.EVENT.size
        extra = b""
        if flags & uapi.LENGTH_MASK == uapi.LENGTH_VARIABLE:
            length = uapi.EXT.unpack(data)[0] & uapi.LENGTH_BITS
            extra = buffer[position : position + length]
            # The kernel fills up the last cell.
            position += -(-length // uapi.EVENT.size) * uapi.EVENT.size
        try:
            kind = EventType(kind)
        except ValueError:
            continue
        real = flags & 1
        time = low + high / 1e9 if real else float(low)
        source, dest = Address(*addresses[:2]), Address(*addresses[2:])
        yield _with_data(kind, data, extra, time, source, dest)


def _with_data(kind: EventType, data: bytes, extra: bytes, time: float, source: Address, dest: Address) -> Event:
    if kind in _NOTES:
        channel, note, velocity, _, _ = uapi.NOTE.unpack(data)
        return Event(kind, channel=channel, note=note, velocity=velocity, time=time, source=source, dest=dest)
    if kind in _CONTROLS:
        channel, param, value = uapi.CONTROL.unpack(data)
        return Event(kind, channel=channel, param=param, value=value, time=time, source=source, dest=dest)
    if kind in _ADDRESSES:
        return Event(kind, address=Address(*uapi.ADDRESS.unpack(data)), time=time, source=source, dest=dest)
    if kind in _CONNECTIONS:
        client, port, other_client, other_port = uapi.CONNECT.unpack(data)
        other = Address(other_client, other_port)
        return Event(kind, address=Address(client, port), other=other, time=time, source=source, dest=dest)
    if kind in _SYSTEM_STATUS:
        return Event(kind, time=time, source=source, dest=dest)
    variable = EventType.SYSEX <= kind <= EventType.USR_VAR4
    return Event(kind, data=extra if variable else data, time=time, source=source, dest=dest)


def _decode(data: bytes) -> Iterator[Event]:
    """Yields the events of MIDI bytes."""
    running = 0
    position = 0
    while position < len(data):
        status = data[position]
        if status >= _REALTIME:
            yield _realtime(status)
            position += 1
            continue
        if status == _SYSEX_BEGIN:
            running = 0
            position, inside, body = _sysex(data, position)
            yield from inside
            yield Event(EventType.SYSEX, data=body)
            continue
        if status < 0x80:
            if not running:
                raise ValueError(f"byte {position}, 0x{status:02x}, has no status byte before it")
            status = running
        else:
            position += 1
        running = status if status < _SYSEX_BEGIN else 0
        kind = status & 0xF0 if status < _SYSEX_BEGIN else status
        if kind != 0xF6 and kind not in _LENGTHS:
            raise ValueError(f"0x{status:02x} is no status byte of MIDI")
        arguments: list[int] = []
        while len(arguments) < _LENGTHS.get(kind, 0):
            if position == len(data):
                raise ValueError(f"the last message, 0x{status:02x}, is not complete")
            byte = data[position]
            position += 1
            if byte >= _REALTIME:
                yield _realtime(byte)
            elif byte >= 0x80:
                raise ValueError(f"the message 0x{status:02x} is cut off by 0x{byte:02x}")
            else:
                arguments.append(byte)
        yield _message(kind, status & 0x0F, arguments)


def _realtime(status: int) -> Event:
    kind = _SYSTEM_TYPE.get(status)
    if kind is None:
        raise ValueError(f"0x{status:02x} is no status byte of MIDI")
    return Event(kind)


def _sysex(data: bytes, begin: int) -> tuple[int, list[Event], bytes]:
    """Returns where a system exclusive message ends, the real-time messages inside of it, and its own bytes."""
    inside, body = [], bytearray((_SYSEX_BEGIN,))
    for position in range(begin + 1, len(data)):
        byte = data[position]
        if byte >= _REALTIME:
            inside.append(_realtime(byte))
            continue
        body.append(byte)
        if byte == _SYSEX_END:
            return position + 1, inside, bytes(body)
        if byte >= 0x80:
            raise ValueError(f"a system exclusive message is cut off by 0x{byte:02x}")
    raise ValueError("the system exclusive message has no F7")


def _message(status: int, channel: int, arguments: list[int]) -> Event:
    if status in _CHANNEL_TYPE:
        kind = _CHANNEL_TYPE[status]
        if kind in _NOTES:
            return Event(kind, channel=channel, note=arguments[0], velocity=arguments[1])
        if kind == EventType.CONTROLLER:
            return Event(kind, channel=channel, param=arguments[0], value=arguments[1])
        if kind == EventType.PITCHBEND:
            return Event(kind, channel=channel, value=(arguments[1] << 7 | arguments[0]) - 8192)
        return Event(kind, channel=channel, value=arguments[0])
    kind = _SYSTEM_TYPE[status]
    return Event(kind, value=sum(byte << 7 * index for index, byte in enumerate(arguments)))


def _split(value: int) -> tuple[int, int]:
    """Returns the lower and the upper 7 bits of a number with 14."""
    return value & 0x7F, value >> 7 & 0x7F


def _seven(value: int) -> int:
    if not 0 <= value <= 127:
        raise ValueError(f"{value} is not 0 to 127")
    return value


def _four(channel: int) -> int:
    if not 0 <= channel <= 15:
        raise ValueError(f"channel {channel} is not 0 to 15")
    return channel
