//! MIDI bytes to events and back.
