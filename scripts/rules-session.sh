# What scripts/rules does inside of a sequencer, aseqd's or Linux's: sh rules-session.sh TIMES LIMIT_MS PAUSE_MS [GADGETS].
# PAUSE_MS is the time between two devices. With GADGETS, it
# also plugs a USB device of the kernel's in and out as many times. The folders of aseqd and of the example `plugs` are in
# PATH.
set -eu
times=$1 limit=$2 pause=$3 gadgets=${4:-0}
# In memory, as a user's runtime folder is: a disk that is busy would delay what is measured.
shm=/dev/shm
[ -d $shm ] || shm=/tmp
work=$(mktemp -d $shm/rules.XXXXXX)
export XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work/run HOME=$work
failed=0

# begin: starts aseqd rules run, and returns when it follows what happens.
begin() {
    aseqd rules run --quiet --rules "$work/rules.toml" &
    run=$!
    aseqd wait 'aseqd rules:announcements' --timeout 60s
}

cat >"$work/rules.toml" <<END
[[rule]]
from = "Keys"
to = "Synth"
END
begin
plugs "$times" "$limit" "$pause" || failed=1
kill $run
wait $run

if [ "$gadgets" -gt 0 ]; then
    cat >"$work/rules.toml" <<END
[alias]
stage = { usb = "1d6b:0104", serial = "stage-7" }
[[rule]]
from = ".hw"
to = "Other"
[[rule]]
from = "@stage"
to = "Synth"
END
    modprobe dummy_hcd
    modprobe usb_f_midi
    modprobe snd-usb-audio
    modprobe snd-seq-midi
    mount -t configfs none /sys/kernel/config 2>/dev/null || true
    gadget=/sys/kernel/config/usb_gadget/stage
    mkdir "$gadget"
    cd "$gadget"
    echo 0x1d6b >idVendor
    echo 0x0104 >idProduct
    mkdir -p strings/0x409 configs/c.1 functions/midi.0
    echo stage-7 >strings/0x409/serialnumber
    echo 'Stage Piano' >strings/0x409/product
    ln -s functions/midi.0 configs/c.1
    udc=$(ls /sys/class/udc | head -n 1)
    begin
    plugs "$gadgets" "$limit" 0 "Stage Piano" >"$work/watched" 2>&1 &
    watcher=$!
    aseqd wait Synth --timeout 60s
    turn=0
    while kill -0 $watcher 2>/dev/null; do
        echo "$udc" >UDC
        # The kernel plugs it in when it has enumerated it.
        tries=0
        until aseqd ls | grep -q '^ *[0-9]* *Stage Piano' || [ $tries = 100 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        # The last one is over when `plugs` has seen it.
        aseqd wait --connected Synth --timeout 5s 2>/dev/null || true
        [ $turn != 0 ] || aseqd rules --rules "$work/rules.toml" show
        echo '' >UDC
        turn=$((turn + 1))
        # Meanwhile its number is somebody else's.
        [ $turn -lt $((gadgets * 3)) ] || break
    done
    wait $watcher || failed=1
    echo "USB device: $(cat "$work/watched")"
    kill $run
    wait $run
    cd /
fi
rm -rf "$work"
exit $failed
