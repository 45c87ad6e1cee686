#!/usr/bin/env bash
# Python and the locked packages, in .venv. Does nothing when they are there already.
#
# Needs python3 >= 3.11 and, once, the network. Takes uv from PATH if there is one, else puts it into .tools/.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
    printf '\nCannot go on: %s\n' "$*" >&2
    exit 1
}

# The place is part of it: the environment knows its own path, so a copy elsewhere needs one of its own.
wanted="$({ pwd; cat requirements.lock pyproject.toml deploy/local/setup.sh; } | sha256sum | cut -d' ' -f1)"
stamp=.venv/.installed

installed() {
    [ "$(cat "$stamp" 2> /dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2> /dev/null
}

installed && exit 0

python="$(command -v "${PYTHON:-python3}" || true)"
[ -n "$python" ] || fail "python3 is not installed; Python 3.11 or newer is needed (apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Python 3.11 or newer is needed. Name another one: make setup PYTHON=python3.12"

mkdir -p .tools 2> /dev/null || fail "cannot write to $PWD"
exec 9> .tools/lock
if command -v flock > /dev/null && ! flock -n 9; then
    echo "Another set-up is at work here; waiting for it ..."
    flock 9
fi
installed && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_venv() {
    local package
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if ! command -v apt-get > /dev/null || ! { [ "$(id -u)" = 0 ] || sudo -n true 2> /dev/null; }; then
        fail "python3 cannot make virtual environments. Run this, then try again:

    sudo apt-get install --no-install-recommends $package"
    fi
    echo "Installing $package with apt-get"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
}

find_uv() {
    if uv --version > /dev/null 2>&1; then
        uv=uv
        return
    fi
    uv=.tools/uv/bin/uv
    "$uv" --version > /dev/null 2>&1 && return
    "$python" -c 'import ensurepip, venv' 2> /dev/null || install_venv
    echo "Installing uv into .tools"
    rm -rf .tools/uv
    "$python" -m venv .tools/uv
    .tools/uv/bin/pip install -q --disable-pip-version-check uv || fail "uv could not be installed; is the network there?"
}

find_uv
echo "Installing Python packages into .venv"
.venv/bin/python -c '' 2> /dev/null || "$uv" venv -q --clear --python "$python" .venv
rm -f "$stamp"
export VIRTUAL_ENV="$PWD/.venv"
"$uv" pip sync -q --require-hashes --compile-bytecode requirements.lock || fail "the packages could not be installed"
"$uv" pip install -q --no-deps -e . || fail "the project itself could not be installed"
echo "$wanted" > "$stamp"
