#!/bin/sh
# sh unpack.sh TARGET: checks the parts that lie beside this file and unpacks them into TARGET.
# Needs sh, cat, gzip, tar and sha256sum (or shasum); no network, no Python, no compiler.
set -eu

fail() {
  echo "error: $1" >&2
  exit 1
}

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
[ $# -eq 1 ] && [ -n "$1" ] || fail "name the folder to unpack into. Run: sh unpack.sh TARGET"
target=$1
[ ! -e "$target" ] || fail "the folder is there already ($target). Name another, or move it away"
while [ "${target%/}" != "$target" ]; do target=${target%/}; done
cd "$here"

if command -v sha256sum >/dev/null 2>&1; then
  sum="sha256sum"
elif command -v shasum >/dev/null 2>&1; then
  sum="shasum -a 256"
else
  fail "the parts cannot be checked: found neither sha256sum nor shasum. Install coreutils"
fi
# Its last line may lack its end, which `read` takes for none.
count=$(cut -d ' ' -f 1 SHA256SUMS | wc -l)
number=0
while read -r expected name || [ -n "$expected" ]; do
  number=$((number + 1))
  echo "checking part $number of $((count)) ..." >&2
  [ -f "$name" ] || fail "a part is missing ($here/$name). Bring it over, and run the same command again"
  found=$($sum "$name" | cut -d ' ' -f 1)
  [ "$found" = "$expected" ] || fail "a part is damaged ($here/$name): found SHA-256 $found. Bring it over again"
done <SHA256SUMS
cd "$OLDPWD"

need=$(cat "$here/KILOBYTES")
parent=$(dirname -- "$target")
[ -d "$parent" ] || fail "the folder to unpack in is not there ($parent). Make it first"
free=$(df -Pk "$parent" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
[ "$free" -gt "$need" ] || fail "the disk has no room ($parent): found $((free / 1024)) MB free of $((need / 1024)) MB needed. Free some, or name another folder"

# Under another name until it is whole.
unpacking="$target.unpacking"
rm -rf "$unpacking"
mkdir "$unpacking"
trap 'rm -rf "$unpacking"; exit 1' INT TERM HUP
echo "unpacking $((need / 1024)) MB ..." >&2
number=0
cut -d ' ' -f 3 "$here/SHA256SUMS" | while read -r name; do
  number=$((number + 1))
  echo "unpacking part $number of $((count)) ..." >&2
  cat "$here/$name"
done | { gzip -dc || echo "gzip: $?" >"$unpacking/failed"; } | tar -xf - -C "$unpacking" && [ ! -e "$unpacking/failed" ] || {
  rm -rf "$unpacking"
  fail "the archive cannot be unpacked ($target). Check the disk, and run the same command again"
}
mv "$unpacking" "$target"
echo "ready: '$target/lab' doctor, then '$target/lab' table1 --help" >&2
