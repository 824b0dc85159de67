#!/bin/bash
# Submits the array and, after it, the job that renders the table. The arguments are those of
# `npm run reproduce:table1`; sbatch's own options come from its environment variables:
#   SBATCH_ARRAY_INX=1-18%6 SBATCH_PARTITION=gpu reproduce/cluster/submit.sh --scale paper
set -euo pipefail
cd "$(dirname "$0")/../.."
array=$(sbatch --parsable reproduce/cluster/table1.sbatch "$@")
echo "array $array"
# `afterany`: the table shows what is there, also when a task failed.
echo "table $(SBATCH_ARRAY_INX= sbatch --parsable --dependency="afterany:$array" reproduce/cluster/table1-render.sbatch "$@")"
