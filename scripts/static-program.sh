# shellcheck shell=bash
# Sourced by bash scripts that need the program as users get it: linked statically.

# static_program DIR WHAT: puts the program of this machine's architecture into DIR/ARCH/aseqd. It is that of the folder
# ASEQD_BIN, or is built with Rust's target for musl. Without both, it says that WHAT is skipped, and returns 1.
static_program() {
    local arch target
    arch=$(uname -m)
    target=$arch-unknown-linux-musl
    mkdir -p "$1/$arch"
    if [ -n "${ASEQD_BIN:-}" ]; then
        cp "$ASEQD_BIN/$arch/aseqd" "$1/$arch/aseqd"
    elif [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        cargo build --quiet --locked --target "$target" -p aseqd || exit 1
        cp "${CARGO_TARGET_DIR:-target}/$target/debug/aseqd" "$1/$arch/aseqd"
    else
        skip "$2" "there is no static program: run \`rustup target add $target\`"
        return 1
    fi
}
