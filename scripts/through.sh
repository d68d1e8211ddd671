#!/bin/sh
# Runs inside a sequencer: plays $1 into Midi Through, and prints what comes out of it.
set -eu
song=$1
dump=
clean() { [ -z "$dump" ] || rm -rf "$dump"; }
trap clean EXIT
if command -v aplaymidi >/dev/null 2>&1 && command -v aseqdump >/dev/null 2>&1; then
    echo "playing $song with aplaymidi (alsa-utils) through Midi Through into aseqdump and aseqd monitor"
    dump=$(mktemp -d)
    # stdbuf makes it write line by line.
    stdbuf -oL aseqdump -p 14:0 >"$dump/events" &
    listener=$!
    player="aplaymidi -p 14:0"
else
    echo "alsa-utils is not installed: playing $song with aseqd play through Midi Through into aseqd monitor"
    listener=
    player="aseqd play --quiet -p 14:0"
fi
aseqd monitor --lateness -p 14:0 &
monitor=$!
# Both listeners must be connected before the first note.
aseqd wait --connected --timeout 30s 'aseqd monitor'
[ -z "$listener" ] || aseqd wait --connected --timeout 30s aseqdump
$player "$song"
kill -INT $monitor
wait $monitor
if [ -n "$listener" ]; then
    kill $listener 2>/dev/null || true
    wait $listener 2>/dev/null || true
    echo "aseqdump saw $(($(wc -l <"$dump/events") - 2)) events"
fi
