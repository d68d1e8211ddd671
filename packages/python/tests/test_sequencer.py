"""The fixture on a real sequencer: aseqd's, or the kernel's if there is one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from aseqd import (
    Address,
    Event,
    EventsLost,
    EventTimeout,
    EventType,
    NoVirtualTime,
    Sequencer,
    SequencerError,
    find_program,
)


@pytest.fixture
def other() -> Iterator[Sequencer]:
    """A second user of the sequencer, whose clients the first one sees as strangers."""
    with Sequencer() as sequencer:
        yield sequencer


def test_ls_shows_the_system_and_devices(aseqd: Sequencer) -> None:
    device = aseqd.device("Keyboard", ["Keys", "Control"]).plug()
    clients = {client.name: client for client in aseqd.ls()}
    assert clients["System"].number == 0
    assert clients["System"].kernel
    keyboard = clients["Keyboard"]
    assert not keyboard.kernel
    assert keyboard.pid == os.getpid()
    assert [(port.name, port.address) for port in keyboard.ports] == [
        ("Keys", device.addresses[0]),
        ("Control", device.addresses[1]),
    ]
    assert all(port.readable and port.writable for port in keyboard.ports)


def test_ls_leaves_out_what_the_fixture_itself_uses(aseqd: Sequencer) -> None:
    before = aseqd.ls()
    aseqd.monitor("System:Announce")
    aseqd.device("Absent")
    assert aseqd.ls() == before


def test_directions_of_a_device(aseqd: Sequencer) -> None:
    keys = aseqd.port(aseqd.device("Keys", writable=False).plug())
    synth = aseqd.port(aseqd.device("Synth", readable=False).plug())
    assert (keys.readable, keys.writable) == (True, False)
    assert (synth.readable, synth.writable) == (False, True)
    aseqd.connect(keys, synth)
    with pytest.raises(SequencerError, match="cannot connect"):
        aseqd.connect(synth, keys)


def test_names_of_ports(aseqd: Sequencer) -> None:
    device = aseqd.device("Key Station 2", ["In", "Out"]).plug()
    first, second = device.addresses
    names = {
        str(first): first,
        str(first.client): first,
        "Key Station 2": first,
        "Key Sta": first,
        "Key Station 2:In": first,
        "Key Station 2:Out": second,
        "Key Station 2:1": second,
        "Out": second,
        f"Key Station 2:Out {second}": second,
    }
    assert {name: aseqd.port(name).address for name in names} == names
    assert aseqd.port(tuple(second)).address == second  # type: ignore[arg-type]
    assert aseqd.port(device).address == first
    assert aseqd.port(aseqd.port(second)).address == second


def test_a_name_that_means_no_port_or_several(aseqd: Sequencer) -> None:
    with pytest.raises(LookupError, match="'Piano' is no port; there are: System:Timer 0:0"):
        aseqd.port("Piano")
    for name in ("Piano 1", "Piano 2"):
        aseqd.device(name, ["Same"]).plug()
    with pytest.raises(LookupError, match="'Piano' means 2 ports: Piano 1:Same"):
        aseqd.port("Piano")
    with pytest.raises(LookupError, match="'Same' means 2 ports"):
        aseqd.port("Same")
    with pytest.raises(LookupError, match="is no port"):
        aseqd.port("")
    assert aseqd.port("Piano 1").name == "Same"


def test_long_names_are_cut_between_characters(aseqd: Sequencer) -> None:
    aseqd.device("é" * 40).plug()
    assert [client.name for client in aseqd.ls()][-1] == "é" * 31


def test_what_a_device_sends_reaches_a_monitor(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        device.send(b"\x90\x3c\x40\xf0\x01\xf7")
        device.send(Event.pitch_bend(-5, channel=2))
        device.send([Event.note_on(1), Event.note_off(1)])
        events = monitor.wait(5)
    assert [event.midi.hex() for event in events] == ["903c40", "f001f7", "e27b3f", "900140", "800140"]
    assert {event.source for event in events} == {device.address}
    assert {event.dest for event in events} == {monitor.address}


def test_a_monitor_keeps_what_came_before_it_was_closed(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        device.send(b"\x90\x3c\x40")
    device.send(b"\x80\x3c\x40")
    assert monitor.midi == [b"\x90\x3c\x40"]


def test_a_monitor_of_several_ports_and_of_some_types(aseqd: Sequencer) -> None:
    one, two = aseqd.device("One").plug(), aseqd.device("Two").plug()
    with aseqd.monitor(one, two, only={EventType.NOTEON}) as monitor:
        one.send(b"\xf8\x90\x3c\x40")
        two.send(b"\xfe\x90\x3d\x40\x80\x3d\x40")
        assert [event.source for event in monitor.wait(2)] == [one.address, two.address]
        assert monitor.events == []


def test_wait_takes_and_events_only_shows(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        device.send(bytes.fromhex("90 01 01 02 02 03 03"))
        assert [event.note for event in monitor.wait(2)] == [1, 2]
        assert [event.note for event in monitor.events] == [3]
        assert [event.note for event in monitor.events] == [3]
        monitor.clear()
        assert monitor.events == []


def test_wait_wakes_when_an_event_comes(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        timer = threading.Timer(0.05, device.send, [b"\x90\x3c\x40"])
        timer.start()
        assert monitor.wait(1)[0].note == 60
        timer.join()


def test_wait_has_a_deadline_and_says_what_came(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        device.send(b"\x90\x3c\x40")
        begun = time.monotonic()
        with pytest.raises(EventTimeout, match=r"waited 0\.1 s for 2 event.*NOTEON channel=0 note=60"):
            monitor.wait(2, timeout=0.1)
        assert time.monotonic() - begun >= 0.1
        device.send([Event.note_on(1)] * 30)
        with pytest.raises(EventTimeout, match="and 11 more"):
            monitor.wait(40, timeout=0)
        # What came is not taken.
        assert len(monitor.wait(31)) == 31


def test_a_monitor_that_programs_can_send_to(aseqd: Sequencer, other: Sequencer) -> None:
    monitor = aseqd.monitor(name="Recorder")
    device = other.device("Keys").plug()
    other.connect(device, "Recorder")
    device.send(b"\x90\x3c\x40")
    other.send("Recorder", b"\x80\x3c\x40")
    assert [event.type for event in monitor.wait(2)] == [EventType.NOTEON, EventType.NOTEOFF]


def test_programs_do_not_find_monitors_of_ports(aseqd: Sequencer, other: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    aseqd.monitor(device, name="Hidden")
    port = other.port("Hidden")
    assert not port.writable
    with pytest.raises(SequencerError, match="cannot connect"):
        other.connect(device, port)


def test_send_to_a_port_and_what_a_device_receives(aseqd: Sequencer) -> None:
    device = aseqd.device("Synth").plug()
    aseqd.send(device, b"\xc0\x05")
    aseqd.send("Synth", Event.note_on(60))
    assert device.wait(2) == [Event.program_change(5), Event.note_on(60)]
    assert device.events == []


def test_long_system_exclusive_messages_arrive_whole(aseqd: Sequencer) -> None:
    device = aseqd.device("Synth").plug()
    message = Event.sysex(bytes(index % 128 for index in range(10_000)))
    aseqd.send(device, message)
    aseqd.send(device, b"\xf8")
    assert device.wait(2) == [message, Event(EventType.CLOCK)]


def test_send_to_a_port_that_does_not_receive(aseqd: Sequencer) -> None:
    with pytest.raises(SequencerError, match="cannot send"):
        aseqd.send("System:Announce", b"\xf8")
    with pytest.raises(ValueError, match="nothing to send"):
        aseqd.send("System:Announce", b"")


def test_more_events_than_there_is_room_for_are_not_lost_silently(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        with pytest.raises(SequencerError, match="reads too slowly"):
            device.send([Event.note_on(1)] * 2500)
        with pytest.raises(EventsLost, match="more than 2000"):
            monitor.wait(2001)
        device.send(b"\xf8")
        assert monitor.wait(1) == [Event(EventType.CLOCK)]


def test_plug_and_unplug_are_announced(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys")
    assert not device.plugged
    with aseqd.monitor("System:Announce") as announcements:
        device.plug()
        address = device.address
        device.unplug()
        kinds = {EventType.CLIENT_START, EventType.PORT_START, EventType.PORT_EXIT, EventType.CLIENT_EXIT}
        seen = [event for event in announcements.wait(5) if event.type in kinds]
    assert [event.type for event in seen] == [
        EventType.CLIENT_START,
        EventType.PORT_START,
        EventType.PORT_EXIT,
        EventType.CLIENT_EXIT,
    ]
    assert seen[1].address == address


def test_a_device_that_is_unplugged_loses_its_connections_and_comes_again(aseqd: Sequencer) -> None:
    synth = aseqd.device("Synth").plug()
    with aseqd.device("Keys") as device:
        connection = aseqd.connect(device, synth)
        assert connection in aseqd.connections()
        with pytest.raises(SequencerError, match="plugged in already"):
            device.plug()
    assert aseqd.connections() == []
    assert "Keys" not in [client.name for client in aseqd.ls()]
    with pytest.raises(SequencerError, match="not plugged in"):
        device.send(b"\xf8")
    device.unplug()
    with device:
        assert aseqd.port("Keys").address == device.address
        aseqd.connect(device, synth)
        device.send(b"\xfa")
        assert synth.wait(1) == [Event(EventType.START)]


def test_connections(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    synth = aseqd.device("Synth").plug()
    aseqd.monitor(device)
    connection = aseqd.connect("Keys", "Synth")
    assert aseqd.connections() == [connection]
    with pytest.raises(SequencerError, match="cannot connect"):
        aseqd.connect(device, synth)
    aseqd.disconnect(device, synth)
    assert aseqd.connections() == []
    with pytest.raises(SequencerError, match="cannot disconnect"):
        aseqd.disconnect(device, synth)


def test_the_end_removes_what_was_made(aseqd: Sequencer) -> None:
    keys, synth = aseqd.device("Keys").plug(), aseqd.device("Synth").plug()
    before = aseqd.ls()
    with Sequencer() as sequencer:
        sequencer.connect("Keys", "Synth")
        sequencer.device("Left over").plug()
        monitor = sequencer.monitor(keys)
    assert aseqd.connections() == []
    assert aseqd.ls() == before
    keys.send(b"\xf8")
    assert monitor.events == []
    assert synth.events == []


def test_wait_for_the_port_and_the_connection_of_a_program(aseqd: Sequencer) -> None:
    program = """
