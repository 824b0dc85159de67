#!/bin/sh
# lab COMMAND ...: a command of norm-direction-lab with the Node, the engine and the data that lie beside this file.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
: "${NORM_DIRECTION_LAB_CACHE:=$here/cache}" "${NORM_DIRECTION_LAB_DATA:=$here/data}"
NORM_DIRECTION_LAB_CALL="$0"
export NORM_DIRECTION_LAB_CACHE NORM_DIRECTION_LAB_DATA NORM_DIRECTION_LAB_CALL
exec "$here/node" "$here/app/dist/reproduce/main.js" "$@"
