#!/usr/bin/env bash
# Runs apt-get against another suite or architecture of the Debian mirror that this machine already uses, without
# touching the system: its lists, downloads and settings live in a private folder.
#   scripts/deps/debian-apt.sh STATE_DIR SUITE ARCH apt-get-arguments…
# Files are downloaded to the current folder. `update` is run when the lists are older than a day.
set -euo pipefail

state=$1 suite=$2 arch=$3
shift 3
root="$state/$suite-$arch"
sources="$root/debian.sources"
mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"

# The mirror and its key come from the system's own sources, in either of apt's two formats.
system_stanza() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    if [ -e "$file" ] && grep -q '^Suites:.*bookworm\|^Suites:.*trixie\|^Suites:.*stable' "$file"; then
      awk '/^URIs:/ {print; found = 1} /^Signed-By:/ {print} /^$/ && found {exit}' "$file"
      return
    fi
  done
  file=/etc/apt/sources.list
  if [ -e "$file" ]; then
    awk '$1 == "deb" { i = 2; if ($i ~ /^\[/) { while ($i !~ /\]$/) i++; i++ }
         print "URIs: " $i; print "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"; exit }' "$file"
  fi
}

stanza=$(system_stanza)
if [ -z "$stanza" ]; then
  echo "No Debian mirror is configured in /etc/apt on this machine: use Debian, or give the files by hand." >&2
  exit 1
fi
printf 'Types: deb deb-src\nSuites: %s\nComponents: main\n%s\n' "$suite" "$stanza" > "$sources"

options=(-q "-oDir::Etc::sourcelist=$sources" -oDir::Etc::sourceparts=/dev/null
  "-oDir::State=$root/state" "-oDir::Cache=$root/cache" -oAcquire::Languages=none
  -oAPT::Get::List-Cleanup=false)
if [ "$(id -u)" = 0 ]; then options+=(-oAPT::Sandbox::User=root); fi
if [ "$arch" != "$(dpkg --print-architecture)" ]; then
  : > "$root/status"
  options+=("-oAPT::Architecture=$arch" "-oAPT::Architectures::=$arch" "-oDir::State::status=$root/status")
fi

stamp="$root/updated"
if [ ! -e "$stamp" ] || [ -n "$(find "$stamp" -mmin +1440)" ]; then
  apt-get "${options[@]}" update > "$root/update.log" 2>&1 || {
    echo "The package lists of Debian $suite could not be read (see $root/update.log)." >&2
    exit 1
  }
  touch "$stamp"
fi
exec apt-get "${options[@]}" "$@"
