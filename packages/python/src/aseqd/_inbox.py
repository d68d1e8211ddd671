"""Clients that collect events: monitors and fake devices."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Union

from aseqd import _uapi as uapi
from aseqd._device import Device, EventsLost, SequencerError
from aseqd._events import Address, Event, EventType

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_TIMEOUT", "EventTimeout", "EventsLost", "FakeDevice", "Inbox", "Message", "Monitor", "to_events"]

# Seconds. Events arrive within milliseconds; this is for machines that are very busy.
DEFAULT_TIMEOUT = 5.0

# How many events a message of an error shows.
_SHOWN = 20

Message = Union[bytes, Event, Sequence[Event]]
"""What can be sent: MIDI bytes, an event, or several events."""


class EventTimeout(AssertionError, TimeoutError):
    """What a test waited for did not happen in time."""


def to_events(message: Message) -> list[Event]:
    """Return the events of a message, which must be at least one."""
    if isinstance(message, Event):
        events = [message]
    elif isinstance(message, (bytes, bytearray, memoryview)):
        events = Event.from_midi(bytes(message))
    else:
        events = list(message)
    if not events:
        raise ValueError("there is nothing to send")
    return events


class Inbox:
    """Collects the events that come to a client.

    Events wait in the sequencer until they are read here, at most 2000 of them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._device: Device | None = None
        self._events: list[Event] = []
        self._only: frozenset[EventType] | None = None

    @property
    def events(self) -> list[Event]:
        """The events that have come and were not taken by `wait`."""
        self._read()
        return list(self._events)

    @property
    def midi(self) -> list[bytes]:
        """The same as MIDI bytes, one item an event."""
        return [event.midi for event in self.events]

    def clear(self) -> None:
        """Forget the events that have come."""
        self._read()
        self._events.clear()

    def wait(self, count: int = 1, timeout: float = DEFAULT_TIMEOUT) -> list[Event]:
        """Wait for events, and take the first `count` of those that have come.

        Raises:
            EventTimeout: Fewer came within `timeout` seconds. Those that came are not taken.
            EventsLost: The sequencer has dropped events, because too many were unread.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._read()
            if len(self._events) >= count:
                taken, self._events = self._events[:count], self._events[count:]
                return taken
            if not self.wait_readable(deadline):
                shown, more = self._events[:_SHOWN], len(self._events) - _SHOWN
                came = ", ".join(map(repr, shown)) + (f" and {more} more" if more > 0 else "") or "none"
                raise EventTimeout(f"{self._name}: waited {timeout:g} s for {count} event(s), but there came {came}")

    def wait_readable(self, deadline: float) -> bool:
        """Wait until something has come; return whether it did before a time of `time.monotonic`."""
        return self._device is not None and self._device.wait_readable(deadline)

    def _read(self) -> None:
        if self._device is not None:
            client = self._device.client
            self._events += [event for event in self._device.read() if self._wanted(event, client)]

    def _wanted(self, event: Event, client: int) -> bool:
        """Returns whether an event is for the test: not about connections of this client, and of a type it wants."""
        about = (event.address, event.other)
        if any(address is not None and address.client == client for address in about):
            return False
        return self._only is None or event.type in self._only

    def _close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.close()


class Monitor(Inbox):
    """Collects the events that ports send to their subscribers. Made by `Sequencer.monitor`."""

    def __init__(self, sources: Sequence[Address], only: Iterable[EventType] | None, name: str) -> None:
        """Connect to the sources; without any, be a port that others can connect to."""
        super().__init__(name)
        self._only = None if only is None else frozenset(only)
        device = self._device = Device(name)
        self.client = device.client
        self._offered = not sources
        try:
            device.enlarge_pool()
            # A monitor with sources is not offered to programs: they do not find one port more than without it.
            capability = uapi.CAP_WRITE | (uapi.CAP_SUBS_WRITE if self._offered else uapi.CAP_NO_EXPORT)
            kind = uapi.TYPE_MIDI_GENERIC | uapi.TYPE_SOFTWARE | uapi.TYPE_APPLICATION
            self.address = device.create_port(name, capability, kind)
            """The monitor's own port."""
            for source in sources:
                device.subscribe(source, self.address)
        except BaseException:
            self._close()
            raise

    @property
    def hidden(self) -> bool:
        """Whether the monitor has a client that listings leave out."""
        return self._device is not None and not self._offered

    def close(self) -> None:
        """Stop collecting. What has come by now stays in `events`."""
        try:
            self._read()
        finally:
            self._close()

    def __enter__(self) -> Self:
        """Return the monitor, which collects since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop collecting."""
        self.close()


class FakeDevice(Inbox):
    """A client that plays a MIDI device: it can be plugged in, sends, collects what it is sent, and can be unplugged.

    Made by `Sequencer.device`. To programs it looks like a device behind USB, except that its client is not of the
    type `kernel`.
    """

    def __init__(self, name: str, ports: Sequence[str], capability: int) -> None:
        """Describe the device. It is not there before `plug`."""
        super().__init__(name)
        self.name = name
        self._ports = list(ports)
        self._capability = capability
        self.addresses: list[Address] = []
        """The addresses of its ports, while it is plugged in."""

    @property
    def plugged(self) -> bool:
        """Whether the device is there."""
        return self._device is not None

    @property
    def address(self) -> Address:
        """The address of its first port."""
        self._plugged()
        return self.addresses[0]

    def plug(self) -> Self:
        """Make the device appear, and return it. Each time it may get another number."""
        if self._device is not None:
            raise SequencerError(f"{self.name!r} is plugged in already")
        device = Device(self.name)
        try:
            device.enlarge_pool()
            kind = uapi.TYPE_MIDI_GENERIC | uapi.TYPE_HARDWARE | uapi.TYPE_PORT
            self.addresses = [device.create_port(name, self._capability, kind) for name in self._ports]
        except BaseException:
            device.close()
            raise
        self._device = device
        return self

    def unplug(self) -> None:
        """Make the device disappear with its connections. Does nothing if it is not there."""
        try:
            self._read()
        finally:
            self._close()
            self.addresses = []

    def send(self, message: Message, port: int = 0) -> None:
        """Send what the device plays on a port, to all that are connected to it.

        Raises:
            ValueError: The bytes are no MIDI messages, or the last one is not complete.
            SequencerError: The device is not plugged in, or a receiver has no room because it does not read.
        """
        device = self._plugged()
        source = self.addresses[port]
        dest = Address(uapi.SUBSCRIBERS, uapi.UNKNOWN)
        for event in to_events(message):
            device.write(event.pack(dest, source.port))

    def _plugged(self) -> Device:
        if self._device is None:
            raise SequencerError(f"{self.name!r} is not plugged in")
        return self._device

    def __enter__(self) -> Self:
        """Plug the device in, unless it is."""
        return self if self.plugged else self.plug()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unplug the device."""
        self.unplug()
