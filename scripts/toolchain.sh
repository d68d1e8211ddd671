# Sourced by POSIX and bash scripts to check that cargo and a C compiler are installed. They check before cargo reads
# the manifest, since an old cargo only says that it does not understand it.

# need_cargo SCRIPT: ends the script with a sentence if cargo is missing or too old for this workspace.
need_cargo() {
    cargo_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    if cargo_found=$(cargo --version 2>/dev/null); then
        cargo_found=$(echo "$cargo_found" | cut -d' ' -f2)
        [ "$(printf '%s\n' "$cargo_wanted" "$cargo_found" | sort -V | head -n 1)" != "$cargo_wanted" ] || return 0
        cargo_problem="cargo $cargo_found is too old, this needs $cargo_wanted or newer"
    else
        cargo_problem="cargo is not installed, this needs $cargo_wanted or newer"
    fi
    if [ -x "$HOME/.cargo/bin/cargo" ] && [ "$(command -v cargo)" != "$HOME/.cargo/bin/cargo" ]; then
        cargo_cure="put ~/.cargo/bin first in PATH, or run \`rustup update stable\`"
    elif command -v rustup >/dev/null 2>&1; then
        cargo_cure="run \`rustup update stable\`"
    else
        cargo_cure="install it from https://rustup.rs (a distribution's package is often older)"
    fi
    echo "$1: $cargo_problem: $cargo_cure" >&2
    exit 1
}

# need_cc SCRIPT: ends the script with a sentence if there is no C compiler.
need_cc() {
    command -v cc >/dev/null 2>&1 && return 0
    echo "$1: no C compiler (cc) is installed, which cargo links with: as root, \`apt-get install build-essential\` on Debian and Ubuntu, the package gcc elsewhere" >&2
    exit 1
}
