"""MIDI bytes to events and back, without a sequencer."""

import pytest

from aseqd import Event, EventType

MESSAGES = {
    "80 3c 40": Event.note_off(60),
    "93 3c 7f": Event.note_on(60, 127, channel=3),
    "a0 3c 01": Event(EventType.KEYPRESS, note=60, velocity=1),
    "bf 07 64": Event.control_change(7, 100, channel=15),
    "c1 05": Event.program_change(5, channel=1),
    "d0 09": Event(EventType.CHANPRESS, value=9),
    "e0 00 00": Event.pitch_bend(-8192),
    "e0 00 40": Event.pitch_bend(0),
    "e0 7f 7f": Event.pitch_bend(8191),
    "f0 7e 7f 09 01 f7": Event.sysex(b"\x7e\x7f\x09\x01"),
    "f0 f7": Event.sysex(b""),
    "f1 23": Event(EventType.QFRAME, value=0x23),
    "f2 01 02": Event(EventType.SONGPOS, value=257),
    "f3 05": Event(EventType.SONGSEL, value=5),
    "f6": Event(EventType.TUNE_REQUEST),
    "f8": Event(EventType.CLOCK),
    "fa": Event(EventType.START),
    "fb": Event(EventType.CONTINUE),
    "fc": Event(EventType.STOP),
    "fe": Event(EventType.SENSING),
    "ff": Event(EventType.RESET),
}


@pytest.mark.parametrize(("text", "event"), MESSAGES.items())
def test_each_message_is_an_event_and_back(text: str, event: Event) -> None:
    data = bytes.fromhex(text)
    assert Event.from_midi(data) == [event]
    assert event.midi == data


def test_all_messages_in_one_stream() -> None:
    stream = bytes.fromhex("".join(MESSAGES))
    assert Event.from_midi(stream) == list(MESSAGES.values())


def test_running_status_and_real_time_inside_of_messages() -> None:
    events = Event.from_midi(bytes.fromhex("90 3c f8 40 3e 41 f0 01 fe 02 f7"))
    assert [event.midi.hex() for event in events] == ["f8", "903c40", "903e41", "fe", "f00102f7"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("3c 40", "no status byte"),
        ("90 3c", "not complete"),
        ("f0 01 02", "no F7"),
        ("f0 01 90 3c 40", "cut off"),
        ("90 80 3c 40", "cut off"),
        ("f4", "no status byte of MIDI"),
        ("f9", "no status byte of MIDI"),
        ("90 3c 40 f6 3c 40", "no status byte"),
    ],
)
def test_what_is_no_midi_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Event.from_midi(bytes.fromhex(text))


def test_controllers_of_14_bits_are_several_messages() -> None:
    assert Event(EventType.CONTROL14, param=1, value=0x81).midi.hex(" ") == "b0 01 01 b0 21 01"
    assert (
        Event(EventType.REGPARAM, channel=2, param=0, value=256).midi.hex(" ") == "b2 65 00 b2 64 00 b2 06 02 b2 26 00"
    )
    assert Event(EventType.NONREGPARAM, param=130, value=1).midi.hex(" ") == "b0 63 01 b0 62 02 b0 06 00 b0 26 01"


def test_events_that_are_no_midi_have_no_bytes() -> None:
    assert Event(EventType.PORT_START).midi == b""


def test_values_out_of_range_are_refused() -> None:
    for make, arguments in (
        (Event.note_on, (128,)),
        (Event.note_on, (0, 1, 16)),
        (Event.note_off, (0, -1)),
        (Event.program_change, (128,)),
        (Event.control_change, (0, 128)),
        (Event.pitch_bend, (8192,)),
    ):
        with pytest.raises(ValueError, match=r"not|0 to 127"):
            make(*arguments)
    with pytest.raises(ValueError, match="0 to 127"):
        Event.sysex(b"\x80")


def test_text_of_an_event_has_what_it_means() -> None:
    assert repr(Event.note_on(60, 100)) == "<Event NOTEON channel=0 note=60 velocity=100>"
    assert repr(Event.sysex(b"\x01")) == "<Event SYSEX f0 01 f7>"
