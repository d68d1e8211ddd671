"""The same project with the fixture `aseqd`: devices that come and go, and what the sequencer sees."""

import mido


def test_a_keyboard_is_plugged_in_played_and_unplugged(aseqd):
    assert not any("Keyboard" in name for name in mido.get_input_names())
    with aseqd.device("Keyboard") as keyboard:
        (name,) = [name for name in mido.get_input_names() if "Keyboard" in name]
        with mido.open_input(name) as port:
            keyboard.send(b"\x90\x3c\x40")
            assert port.receive() == mido.Message("note_on", note=60, velocity=64)
    assert not any("Keyboard" in name for name in mido.get_input_names())


def test_what_a_program_sends(aseqd):
    with mido.open_output("my output", virtual=True) as output, aseqd.monitor("my output") as heard:
        output.send(mido.Message("program_change", program=5, channel=1))
        assert [event.midi for event in heard.wait(1)] == [b"\xc1\x05"]
