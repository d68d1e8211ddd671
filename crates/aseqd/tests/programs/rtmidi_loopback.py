"""Sends messages from an output of python-rtmidi to an input, both ways round, and checks them."""

import queue
import sys

import rtmidi

DEADLINE = 60
MESSAGES = [
    [0x90, 60, 100],
    [0x80, 60, 64],
    [0xB3, 7, 127],
    [0xC5, 12],
    [0xD6, 33],
    [0xE2, 0, 64],
    [0xF0, 0x7E, 0x7F, 0x06, 0x01, 0xF7],
    # Longer than an event, and than rtmidi's first buffer.
    [0xF0] + [i % 128 for i in range(600)] + [0xF7],
]


def loopback(virtual_input):
    api = rtmidi.API_LINUX_ALSA
    source = rtmidi.MidiOut(api, name="source")
    sink = rtmidi.MidiIn(api, name="sink")
    assert source.get_current_api() == api
    sink.ignore_types(sysex=False, timing=False, active_sense=False)
    heard = queue.Queue()
    sink.set_callback(lambda event, _: heard.put(event[0]))
    (sink if virtual_input else source).open_virtual_port("virtual")
    other = source if virtual_input else sink
    names = other.get_ports()
    index = next(i for i, name in enumerate(names) if ":virtual " in name)
    other.open_port(index)
    for message in MESSAGES:
        source.send_message(message)
        found = heard.get(timeout=DEADLINE)
        assert found == message, (message, found)
    for message in MESSAGES:
        source.send_message(message)
    found = [heard.get(timeout=DEADLINE) for _ in MESSAGES]
    assert found == MESSAGES, found
    assert heard.empty()
    sink.cancel_callback()
    sink.delete()
    source.delete()


loopback(True)
loopback(False)
left = rtmidi.MidiOut(rtmidi.API_LINUX_ALSA).get_ports()
assert len(left) == 1, left
print(f"all of {len(MESSAGES)} messages")
sys.stdout.flush()
