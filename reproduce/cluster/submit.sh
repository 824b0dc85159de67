#!/bin/bash
# Submits the array and, after it, the job that renders the table. The arguments are those of
# `npm run reproduce:table1`; sbatch's own options come from its environment variables:
#   SBATCH_ARRAY_INX=1-18%6 SBATCH_GPUS=1 SBATCH_PARTITION=gpu reproduce/cluster/submit.sh --scale paper
#   SBATCH_PARTITION=gpu reproduce/cluster/submit.sh --scale paper --manifest left.csv
set -euo pipefail
cd "$(dirname "$0")/../.."
manifest=
previous=
render=()
for word in "$@"; do
  option=$previous
  previous=$word
  # What --render refuses, with its value.
  case $option in
  --manifest) manifest=$word ;;
  --hours | --jobs | --gpus) continue ;;
  esac
  case $word in
  --manifest=*) manifest=${word#--manifest=} ;;
  --hours | --hours=* | --jobs | --jobs=* | --gpus | --gpus=*) continue ;;
  esac
  render+=("$word")
done
# A task for each line of a manifest, which has a head.
if [ -n "$manifest" ]; then
  runs=$(($(grep -c . "$manifest") - 1))
  if [ "$runs" -lt 1 ]; then
    echo "error: the manifest has no runs (--manifest $manifest). Write one with --list --missing" >&2
    exit 1
  fi
  export SBATCH_ARRAY_INX="${SBATCH_ARRAY_INX:-0-$((runs - 1))}"
fi
array=$(sbatch --parsable reproduce/cluster/table1.sbatch "$@")
echo "array $array"
# `afterany`: the table shows what is there, also when a task failed.
echo "table $(SBATCH_ARRAY_INX= sbatch --parsable --dependency="afterany:$array" reproduce/cluster/table1-render.sbatch ${render[@]+"${render[@]}"})"
