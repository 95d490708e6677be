# Installs what is missing on Debian 12. Sourced by ./dev, which sets ROOT, say() and die().
# The rule: look before touching. With everything in place no command but dpkg-query runs.

BOOST_VERSION=1.81
BOOST_PRIVATE="$ROOT/build/boost"  # see unpack_boost

packages_of() {  # group
  awk -v group="$1" '$1 == group { print $2 }' "$ROOT/tools/packages.txt"
}

is_installed() {  # package
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_node() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 18 ]
}

missing_packages() {  # group…
  local group package
  for group in "$@"; do
    if [ "$group" = node ] && has_node; then continue; fi
    for package in $(packages_of "$group"); do
      is_installed "$package" || echo "$package"
    done
  done
}

# The command line of apt-get, as root or through sudo.
apt() {
  local -a as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

# Lists older than a day name files that mirrors have already replaced.
refresh_package_lists() {
  local fresh
  fresh=$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null | head -1)
  if [ -n "$fresh" ]; then return; fi
  say "apt-get update"
  apt update -q || say "apt-get update failed; going on with the package lists at hand"
}

# Debian's -dev packages of two Boost versions exclude each other. Where another one is installed it stays, and ours is
# unpacked into the build tree instead.
has_other_boost() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'libboost[0-9]*-dev' 2>/dev/null |
    grep -E '^installed libboost[0-9.]+-dev$' | grep -qv " libboost$BOOST_VERSION-dev$"
}

unpack_boost() {
  [ ! -e "$BOOST_PRIVATE/.complete" ] || return 0
  refresh_package_lists
  say "another Boost is installed and stays; unpacking Boost $BOOST_VERSION into build/boost"
  rm -rf "$BOOST_PRIVATE" && mkdir -p "$BOOST_PRIVATE/packages"
  (
    cd "$BOOST_PRIVATE/packages"
    local library
    # shellcheck disable=SC2046  # the names are words
    apt-get download -q "libboost$BOOST_VERSION-dev" \
      $(for library in json container system; do
          echo "libboost-$library$BOOST_VERSION-dev" "libboost-$library$BOOST_VERSION.0"
        done)
    local archive
    for archive in *.deb; do dpkg-deb -x "$archive" "$BOOST_PRIVATE"; done
  ) || die "Boost $BOOST_VERSION could not be downloaded from the package mirror; the lines above say why."
  touch "$BOOST_PRIVATE/.complete"
}

# Arguments that make CMake find the unpacked Boost, if there is one.
boost_cmake_arguments() {
  local directory
  [ -e "$BOOST_PRIVATE/.complete" ] || return 0
  directory=$(find "$BOOST_PRIVATE/usr/lib" -type d -name 'Boost-1.*' | head -1)
  echo "-DBoost_DIR=$directory"
}

refuse_to_install() {  # reason, package…
  local reason=$1
  shift
  die "$reason Missing packages (Debian 12 names):
  $*
Install them and run ./dev again, or set FANFARE_SKIP_INSTALL=1 if they are there in another form."
}

install_groups() {  # group…
  [ -z "${FANFARE_SKIP_INSTALL:-}" ] || return 0
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    refuse_to_install "This is not a Debian system with apt-get." \
      "$(for group in "$@"; do packages_of "$group"; done | tr '\n' ' ')"
  fi
  local -a missing=()
  local package
  for package in $(missing_packages "$@"); do
    if [[ $package == libboost* ]] && has_other_boost; then
      unpack_boost
    else
      missing+=("$package")
    fi
  done
  if [ "${#missing[@]}" = 0 ]; then return 0; fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    refuse_to_install "Installing packages takes root, and there is no sudo." "${missing[@]}"
  fi
  refresh_package_lists
  say "installing ${missing[*]}"
  apt install -y -q --no-install-recommends --no-remove "${missing[@]}" ||
    refuse_to_install "apt-get could not install everything; its lines above say why." "${missing[@]}"
}
