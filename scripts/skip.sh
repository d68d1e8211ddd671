# Sourced by POSIX and bash scripts, to say what they do not check here, and why. The message goes to standard error,
# and to the file that ASEQD_SKIPS names, from which scripts/test prints its table. Tests in Rust do the same with the
# crate tests/skip.

# skip WHAT WHY: says that something is not checked.
skip() {
    echo "skipped: $1: $2" >&2
    [ -z "${ASEQD_SKIPS:-}" ] || printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\n\t' '  ')" >>"$ASEQD_SKIPS"
}
