#!/usr/bin/env bash
# Puts aseqd on the PATH of the steps that follow: a release if there is one, else built from the source
# that the action came with. Reads inputs from the environment:
#   ASEQD_METHOD   auto, release or source
#   ASEQD_VERSION  a release's tag; empty: the one by which the action is used, which is
#   ASEQD_REF      of
#   ASEQD_REPOSITORY
# and what the runner says: GITHUB_ACTION_PATH, GITHUB_SERVER_URL, RUNNER_TEMP, GITHUB_PATH, GITHUB_OUTPUT.
set -euo pipefail

method=${ASEQD_METHOD:-auto}
version=${ASEQD_VERSION:-}
tag=${version:-${ASEQD_REF:-}}
source=${GITHUB_ACTION_PATH:?}
folder=${RUNNER_TEMP:?}/aseqd/bin
fail() { echo "::error title=aseqd::$*"; exit 1; }

case $method in
auto | release | source) ;;
*) fail "method is auto, release or source, not '$method'" ;;
esac
[ "$(uname -s)" = Linux ] || fail "aseqd runs on Linux, not on $(uname -s)"
mkdir -p "$folder"

# release: takes a release's archive and its checksum. Says why not.
release() {
    local work name base
    [ -n "$tag" ] || { echo "no version is named"; return 1; }
    [ -n "${ASEQD_REPOSITORY:-}" ] || { echo "the action has no repository"; return 1; }
    work=$(mktemp -d)
    name=aseqd-$tag-$(uname -m)-linux.tar.gz
    base=${GITHUB_SERVER_URL:-https://github.com}/$ASEQD_REPOSITORY/releases/download/$tag
    for file in "$name" "$name.sha256"; do
        curl --fail --silent --show-error --location --retry 3 --output "$work/$file" "$base/$file" ||
            { echo "$base/$file cannot be had"; return 1; }
    done
    (cd "$work" && sha256sum --check --strict "$name.sha256" >/dev/null) ||
        { echo "$name is not what its checksum says"; return 2; }
    tar -xzf "$work/$name" -C "$folder" --strip-components=1 --wildcards '*/aseqd' ||
        { echo "$name has no aseqd"; return 2; }
    rm -rf "$work"
}

build() {
    command -v cargo >/dev/null || fail "there is no cargo to build aseqd with; name a release, or install Rust first"
    cargo build --release --locked --package aseqd --manifest-path "$source/Cargo.toml" \
        --target-dir "${CARGO_TARGET_DIR:-$RUNNER_TEMP/aseqd/target}"
    cp "${CARGO_TARGET_DIR:-$RUNNER_TEMP/aseqd/target}/release/aseqd" "$folder/aseqd"
}

if [ "$method" = source ]; then
    build
else
    status=0
    why=$(release) || status=$?
    if [ $status = 1 ] && [ "$method" = auto ] && [ -z "$version" ]; then
        echo "no release ($why): building"
        build
    elif [ $status != 0 ]; then
        fail "$why"
    fi
fi

chmod +x "$folder/aseqd"
printed=$("$folder/aseqd" --version) || fail "aseqd does not run on this machine"
echo "$folder" >>"${GITHUB_PATH:?}"
{
    echo "path=$folder/aseqd"
    echo "version=${printed#aseqd }"
} >>"${GITHUB_OUTPUT:?}"
echo "$printed"
