"""The structs and request codes of Linux's `sound/asequencer.h` that this package uses.

The codes follow the generic layout of Linux's `_IOC`, which x86, Arm, RISC-V, s390 and LoongArch use.
"""

import struct

DEVICE = "/dev/snd/seq"

# struct snd_seq_event: type, flags, tag, queue, time (tick, or seconds and nanoseconds), source, dest, data.
EVENT = struct.Struct("=BBBBIIBBBB12s")
# The parts of `data`.
NOTE = struct.Struct("=BBBBI4x")  # channel, note, velocity, off velocity, duration
CONTROL = struct.Struct("=BxxxIi")  # channel, param, value
EXT = struct.Struct("=I8x")  # length of the bytes that follow the event
ADDRESS = struct.Struct("=BB10x")
CONNECT = struct.Struct("=BBBB8x")

# struct snd_seq_client_info: client, type, name, filter, multicast filter, event filter, number of ports, lost events,
# card, pid, MIDI version.
CLIENT_INFO = struct.Struct("@ii64sI8s32siiiiI52x")
# struct snd_seq_port_info: client, port, name, capability, type, MIDI channels, MIDI voices, synth voices, read use,
# write use, kernel, flags, time queue.
PORT_INFO = struct.Struct("@BB64sIIiiiiiPIB59x0P")
# struct snd_seq_port_subscribe: sender, dest, voices, flags, queue.
SUBSCRIBE = struct.Struct("@BBBBIIB3x64x")
# struct snd_seq_query_subs: root, type, index, number of subscriptions, address, queue, flags.
QUERY_SUBS = struct.Struct("@BBiiiBBBI64x")
# struct snd_seq_client_pool: client, sizes of output and input pool, output room, free cells of both.
CLIENT_POOL = struct.Struct("@iiiiii64x")
INT = struct.Struct("@i")

_WRITE, _READ = 1, 2


def _code(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("S") << 8 | number


PVERSION = _code(_READ, 0x00, INT.size)
CLIENT_ID = _code(_READ, 0x01, INT.size)
GET_CLIENT_INFO = _code(_READ | _WRITE, 0x10, CLIENT_INFO.size)
SET_CLIENT_INFO = _code(_WRITE, 0x11, CLIENT_INFO.size)
CREATE_PORT = _code(_READ | _WRITE, 0x20, PORT_INFO.size)
SUBSCRIBE_PORT = _code(_WRITE, 0x30, SUBSCRIBE.size)
UNSUBSCRIBE_PORT = _code(_WRITE, 0x31, SUBSCRIBE.size)
GET_CLIENT_POOL = _code(_READ | _WRITE, 0x4B, CLIENT_POOL.size)
SET_CLIENT_POOL = _code(_WRITE, 0x4C, CLIENT_POOL.size)
QUERY_SUBSCRIPTIONS = _code(_READ | _WRITE, 0x4F, QUERY_SUBS.size)
QUERY_NEXT_CLIENT = _code(_READ | _WRITE, 0x51, CLIENT_INFO.size)
QUERY_NEXT_PORT = _code(_READ | _WRITE, 0x52, PORT_INFO.size)

# Addresses.
SYSTEM_CLIENT = 0
ANNOUNCE_PORT = 1
SUBSCRIBERS = 254
UNKNOWN = 253
QUEUE_DIRECT = 253

# Flags of an event.
LENGTH_VARIABLE = 1 << 2
LENGTH_MASK = 3 << 2
# The upper bits of a length are flags of the kernel's own.
LENGTH_BITS = 0x3FFF_FFFF

# Capabilities of a port.
CAP_READ = 1 << 0
CAP_WRITE = 1 << 1
CAP_DUPLEX = 1 << 4
CAP_SUBS_READ = 1 << 5
CAP_SUBS_WRITE = 1 << 6
CAP_NO_EXPORT = 1 << 7

# Types of a port.
TYPE_MIDI_GENERIC = 1 << 1
TYPE_HARDWARE = 1 << 16
TYPE_SOFTWARE = 1 << 17
TYPE_PORT = 1 << 19
TYPE_APPLICATION = 1 << 20

USER_CLIENT = 1

QUERY_READ = 0

# The largest pool of unread events that a client may ask for. A client begins with 200.
MAX_POOL = 2000
# The most ports a client can have.
MAX_PORTS = 254
# The longest name, in bytes. The array has 64, the last of which is 0.
MAX_NAME = 63


def name_to_bytes(name: str) -> bytes:
    """Returns a name as the kernel keeps it: UTF-8, cut at a character's border."""
    return name.encode()[:MAX_NAME].decode(errors="ignore").encode()


def name_from_bytes(array: bytes) -> str:
    """Returns the name in an array that ends at its first 0."""
    return array.partition(b"\0")[0].decode(errors="replace")
