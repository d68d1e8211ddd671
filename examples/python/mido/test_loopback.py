"""Tests of a MIDI project, with no line about aseqd: mido and python-rtmidi find a sequencer as on a desktop."""

import queue

import mido
import pytest
import rtmidi

# Seconds. Messages arrive within milliseconds, unless the machine is very busy.
DEADLINE = 5

MESSAGES = [
    mido.Message("note_on", note=60, velocity=100),
    mido.Message("control_change", control=7, value=90),
    mido.Message("pitchwheel", pitch=-8192),
    mido.Message("sysex", data=range(100)),
    mido.Message("note_off", note=60),
]


def test_mido_sends_to_itself():
    received = queue.Queue()
    with mido.open_input("loop back", virtual=True, callback=received.put):
        (name,) = [name for name in mido.get_output_names() if "loop back" in name]
        with mido.open_output(name) as output:
            for message in MESSAGES:
                output.send(message)
            assert [received.get(timeout=DEADLINE) for _ in MESSAGES] == MESSAGES


def test_python_rtmidi_sends_to_itself():
    received = queue.Queue()
    midi_in, midi_out = rtmidi.MidiIn(), rtmidi.MidiOut()
    midi_in.set_callback(lambda event, _: received.put(event[0]))
    midi_in.open_virtual_port("raw loop back")
    (number,) = [number for number, name in enumerate(midi_out.get_ports()) if "raw loop back" in name]
    midi_out.open_port(number)
    try:
        midi_out.send_message([0x90, 60, 100])
        assert received.get(timeout=DEADLINE) == [0x90, 60, 100]
    finally:
        midi_out.close_port()
        midi_in.close_port()


def test_a_port_that_is_not_there():
    with pytest.raises(OSError, match="unknown port"):
        mido.open_output("no such port")
