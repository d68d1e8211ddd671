#!/bin/sh
# Inside a sequencer: plays $1 into Midi Through, and prints what comes out of it.
set -eu
song=$1
dump=
clean() { [ -z "$dump" ] || rm -rf "$dump"; }
trap clean EXIT
if command -v aplaymidi >/dev/null 2>&1 && command -v aseqdump >/dev/null 2>&1; then
    echo "playing $song with aplaymidi (alsa-utils) through Midi Through into aseqdump and aseqd monitor"
    dump=$(mktemp -d)
    # Line by line, and without the first two lines of explanation.
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
# Both must listen before the first note.
wanted=1
[ -z "$listener" ] || wanted=2
tries=0
while [ "$(aseqd ls --json | grep '"port":"14:0"' | grep -o '"sender":"14:0"' | wc -l)" -lt $wanted ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "the listeners did not connect" >&2; exit 1; }
    sleep 0.02
done
$player "$song"
kill -INT $monitor
wait $monitor
if [ -n "$listener" ]; then
    kill $listener 2>/dev/null || true
    wait $listener 2>/dev/null || true
    echo "aseqdump saw $(($(wc -l <"$dump/events") - 2)) events"
fi
