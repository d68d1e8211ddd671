"""One open of the sequencer: requests, events, waiting."""

from __future__ import annotations

import errno
import os
import select
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from aseqd import _uapi as uapi
from aseqd._events import Address, Event, unpack

# Room for the events of one read. A longer event, a system exclusive message, gets more room when a read says EINVAL.
_READ_SIZE = 64 * 1024
_MAX_READ_SIZE = 16 * 1024 * 1024


class SequencerError(OSError):
    """The sequencer has refused a request."""


class NoSequencer(SequencerError):
    """This process can open no sequencer."""


class EventsLost(SequencerError):
    """Events came faster than they were read, and the sequencer has dropped some."""


class Device:
    """One open of `/dev/snd/seq`, which is one client."""

    def __init__(self, name: str) -> None:
        """Open the sequencer, and give the client a name."""
        try:
            self.fd = os.open(uapi.DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NoSequencer(error.errno, f"{uapi.DEVICE} cannot be opened: {os.strerror(error.errno or 0)}") from None
        try:
            (self.client,) = self.request("ask for the client's number", uapi.CLIENT_ID, uapi.INT, 0)
            info = list(self.client_info(self.client))
            info[2] = uapi.name_to_bytes(name)
            self.request("name the client", uapi.SET_CLIENT_INFO, uapi.CLIENT_INFO, *info)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the client with its ports and connections. A second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Device:
        """Return the device itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the device."""
        self.close()

    def request(self, what: str, code: int, layout: struct.Struct, *fields: Any) -> tuple[Any, ...]:
        """Make a request with a struct, and return the struct as the sequencer has filled it in.

        Raises:
            SequencerError: The sequencer refuses; `what` stands in its message.
        """
        # This module is also imported where there is no fcntl.
        import fcntl

        buffer = bytearray(layout.pack(*fields))
        try:
            fcntl.ioctl(self.fd, code, buffer, True)
        except OSError as error:
            raise SequencerError(error.errno, f"cannot {what}: {os.strerror(error.errno or 0)}") from None
        return layout.unpack(buffer)

    def client_info(self, client: int) -> tuple[Any, ...]:
        """Return the fields of a client."""
        fields = [client, 0, b"", 0, b"", b"", 0, 0, 0, 0, 0]
        return self.request(f"ask for client {client}", uapi.GET_CLIENT_INFO, uapi.CLIENT_INFO, *fields)

    def clients(self) -> Iterator[tuple[Any, ...]]:
        """Yields the fields of every client, by number."""
        fields: list[Any] = [-1, 0, b"", 0, b"", b"", 0, 0, 0, 0, 0]
        return self._all("list clients", uapi.QUERY_NEXT_CLIENT, uapi.CLIENT_INFO, 0, fields)

    def ports(self, client: int) -> Iterator[tuple[Any, ...]]:
        """Yields the fields of every port of a client, by number. A client that is gone has none."""
        # The port after 255 is port 0.
        fields: list[Any] = [client, 255, b"", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        return self._all("list ports", uapi.QUERY_NEXT_PORT, uapi.PORT_INFO, 1, fields)

    def _all(
        self, what: str, code: int, layout: struct.Struct, key: int, fields: list[Any]
    ) -> Iterator[tuple[Any, ...]]:
        """Yields what a request for the next item returns, until there is none."""
        while True:
            try:
                found = self.request(what, code, layout, *fields)
            except SequencerError as error:
                if error.errno in (errno.ENOENT, errno.ENXIO):
                    return
                raise
            yield found
            fields[key] = found[key]
            if found[key] == 255:
                return

    def create_port(self, name: str, capability: int, kind: int) -> Address:
        """Create a port, and return its address."""
        fields = [self.client, 0, uapi.name_to_bytes(name), capability, kind, 16, 0, 0, 0, 0, 0, 0, 0]
        client, port, *_ = self.request(f"create the port {name!r}", uapi.CREATE_PORT, uapi.PORT_INFO, *fields)
        return Address(client, port)

    def subscribe(self, sender: Address, dest: Address) -> None:
        """Connect two ports."""
        self.request(f"connect {sender} to {dest}", uapi.SUBSCRIBE_PORT, uapi.SUBSCRIBE, *sender, *dest, 0, 0, 0)

    def unsubscribe(self, sender: Address, dest: Address) -> None:
        """Disconnect two ports."""
        what = f"disconnect {sender} from {dest}"
        self.request(what, uapi.UNSUBSCRIBE_PORT, uapi.SUBSCRIBE, *sender, *dest, 0, 0, 0)

    def subscribers(self, sender: Address) -> Iterator[Address]:
        """Yields the ports to which a port sends."""
        index = 0
        while True:
            fields = [*sender, uapi.QUERY_READ, index, 0, 0, 0, 0, 0]
            try:
                found = self.request("list connections", uapi.QUERY_SUBSCRIPTIONS, uapi.QUERY_SUBS, *fields)
            except SequencerError as error:
                if error.errno in (errno.ENOENT, errno.ENXIO):
                    return
                raise
            yield Address(found[5], found[6])
            index += 1

    def enlarge_pool(self) -> None:
        """Make room for as many unread events as a client may have."""
        fields = list(
            self.request("ask for the pools", uapi.GET_CLIENT_POOL, uapi.CLIENT_POOL, self.client, 0, 0, 0, 0, 0)
        )
        fields[2] = uapi.MAX_POOL
        self.request("enlarge the pool", uapi.SET_CLIENT_POOL, uapi.CLIENT_POOL, *fields)

    def write(self, event: bytes) -> None:
        """Send an event.

        Raises:
            SequencerError: The sequencer refuses, or a receiver loses the event (`EAGAIN`).
        """
        try:
            os.write(self.fd, event)
        except BlockingIOError as error:
            # An event that is sent at once waits nowhere. To try again would send it twice to the other receivers.
            text = "cannot send: a receiver reads too slowly, and has no room for more events"
            raise SequencerError(error.errno, text) from None
        except OSError as error:
            raise SequencerError(error.errno, f"cannot send: {os.strerror(error.errno or 0)}") from None

    def read(self) -> list[Event]:
        """Return the events that have come, without waiting.

        Raises:
            EventsLost: The sequencer has dropped events.
            SequencerError: The sequencer has ended.
        """
        events: list[Event] = []
        size = _READ_SIZE
        while True:
            try:
                events += unpack(os.read(self.fd, size))
            except BlockingIOError:
                return events
            except OSError as error:
                if error.errno == errno.EINVAL and size < _MAX_READ_SIZE:
                    size *= 4
                    continue
                if error.errno == errno.ENOSPC:
                    text = f"more than {uapi.MAX_POOL} events were unread, and the sequencer has dropped all of them"
                    raise EventsLost(error.errno, text) from None
                raise SequencerError(error.errno, f"cannot read events: {os.strerror(error.errno or 0)}") from None

    def wait_readable(self, deadline: float) -> bool:
        """Wait until an event can be read; return whether one came before a time of `time.monotonic`."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        left = max(deadline - time.monotonic(), 0)
        # Rounded up: a wait of less than 1 ms must not become a loop that never sleeps.
        return bool(poll.poll(int(left * 1000) + 1 if left else 0))
