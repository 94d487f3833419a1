#!/usr/bin/env bash
# Installs the system packages that are missing, with apt.
#
#   scripts/install-system.sh python   a Python that can make virtual environments
#   scripts/install-system.sh tests    that, and the programs the tests compare us with
#
# Without the right to install it prints the command and exits 3.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()

need() {
    command -v "$1" >/dev/null || missing+=("$2")
}

need_python() {
    local python
    if ! python=$(scripts/find-python.sh); then
        missing+=(python3 python3-venv)
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian takes ensurepip out of its Python and names the package after the version.
        missing+=("python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv")
    fi
}

need_python
case "${1:-}" in
python) ;;
tests)
    need xmlsec1 xmlsec1
    need xmllint libxml2-utils
    # Verifies our signatures, and makes some for us to verify; Debian's default is new enough.
    need javac default-jdk-headless
    need node nodejs
    need npm npm
    # Debian keeps the server's own programs here; what is in /usr/sbin switches the user.
    need /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server
    # Its programs are in a folder per version, not on the PATH.
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb postgresql
    need softhsm2-util softhsm2
    # Servers are in /usr/sbin, which is not on everybody's PATH.
    PATH=$PATH:/usr/sbin need mariadbd mariadb-server
    # Tries the alert rules; 20 MB to fetch.
    need promtool prometheus
    # Looks at the console's pages; Debian's own browser, in Debian's own fonts.
    need chromium chromium fonts-noto-core
    ;;
*)
    echo "usage: $0 python|tests" >&2
    exit 2
    ;;
esac

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
command="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]}. Install them with this system's package manager." >&2
    exit 3
elif [ "$(id -u)" -eq 0 ]; then
    as_root=(env DEBIAN_FRONTEND=noninteractive)
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
else
    echo "Missing: ${missing[*]}. Run this, then try again:" >&2
    echo "    sudo apt-get update && sudo $command" >&2
    exit 3
fi
# Tests start servers of their own; the service of a package must not begin to run here.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
# Nor is a database cluster wanted that would begin with the next start of the machine.
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" |
        "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/no-main.conf >/dev/null
fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
# shellcheck disable=SC2086 # the command is words
"${as_root[@]}" $command -qq >/dev/null