import sys
from aseqd import Sequencer
sys.stdin.readline()
with Sequencer() as sequencer, sequencer.device("Program") as device:
    sys.stdin.readline()
    sequencer.connect("Program", "Synth")
    sys.stdin.readline()
"""
    synth = aseqd.device("Synth").plug()
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with pytest.raises(EventTimeout, match="waited 0 s for a port 'Program'; the ports are System:Timer"):
            aseqd.wait_for_port("Program", timeout=0)
        timer = threading.Timer(0.05, os.write, [process.stdin.fileno(), b"\n"])
        timer.start()
        port = aseqd.wait_for_port("Program", timeout=20)
        timer.join()
        assert port.client_name == "Program"
        with pytest.raises(EventTimeout, match="for a connection of"):
            aseqd.wait_for_connection(port, synth, timeout=0)
        timer = threading.Timer(0.05, os.write, [process.stdin.fileno(), b"\n"])
        timer.start()
        aseqd.wait_for_connection(port, synth, timeout=20)
        timer.join()
        process.communicate(b"\n")
    assert process.returncode == 0


def test_events_are_not_inherited_by_programs(aseqd: Sequencer) -> None:
    device = aseqd.device("Keys").plug()
    with aseqd.monitor(device) as monitor:
        subprocess.run(["true"], check=True)
        device.send(b"\xf8")
        assert monitor.wait(1)[0].dest == monitor.address


def test_real_time_cannot_be_moved(aseqd: Sequencer) -> None:
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="cannot advance"):
            aseqd.advance(wrong)
    with pytest.raises(NoVirtualTime, match="time is real here"):
        aseqd.advance(1)


# Runs as a program under a clock of its own.
MOVES_TIME = """
import threading, time
from aseqd import Sequencer
with Sequencer() as sequencer:
    heard = []
    began = time.monotonic()
    def player():
        for _ in range(3):
            time.sleep(60)
            heard.append(time.monotonic() - began)
    thread = threading.Thread(target=player)
    thread.start()
    sequencer.advance(119.5)
    assert heard == [60.0], heard
    sequencer.advance(0.5)
    assert heard == [60.0, 120.0], heard
    assert time.monotonic() - began == 120.0
    sequencer.advance(3600)
    thread.join()
"""


@pytest.mark.parametrize("clock", ["virtual", "step"])
def test_time_passes_as_it_is_told(clock: str) -> None:
    program = find_program()
    assert program is not None
    run = [program, "run", "--time", clock, "--"]
    if (refused := subprocess.run([*run, "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(refused.stderr)
    subprocess.run([*run, sys.executable, "-c", MOVES_TIME], check=True, timeout=60)


def test_addresses_read_as_people_write_them() -> None:
    assert str(Address(14, 0)) == "14:0"
