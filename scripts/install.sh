#!/bin/sh
# scripts/install.sh --for run|test|bench|lint|fuzz|build
#
# Installs what a fresh Debian 12 lacks, and says what. Asks dpkg first, so that a second run needs
# neither the network nor any right. Node packages are installed again only when a lock file changed.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)

# Packages, or command=package where any source of the command will do.
build="gcc libc6-dev make cmake ninja-build pkg-config libfcgi-dev libmodbus-dev libmariadb-dev
	libjansson-dev libcurl4-openssl-dev libjwt-dev libssl-dev libsodium-dev liboath-dev libglib2.0-dev
	libmicrohttpd-dev libcmocka-dev zlib1g-dev libzip-dev libexpat1-dev libxlsxwriter-dev"
run="mariadb-server-core mariadb-client-core nginx=nginx-light node=nodejs npm=npm tzdata
	ca-certificates setpriv=util-linux"
browser="chromium=chromium fonts-noto-cjk"
modem="gammu-smsd gammu"
office="soffice=libreoffice-calc-nogui"
figures="promtool=prometheus"
peers="python3 python3-pymodbus python3-serial-asyncio"
clang="clang-14 libclang-rt-14-dev"
lint="clang-14 clang-tidy-14 clang-format-14 cppcheck"

say() {
	echo "install: $*" >&2
}

fail() {
	say "$*"
	exit 1
}

# Prints the packages of a list that are not there.
missing() {
	for item in "$@"; do
		package=${item#*=}
		case $item in
		*=*) if PATH=$PATH:/usr/sbin command -v "${item%%=*}" >/dev/null; then continue; fi ;;
		esac
		if ! dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed'; then
			echo "$package"
		fi
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "run this as root, or install sudo, then try again: $*"
	fi
}

# Our parts run their own server processes: packages must not start theirs beside them.
apt_install() {
	say "apt installs: $*"
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root env DEBIAN_FRONTEND=noninteractive sh -c '
		policy=/usr/sbin/policy-rc.d
		if [ ! -e $policy ]; then
			trap "rm -f $policy" EXIT
			printf "#!/bin/sh\nexit 101\n" >$policy
			chmod 755 $policy
		fi
		apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' apt "$@"
}

system_packages() {
	# shellcheck disable=SC2086 # lists of words
	lacking=$(missing $1)
	if [ -n "$lacking" ]; then
		# shellcheck disable=SC2086
		apt_install $lacking
	fi
}

# npm leaves out optional packages that the running Node is too old for, among them the native half of
# the bundler, and Debian 12's Node is too old. So npm ci runs once more under the pinned Node that it
# has just brought. Debian's npm finds its parts in /usr/share/nodejs only with Debian's own Node.
npm_ci() {
	npm ci --no-audit --no-fund --prefer-offline "$@"
}

npm_ci_pinned() {
	tools=$root/build/toolchain
	if [ ! -x "$tools/node" ]; then
		mkdir -p "$tools"
		(cd "$root/www" && npm_ci --loglevel=error) || return 1
		cp "$root/www/node_modules/node/bin/node" "$tools/node"
	fi
	npm=$(readlink -f "$(command -v npm)")
	PATH=$tools:$PATH NODE_PATH=/usr/share/nodejs:/usr/lib/$(uname -m)-linux-gnu/nodejs \
		"$tools/node" "$npm" ci --no-audit --no-fund --prefer-offline
}

node_is_old() {
	major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
	[ "$major" -lt 20 ]
}

# npm ci where the lock file is not the one that was installed last.
node_packages() {
	folder=$root/$1
	stamp=$folder/node_modules/.installed
	[ -f "$folder/package-lock.json" ] || return 0
	lock=$(sha256sum <"$folder/package-lock.json")
	if [ "$(cat "$stamp" 2>/dev/null)" = "$lock" ]; then return 0; fi
	say "npm installs the packages of $1"
	(
		cd "$folder"
		if node_is_old; then npm_ci_pinned; else npm_ci; fi
	) || fail "npm ci in $1 failed; it needs the network when a lock file is new"
	echo "$lock" >"$stamp"
}

case "${1:-} ${2:-}" in
"--for build") system_packages "$build" ;;
"--for run")
	system_packages "$build $run"
	node_packages www
	;;
"--for test")
	system_packages "$build $run $browser $modem $office $figures"
	node_packages www
	node_packages tests/e2e
	;;
"--for bench")
	system_packages "$build $run $browser $peers"
	node_packages www
	node_packages tests/e2e
	node_packages bench/peers
	node_packages bench/lighthouse
	;;
"--for lint") system_packages "$build $lint" ;;
"--for fuzz") system_packages "$build $clang" ;;
*) fail "usage: install.sh --for run|test|bench|lint|fuzz|build" ;;
esac
