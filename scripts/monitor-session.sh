# What scripts/monitor does inside of a sequencer, aseqd's or Linux's: sh monitor-session.sh EVENTS EVERY RATE SECONDS.
# Each EVERY-th of the EVENTS is a SysEx of 64 KiB. The folder of aseqd and of the example `rate` is in PATH.
set -eu
events=$1 every=$2 rate=$3 seconds=$4
work=$(mktemp -d)
cd "$work"
failed=0

# until_lines COUNT FILE: waits until a file has as many lines, for as long as it grows.
until_lines() {
    last=-1 still=0
    while [ $still -lt 100 ]; do
        lines=$(wc -l <"$2")
        [ "$lines" -lt "$1" ] || return 0
        if [ "$lines" = "$last" ]; then still=$((still + 1)); else still=0; fi
        last=$lines
        sleep 0.1
    done
}

# A file of messages, as `aseqd port` prints them.
awk -v events="$events" -v every="$every" 'BEGIN {
    for (number = 0; number < 127; number++) body = body sprintf(" %02X", number)
    while (length(body) < 3 * 65533) body = body body
    body = substr(body, 1, 3 * 65533)
    for (number = 0; number < events; number++) {
        channel = sprintf("%X", int(number / 7) % 16)
        key = sprintf("%02X", int(number / 3) % 128)
        value = sprintf("%02X", number % 127 + 1)
        kind = number % 6
        if (number % every == every - 1) print "F0 " key body " F7"
        else if (kind == 0) print "9" channel " " key " " value
        else if (kind == 1) print "8" channel " " key " " value
        else if (kind == 2) print "B" channel " 07 " value
        else if (kind == 3) print "C" channel " " key
        else if (kind == 4) print "E" channel " " key " " value
        else print "F8"
    }
}' >messages

# send --file, to monitor, whose text goes to send -, which sends to a port.
mkfifo input text
aseqd port Sink --output <input >received &
sink=$!
exec 9>input
aseqd wait Sink
aseqd monitor >text 9>&- &
monitor=$!
aseqd send Sink - <text 9>&- &
send=$!
aseqd wait 'aseqd monitor:monitor'
begin=$(date +%s)
aseqd send 'aseqd monitor:monitor' --file messages
until_lines "$events" received
took=$(($(date +%s) - begin))
kill -INT $monitor
wait $monitor $send
exec 9>&-
wait $sink
if cmp messages received; then lost=0; else lost="not all, or not the same" failed=1; fi
echo "monitor | send: $events events, $((events / every)) of them SysEx of 64 KiB, $took s, lost: $lost"
rm -f received messages

# The same notes to monitor and to aseqdump.
: >monitored >dumped
listeners=1
! command -v aseqdump >/dev/null || listeners=2
rate $((rate * seconds)) "$rate" $listeners >sent &
sender=$!
aseqd wait rate
aseqd monitor rate >monitored 2>said &
monitor=$!
if [ $listeners = 2 ]; then
    aseqdump -p rate >dumped &
    dump=$!
fi
wait $sender
read -r sent took <sent
until_lines $((sent + 2)) monitored
kill -INT $monitor
wait $monitor
shown=$(grep -c NOTEON monitored || true)
left_out=$(sed -n 's/^aseqd: \([0-9]*\) events were left out.*/\1/p' said)
told=$(grep -c 'events were lost' said || true)
echo "monitor: $rate events a second, $sent in $took s, $shown shown, ${left_out:-0} counted as left out, $told times told of loss"
if [ $((shown + ${left_out:-0})) != "$sent" ] && [ "$told" = 0 ]; then
    echo "monitor has lost events without a word"
    failed=1
fi
if [ $listeners = 2 ]; then
    kill -INT $dump
    wait $dump || true
    echo "aseqdump: $(grep -c 'Note on' dumped || true) shown of the same"
fi
cd /
rm -rf "$work"
exit $failed
