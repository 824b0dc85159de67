#!/bin/sh
# lab COMMAND ...: a command of norm-direction-lab with the Node, the engine and the data that lie beside this file.
self=$0
# It may be called through a link.
while [ -h "$self" ] && link=$(readlink "$self"); do
  case $link in
  /*) self=$link ;;
  *) self=$(dirname -- "$self")/$link ;;
  esac
done
here=$(CDPATH= cd -- "$(dirname -- "$self")" && pwd)
[ -x "$here/node" ] || {
  echo "error: what lab needs does not lie beside it ($here): found no node. Call it by its own path" >&2
  exit 1
}
: "${NORM_DIRECTION_LAB_CACHE:=$here/cache}" "${NORM_DIRECTION_LAB_DATA:=$here/data}"
NORM_DIRECTION_LAB_CALL="$0"
# An engine for a GPU is the only one that was packed.
for binding in "$here"/cache/engine/binding-*-gpu-*; do
  [ ! -d "$binding" ] || export NORM_DIRECTION_LAB_DEVICE="${NORM_DIRECTION_LAB_DEVICE:-gpu}"
done
export NORM_DIRECTION_LAB_CACHE NORM_DIRECTION_LAB_DATA NORM_DIRECTION_LAB_CALL
exec "$here/node" "$here/app/dist/reproduce/main.js" "$@"
