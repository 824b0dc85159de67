import { relative, sep } from 'node:path';
import type { Run } from '../runs/store';
import { bestEpoch, lastTop1 } from '../runs/measures';
import type { RunRecord, RunReference, UnfinishedRun } from './table1-model';

/** A finished run as a number’s evidence; nothing of one without an epoch. */
export function runReference(run: Run, root: string): RunReference[] {
  const last = lastTop1(run);
  const best = bestEpoch(run);
  if (last === undefined || best === undefined) return [];
  return [
    {
      ...record(run, root),
      last,
      best: best.top1,
      bestEpoch: best.epoch,
      revision: run.provenance?.revision ?? null,
      dirty: run.provenance?.dirty ?? null,
    },
  ];
}

/** A run that is in no number. */
export function unfinishedRun(run: Run, root: string): UnfinishedRun {
  const { config, metrics, provenance } = run;
  return {
    ...record(run, root),
    epochs: metrics.length,
    of: config.epochs,
    why: provenance?.error ?? provenance?.ended ?? null,
  };
}

function record({ directory, config, provenance }: Run, root: string): RunRecord {
  const { seed, batchSize, recipeHash } = config;
  return { seed, directory: below(root, directory), batchSize, recipeHash, provenance };
}

function below(root: string, directory: string): string {
  return relative(root, directory).split(sep).join('/');
}
