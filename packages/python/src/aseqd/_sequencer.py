"""The sequencer as a test sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Union

from aseqd import _uapi as uapi
from aseqd._clock import advance
from aseqd._device import Device, SequencerError
from aseqd._events import Address, EventType
from aseqd._inbox import DEFAULT_TIMEOUT, EventTimeout, FakeDevice, Message, Monitor, to_events


@dataclass(frozen=True)
class Port:
    """A port of a client, as it was when it was asked for."""

    address: Address
    name: str
    client_name: str
    readable: bool
    """Whether others can subscribe to what it sends."""
    writable: bool
    """Whether others can send to it by a connection."""
    capability: int
    type: int

    def __str__(self) -> str:
        """Return names and address, for example `Midi Through:Midi Through Port-0 14:0`."""
        return f"{self.client_name}:{self.name} {self.address}"


@dataclass(frozen=True)
class Client:
    """A client, as it was when it was asked for."""

    number: int
    name: str
    kernel: bool
    """Whether it is a client of the kernel, such as a sound card's; the others are programs."""
    pid: int
    """The process, or -1."""
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class Connection:
    """A connection of two ports."""

    sender: Address
    dest: Address


PortLike = Union[Port, Address, "tuple[int, int]", str, FakeDevice, Monitor]
"""What names a port: `"14:0"`, a name, what `ls` returns, or a device or monitor of the test."""


