"""Drive and observe the ALSA sequencer from tests.

`Sequencer` lists and connects ports, sends events, collects what a port sends, and plays fake devices. It works with
aseqd's sequencer and with Linux's own, without any C library. In pytest, the fixture `aseqd` is a `Sequencer`.
"""

from aseqd._clock import NoVirtualTime
from aseqd._device import NoSequencer, SequencerError
from aseqd._events import Address, Event, EventType
from aseqd._inbox import EventsLost, EventTimeout, FakeDevice, Inbox, Monitor
from aseqd._program import find_program
from aseqd._sequencer import Client, Connection, Port, Sequencer

__version__ = "0.1.0"

__all__ = [
    "Address",
    "Client",
    "Connection",
    "Event",
    "EventTimeout",
    "EventType",
    "EventsLost",
    "FakeDevice",
    "Inbox",
    "Monitor",
    "NoSequencer",
    "NoVirtualTime",
    "Port",
    "Sequencer",
    "SequencerError",
    "__version__",
    "find_program",
]
