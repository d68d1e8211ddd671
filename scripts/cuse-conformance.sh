#!/bin/sh
# Runs as root on a machine with the module cuse and without a sequencer. Runs the conformance suite through devices
# that `aseqd serve --cuse` makes, and checks these devices. `scripts/conformance` starts it in a virtual machine.
#   cuse-conformance.sh KNOWN > RESULTS
known=$1
say() { echo "cuse: $*" >&2; }
fail() { say "$*"; exit 1; }

serve() { # serve OPTION...: starts a server, and waits until it serves
    # Emptied before the server starts, so that it has no message of an earlier server.
    : >/tmp/serve.log
    aseqd serve --cuse "$@" >>/tmp/serve.log 2>&1 &
    server=$!
    i=0
    until grep -q serving /tmp/serve.log; do
        i=$((i + 1))
        [ $i -lt 200 ] || fail "does not serve: $(cat /tmp/serve.log)"
        sleep 0.05
    done
}
stop() { # stop SIGNAL STATUS: ends the server, and checks its status and that nothing is left
    kill "-$1" $server
    wait $server
    [ $? = "$2" ] || fail "the server ended with another status than $2 after $1"
    if [ -e /dev/snd/seq ] || [ -e /dev/snd/timer ]; then fail "devices are left after $1"; fi
}
numbers() { stat -c '%A %u %g %t:%T' /dev/snd/seq /dev/snd/timer | tr '\n' ' '; }

[ ! -e /dev/snd/seq ] || fail "there is a sequencer"
# If sound modules could be loaded later, the devices leave their numbers free.
serve --mode 0640 --owner 7 --group 9
case $(numbers) in
*" 74:"*) fail "a number of sound is taken where sound may come: $(numbers)" ;;
"crw-r----- 7 9 "*"crw-r----- 7 9 "*) ;;
*) fail "not as asked: $(numbers)" ;;
esac
stop TERM 0
# If they could not, the devices have these numbers.
mv "/lib/modules/$(uname -r)/modules.dep" /tmp/modules.dep
serve
[ "$(numbers)" = "crw-rw---- 0 29 74:1 crw-rw---- 0 29 74:21 " ] || fail "not as Linux: $(numbers)"
for other in "serve --cuse" serve; do
    # shellcheck disable=SC2086
    text=$(aseqd $other 2>&1) && fail "a second $other serves"
    [ "$text" = "aseqd: /dev/snd/seq is served already" ] || fail "$other says $text"
done
# The devices of a killed server vanish with it, and the next server makes them again.
stop KILL 137
serve
status=0
conformance --format plain --known "$known" || status=$?
stop TERM 0
mv /tmp/modules.dep "/lib/modules/$(uname -r)/modules.dep"

# A kernel's sequencer is left alone.
modprobe snd-seq
text=$(aseqd serve --cuse 2>&1) && fail "it serves beside the kernel's"
case $text in *"this machine has a sequencer"*) ;; *) fail "beside the kernel's it says $text" ;; esac
# Without the module the error is one sentence.
modprobe -r snd-seq-dummy snd-seq snd-timer cuse 2>/dev/null
if [ ! -e /dev/cuse ] && [ ! -e /dev/snd/seq ]; then
    text=$(aseqd serve --cuse 2>&1) && fail "it serves without /dev/cuse"
    case $text in *"modprobe cuse"*) ;; *) fail "without /dev/cuse it says $text" ;; esac
    say "checked without /dev/cuse"
fi
exit $status