class Sequencer:
    """Lists and connects ports, sends, and makes monitors and fake devices.

    A port is named by its number (`"128:0"`, or `"128"` for the client's first port), its client's name or the start of
    it, `"client:port"`, the name of the port alone, or as RtMidi writes it, `"client:port 128:0"`.

    Used as a context manager, it removes at the end what it has made: monitors, devices and connections.
    """

    def __init__(self) -> None:
        """Open the sequencer.

        Raises:
            NoSequencer: This process can open none.
        """
        self._device = Device("aseqd for Python")
        self._made: list[Monitor | FakeDevice] = []
        self._connections: list[Connection] = []
        self._sends = False

    def close(self) -> None:
        """Remove what was made, and close the sequencer."""
        try:
            for connection in reversed(self._connections):
                # The port or the connection may be gone.
                with suppress(SequencerError):
                    self._device.unsubscribe(connection.sender, connection.dest)
            for made in reversed(self._made):
                with suppress(SequencerError):
                    made.unplug() if isinstance(made, FakeDevice) else made.close()
        finally:
            self._connections.clear()
            self._made.clear()
            self._device.close()

    def __enter__(self) -> Sequencer:
        """Return the sequencer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was made."""
        self.close()

    def ls(self) -> list[Client]:
        """Return all clients with their ports, without those by which this object itself works."""
        clients = []
        own = self._own_clients()
        for number, kind, name_bytes, _, _, _, _, _, _, pid, _ in self._device.clients():
            if number not in own:
                name = uapi.name_from_bytes(name_bytes)
                clients.append(Client(number, name, kind != uapi.USER_CLIENT, pid, self._ports(number, name)))
        return clients

    def ports(self) -> list[Port]:
        """Return the ports of all clients."""
        return [port for client in self.ls() for port in client.ports]

    def port(self, wanted: PortLike) -> Port:
        """Return the port that is meant.

        Raises:
            LookupError: There is no such port, or several are meant. The message lists them.
        """
        ports = self.ports()
        found = _find(wanted, ports)
        if len(found) == 1:
            return found[0]
        listed = "; ".join(map(str, found or ports)) or "none"
        problem = f"means {len(found)} ports" if found else "is no port; there are"
        raise LookupError(f"{str(wanted)!r} {problem}: {listed}")

    def connect(self, sender: PortLike, dest: PortLike) -> Connection:
        """Connect two ports. The connection is removed at the end of the test."""
        connection = Connection(self._address(sender), self._address(dest))
        self._device.subscribe(connection.sender, connection.dest)
        self._connections.append(connection)
        return connection

    def disconnect(self, sender: PortLike, dest: PortLike) -> None:
        """Disconnect two ports, whoever has connected them."""
        connection = Connection(self._address(sender), self._address(dest))
        self._device.unsubscribe(connection.sender, connection.dest)
        with suppress(ValueError):
            self._connections.remove(connection)

    def connections(self) -> list[Connection]:
        """Return all connections, without those by which this object itself works."""
        own = self._own_clients()
        return [
            Connection(port.address, dest)
            for port in self.ports()
            for dest in self._device.subscribers(port.address)
            if dest.client not in own
        ]

    def monitor(
        self, *sources: PortLike, only: Iterable[EventType] | None = None, name: str = "aseqd monitor"
    ) -> Monitor:
        """Return a monitor that collects what the sources send to their subscribers, from now on.

        Without sources, the monitor is a port called `name`, and collects what programs send to it. `only` names the
        types of events to collect.
        """
        monitor = Monitor([self._address(source) for source in sources], only, name)
        self._made.append(monitor)
        return monitor

    def device(
        self, name: str, ports: int | Sequence[str] = 1, *, readable: bool = True, writable: bool = True
    ) -> FakeDevice:
        """Return a fake device, not plugged in yet.

        `ports` is how many it has, or their names. `readable` says whether it sends, as a keyboard does; `writable`
        says whether it receives, as a synthesizer does.
        """
        names = [f"{name} MIDI {number + 1}" for number in range(ports)] if isinstance(ports, int) else list(ports)
        if not 1 <= len(names) <= uapi.MAX_PORTS:
            raise ValueError(f"a device has 1 to {uapi.MAX_PORTS} ports, not {len(names)}")
        capability = 0
        if readable:
            capability |= uapi.CAP_READ | uapi.CAP_SUBS_READ
        if writable:
            capability |= uapi.CAP_WRITE | uapi.CAP_SUBS_WRITE
        if readable and writable:
            capability |= uapi.CAP_DUPLEX
        device = FakeDevice(name, names, capability)
        self._made.append(device)
        return device

    def send(self, dest: PortLike, message: Message) -> None:
        """Send MIDI bytes or events to a port, without a connection.

        Raises:
            ValueError: The bytes are no MIDI messages, or the last one is not complete.
            SequencerError: The port does not receive, or has no room because the program does not read.
        """
        events = to_events(message)
        address = self._address(dest)
        if not self._sends:
            # Receivers see from where an event comes. No program can subscribe to this port.
            self._device.create_port("send", uapi.CAP_READ | uapi.CAP_NO_EXPORT, uapi.TYPE_APPLICATION)
            self._sends = True
        for event in events:
            self._device.write(event.pack(address, 0))

    def wait_for_port(self, wanted: PortLike, timeout: float = DEFAULT_TIMEOUT) -> Port:
        """Wait until a port exists, for example of a program that was started, and return it.

        Raises:
            EventTimeout: It does not exist after `timeout` seconds.
            LookupError: Several ports are meant.
        """
        self._wait(lambda: bool(_find(wanted, self.ports())), f"a port {str(wanted)!r}", timeout)
        return self.port(wanted)

    def wait_for_connection(self, sender: PortLike, dest: PortLike, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Wait until two ports are connected.

        Raises:
            EventTimeout: They are not after `timeout` seconds.
        """
        connection = Connection(self._address(sender), self._address(dest))
        what = f"a connection of {connection.sender} to {connection.dest}"
        self._wait(lambda: connection.dest in self._device.subscribers(connection.sender), what, timeout)

    def advance(self, seconds: float) -> None:
        """Let time pass in a run with a clock of its own: `aseqd run --time virtual` or `--time step`.

        It returns when everything has happened that is due up to then, and all other programs and threads sleep.

        Raises:
            NoVirtualTime: Time is real here.
            ValueError: The duration is negative or no number.
        """
        advance(seconds)

    def _wait(self, holds: Callable[[], bool], what: str, timeout: float) -> None:
        """Wait until something holds. The System client announces each change, so nothing is polled."""
        deadline = time.monotonic() + timeout
        with self.monitor(Address(uapi.SYSTEM_CLIENT, uapi.ANNOUNCE_PORT)) as announcements:
            try:
                while not holds():
                    if not announcements.wait_readable(deadline):
                        ports = "; ".join(map(str, self.ports()))
                        raise EventTimeout(f"waited {timeout:g} s for {what}; the ports are {ports}")
                    announcements.clear()
            finally:
                self._made.remove(announcements)

    def _own_clients(self) -> set[int]:
        """Returns the numbers of the clients by which this object works."""
        return {self._device.client} | {made.client for made in self._made if isinstance(made, Monitor) and made.hidden}

    def _ports(self, client: int, client_name: str) -> tuple[Port, ...]:
        return tuple(
            Port(
                Address(info[0], info[1]),
                uapi.name_from_bytes(info[2]),
                client_name,
                _has(info[3], uapi.CAP_READ | uapi.CAP_SUBS_READ),
                _has(info[3], uapi.CAP_WRITE | uapi.CAP_SUBS_WRITE),
                info[3],
                info[4],
            )
            for info in self._device.ports(client)
        )

    def _address(self, wanted: PortLike) -> Address:
        """Returns the address that is meant. Numbers are not looked up."""
        if isinstance(wanted, (Port, FakeDevice, Monitor)):
            return wanted.address
        if isinstance(wanted, tuple):
            return Address(*wanted)
        return self.port(wanted).address


def _has(bits: int, wanted: int) -> bool:
    return bits & wanted == wanted


def _find(wanted: PortLike, ports: list[Port]) -> list[Port]:
    """Returns the ports that are meant."""
    if isinstance(wanted, (Port, FakeDevice, Monitor)):
        wanted = wanted.address
    if isinstance(wanted, tuple):
        return [port for port in ports if port.address == wanted]
    if not wanted:
        return []
    number = re.fullmatch(r"(\d+)(?::(\d+))?", wanted)
    if number:
        address = Address(int(number[1]), int(number[2] or 0))
        return [port for port in ports if port.address == address]
    # The more exact rule goes first. A client's name means its first port.
    rules: list[tuple[bool, Callable[[Port], bool]]] = [
        (False, lambda port: str(port) == wanted),
        (False, lambda port: wanted in (f"{port.client_name}:{port.name}", f"{port.client_name}:{port.address.port}")),
        (True, lambda port: port.client_name == wanted),
        (False, lambda port: port.name == wanted),
        (True, lambda port: port.client_name.startswith(wanted)),
    ]
    for names_client, rule in rules:
        found = [port for port in ports if rule(port)]
        if found and names_client:
            return list({port.address.client: port for port in reversed(found)}.values())[::-1]
        if found:
            return found
    return []
