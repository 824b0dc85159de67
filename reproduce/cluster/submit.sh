#!/bin/bash
# Submits the array and, after it, the job that renders the table. The arguments are those of
# `npm run reproduce:table1`; sbatch's own options come from its environment variables:
#   SBATCH_ARRAY_INX=1-18%6 SBATCH_PARTITION=gpu reproduce/cluster/submit.sh --scale paper
#   SBATCH_PARTITION=gpu reproduce/cluster/submit.sh --scale paper --manifest left.csv
set -euo pipefail
cd "$(dirname "$0")/../.."
# A task for each line of a manifest, which has a head.
previous=
for word in "$@"; do
  if [ "$previous" = --manifest ] && [ -z "${SBATCH_ARRAY_INX:-}" ]; then
    SBATCH_ARRAY_INX="0-$(($(grep -c . "$word") - 2))"
    export SBATCH_ARRAY_INX
  fi
  previous=$word
done
array=$(sbatch --parsable reproduce/cluster/table1.sbatch "$@")
echo "array $array"
# `afterany`: the table shows what is there, also when a task failed.
echo "table $(SBATCH_ARRAY_INX= sbatch --parsable --dependency="afterany:$array" reproduce/cluster/table1-render.sbatch "$@")"
