#!/bin/sh
# Stands in for aseqd where aseqd does not work (macOS, Windows, other processors), so that one workflow serves all
# systems: `aseqd run [OPTION...] -- CMD` runs CMD as it is.
if [ "${1:-}" != run ]; then
    echo "aseqd: does nothing on this system; it works on Linux, on x86_64 and aarch64" >&2
    exit 1
fi
shift
while [ $# -gt 0 ]; do
    case $1 in
    --)
        shift
        break
        ;;
    --via | --join | --clients | --color) shift ;;
    -*) ;;
    *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || {
    echo "aseqd: run: no command is named" >&2
    exit 2
}
exec "$@"
