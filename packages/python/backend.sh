# shellcheck shell=bash
# Sourced by the builds of Python packages: the build backend, hatchling. They set $root, the folder of the sources, and
# define `die`.

# pep_440 VERSION: prints a version as Python writes it: 1.2.0-rc.1 is 1.2.0rc1.
pep_440() { sed -E 's/-(alpha|beta|rc)\.?/\1/; s/alpha/a/; s/beta/b/' <<<"$1"; }

# backend: installs hatchling with pip into target/python-build, unless it is there.
backend() {
    local wanted=$root/packages/python/requirements-build.txt
    tools=$(cd "$root" && realpath -m "${CARGO_TARGET_DIR:-target}")/python-build
    cmp -s "$wanted" "$tools/requirements" && return
    rm -rf "$tools"
    python3 -m venv "$tools" || die "python3 cannot make a virtual environment (Debian: python3-venv)"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$wanted" ||
        die "pip could not install hatchling"
    cp "$wanted" "$tools/requirements"
}

# hatchling ARGUMENT...: runs it, after `backend`.
hatchling() { "$tools/bin/python" -m hatchling "$@"; }
