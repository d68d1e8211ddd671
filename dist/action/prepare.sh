#!/usr/bin/env bash
# Makes the runner fit for the best door, where it may. Never fails: aseqd has other doors. Reads
#   ASEQD_TUNE        true or false
#   ASEQD_ALSA_UTILS  true or false
set -euo pipefail

root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

if [ "${ASEQD_TUNE:-true}" = true ]; then
    # Ubuntu 24.04 and later: a user namespace may not mount, unless this says so.
    restrict=${ASEQD_PROC:-/proc}/sys/kernel/apparmor_restrict_unprivileged_userns
    if [ -e "$restrict" ] && [ "$(cat "$restrict")" = 1 ]; then
        echo 0 | root tee "$restrict" >/dev/null ||
            echo "::notice title=aseqd::user namespaces stay restricted; another door is used"
    fi
    if [ ! -e /dev/fuse ] && command -v modprobe >/dev/null; then
        root modprobe fuse 2>/dev/null || true
    fi
fi
if [ "${ASEQD_ALSA_UTILS:-false}" = true ] && ! command -v aplaymidi >/dev/null; then
    root apt-get update -qq
    root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends alsa-utils ||
        { echo "::error title=aseqd::alsa-utils cannot be installed"; exit 1; }
fi
