#!/bin/sh
# Runs alsa-utils under strace on the sequencer that it finds, and prints the calls that they make on it, without
# what differs from run to run: addresses, client and process numbers, times.
# Usage: strace-session.sh SONG.mid
set -u
song=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# Prints the calls on the descriptor that the open of the sequencer has returned.
calls() {
    awk '
        /openat\(.*"\/dev\/snd\/seq"/ { print "open", ($0 ~ /O_RDWR/ ? "rdwr" : $0 ~ /O_WRONLY/ ? "wronly" : "rdonly"), ($0 ~ /O_NONBLOCK/ ? "nonblock" : ""), ($0 ~ /= -1/ ? "failed" : ""); fd = $NF; next }
        fd == "" { next }
        $0 ~ "^ioctl\\(" fd ", " || $0 ~ "^(read|write|close|fcntl)\\(" fd "[,)]" { print; next }
        $0 ~ "^poll\\(\\[\\{fd=" fd "," { print; next }
    ' "$1" | sed -E \
        -e 's/0x[0-9a-f]{6,}/PTR/g' \
        -e 's/^(read|write)\([0-9]+, .*, ([0-9]+)\)/\1(FD, \2)/' \
        -e 's/^(ioctl|close|fcntl)\([0-9]+/\1(FD/' \
        -e 's/^poll\(.*events=([A-Z|]+).*revents=([A-Z|]+).*/poll(\1) = \2/' \
        -e 's/ +$//'
}
traced() {
    name=$1
    shift
    strace -o "$name.trace" -e trace=openat,ioctl,read,write,close,poll,fcntl "$@" >"$name.out" 2>&1
    echo "== $name: status $?"
    calls "$name.trace"
}
# Starts a listener in the background, and waits until it is connected.
background() {
    name=$1
    shift
    strace -o "$name.trace" -e trace=openat,ioctl,read,write,close,poll,fcntl "$@" >"$name.out" 2>&1 &
    listener=$!
    tries=0
    while ! grep -q "SUBSCRIBE_PORT.*= 0" "$name.trace" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 500 ] || break
        sleep 0.02
    done
}
finish() {
    # The listener has read everything once it has made no call for half a second.
    size=0
    still=0
    tries=0
    while [ $still -lt 5 ] && [ $tries -lt 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
        now=$(wc -c <"$1.trace")
        if [ "$now" = "$size" ]; then still=$((still + 1)); else still=0; fi
        size=$now
    done
    # strace ends with the program that it traces.
    child=$(grep -ls "^PPid:[[:space:]]*$listener\$" /proc/[0-9]*/status | head -n 1 | cut -d/ -f3)
    kill -INT "$child"
    wait $listener
    echo "== $1"
    # The number of events in each read depends on time; their sum does not.
    calls "$1.trace" | grep -v '^poll' | awk '
        /^read/ { n = $NF; if (n > 0) bytes += n; else other = other $0 "\n"; next }
        { print }
        END { print "read: " bytes " bytes" }'
}

traced aconnect-l aconnect -l
traced aconnect-io aconnect -i -o
traced aplaymidi-l aplaymidi -l
traced aconnect-loop aconnect 14:0 14:0
traced aconnect-again aconnect 14:0 14:0
traced aconnect-cut aconnect -d 14:0 14:0
traced aconnect-none aconnect 14:0 99:7
background aseqdump aseqdump -p 14:0
traced aplaymidi aplaymidi -p 14:0 "$song"
finish aseqdump
background arecordmidi arecordmidi -p 14:0 recorded.mid
traced aplaymidi-recorded aplaymidi -p 14:0 "$song"
finish arecordmidi
