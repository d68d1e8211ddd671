# on-linux-session.sh BINARY PROGRAM: runs each test of a test program on the sequencer that is here, and compares with /known.
# scripts/on-linux starts it in a virtual machine.
status=0 passed=0 failed=0
mkdir -p /tmp /run
ip link set lo up 2>/dev/null || ifconfig lo up
for name in $("$1" --list --format terse 2>/dev/null | sed -n 's/: test$//p'); do
    known=$(sed -n "s/^$2 $name: //p" /known)
    case $known in "not run"*) continue ;; esac
    if ASEQD_TEST_INSIDE=$name timeout 300 "$1" "$name" --exact --nocapture --include-ignored --test-threads=1 >/tmp/out 2>&1; then
        passed=$((passed + 1))
        if [ -n "$known" ]; then
            echo "$name passes, although it is known to fail: $known"
            status=1
        fi
    elif [ -n "$known" ]; then
        failed=$((failed + 1))
    else
        echo "$name failed:"
        grep -v '^$' /tmp/out | tail -n 12
        status=1
    fi
    sed -n 's/.*\(came after .*\)/    \1/p' /tmp/out
done
echo "$passed passed, $failed failed as known"
exit $status
