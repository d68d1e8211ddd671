#!/bin/sh
# Runs inside a sequencer with UMP, where alsa-utils 1.2.14 or later and aseqd are: sends, plays and records packets, and
# prints what each program makes of them. What changes from run to run is left out: numbers of clients and processes.
# $1 is a MIDI file, $2 a folder for what it writes.
set -eu
song=$1
out=$2

# number NAME: waits until there is one client with this name, and prints its number.
number() {
    tries=0
    until found=$(aconnect -l | sed -n "s/^client \([0-9]*\): '$1'.*/\1/p") && [ -n "$found" ]; do
        tries=$((tries + 1))
        [ $tries -le 400 ] || { echo "no $1 comes" >&2; exit 1; }
        sleep 0.05
    done
    echo "$found"
}

# gone NAME: waits until no client has this name.
gone() {
    while aconnect -l | grep -q "^client [0-9]*: '$1'"; do sleep 0.05; done
}

# listen VERSION VIEW: starts aseqdump, which writes what it gets to a file.
listen() {
    stdbuf -oL aseqdump -u "$1" "$2" >"$out/dump" &
    dump=$!
    to=$(number aseqdump)
}

# heard TITLE: ends aseqdump and prints what it got, except that ports were connected to it.
heard() {
    # What was sent last is on its way through a pipe.
    sleep 0.2
    kill -INT $dump
    wait $dump || true
    gone aseqdump
    echo "== $1"
    sed -n '/Port .*subscribed/d; s/^ *[0-9]*:\([0-9]*\) /N:\1 /p' "$out/dump"
}

# A note, a controller, a bend, a program with its bank, a note of MIDI 1.0, a clock, a bend of one note, a registered
# parameter, and a SysEx.
packets="40 93 3c 00 c0 00 00 00 40 b3 07 00 80 00 00 01 40 e3 00 00 ff ff ff ff
42 c4 00 01 05 00 01 02 20 95 40 64 10 f8 00 00 40 60 3c 00 90 00 00 00 40 23 00 05 12 34 56 78
30 04 7e 7f 09 01 00 00"
packets=$(echo "$packets" | tr '\n' ' ')
for version in 0 1 2; do
    listen $version -R
    for from in 1 2; do
        aseqsend -u $from -p "$to" "$packets"
    done
    heard "aseqsend -u to aseqdump -u $version"
    listen $version -R
    aseqd send --ump "$to" "$packets"
    heard "aseqd send --ump to aseqdump -u $version"
done

aseqd monitor --ump --count 9 >"$out/monitor" &
monitor=$!
to=$(number 'aseqd monitor')
aconnect -l | sed -n "s/^client [0-9]*: 'aseqd monitor' \(.*\)pid=.*/aconnect -l: \1/p"
aseqsend -u 2 -p "$to" "$packets"
wait $monitor
echo "== aseqsend -u 2 to aseqd monitor --ump"
sed -n 's/^[0-9]*:\([0-9]*\) */N:\1 /p' "$out/monitor"

listen 2 -N
aplaymidi -d 0 -p "$to" "$song"
heard "aplaymidi to aseqdump -u 2"

for version in 1 2; do
    file=$out/song$version.midi2
    arecordmidi2 -s -u $version -p 14:0 "$file" &
    recorder=$!
    number arecordmidi2 >/dev/null
    aplaymidi -d 0 -p 14:0 "$song"
    if [ $version = 2 ]; then
        aconnect -l | sed -n "/'arecordmidi2'/,\$p" | sed "s/^client [0-9]*\(.*\)pid=.*/client N\1/" | head -n 4
    fi
    kill -INT $recorder
    wait $recorder || true
    gone arecordmidi2
    echo "== arecordmidi2 -u $version: $(head -c 8 "$file")"
    listen $((2 - 2 * (version - 1))) -R
    aplaymidi2 -s -d 0 -p "$to" "$file"
    heard "aplaymidi2"
done
for version in 0 2; do
    listen $version -R
    aseqd play --quiet -p "$to" "$out/song2.midi2"
    heard "aseqd play of a recording of MIDI 2.0 to aseqdump -u $version"
done
