import type { Provenance } from '../runs/schema';

/** What ran the runs of a table. */
export interface Environment {
  readonly revisions: readonly Revision[];
  readonly engines: readonly string[];
  readonly devices: readonly string[];
  readonly processors: readonly string[];
  /** `node 20.19.0`, … */
  readonly versions: readonly string[];
  readonly seeds: readonly number[];
}

/** A state of the code, and how many runs it ran. */
export interface Revision {
  readonly revision: string | null;
  readonly dirty: boolean | null;
  readonly runs: number;
}

/** What of a run, of whatever kind, tells of its environment. */
export interface RecordedRun {
  readonly config: { readonly seed: number };
  readonly provenance: Pick<
    Provenance,
    'revision' | 'dirty' | 'engine' | 'device' | 'processor' | 'versions'
  > | null;
}

/** Gathers from the runs' provenance what ran them. */
export function environmentOf(runs: readonly RecordedRun[]): Environment {
  const known = runs.flatMap(({ provenance }) => (provenance === null ? [] : [provenance]));
  const revisions = new Map<string, Revision>();
  for (const { provenance } of runs) {
    const revision = provenance?.revision ?? null;
    const dirty = provenance?.dirty ?? null;
    const key = `${revision ?? '~'} ${String(dirty)}`;
    revisions.set(key, { revision, dirty, runs: (revisions.get(key)?.runs ?? 0) + 1 });
  }
  return {
    revisions: [...revisions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found),
    engines: distinct(known.map(({ engine }) => engine)),
    devices: distinct(known.map(({ device }) => device)),
    processors: distinct(known.map(({ processor }) => processor)),
    versions: distinct(
      known.flatMap(({ versions }) =>
        Object.entries(versions).map(([name, version]) => `${name} ${version}`),
      ),
    ),
    seeds: [...new Set(runs.map(({ config }) => config.seed))].sort((a, b) => a - b),
  };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
