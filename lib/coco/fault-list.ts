import { type Fault, LabError } from '../errors';

/** So many of a kind are named; the others are counted. */
const named = 3;

/** Faults of one file by kind: a reader hears of all kinds at once, and of no kind too often. */
export interface FaultList {
  /** @param kind `boxes of no area`; @param example which one: `annotation 7 of image 3` */
  add(kind: string, example: string): void;
  /** Each kind in words: `boxes of no area (5): annotation 7 of image 3, … and 2 more`. */
  lines(): string[];
  /** @throws LabError of kind `data` with every kind of fault, when there is one. */
  throwIfAny(fault: Pick<Fault, 'what' | 'where' | 'remedy'>): void;
}

export function faultList(): FaultList {
  const kinds = new Map<string, { count: number; readonly examples: string[] }>();
  const lines = (): string[] =>
    [...kinds].map(([kind, { count, examples }]) => {
      const more = count > examples.length ? ` and ${count - examples.length} more` : '';
      return `${kind} (${count}): ${examples.join(', ')}${more}`;
    });
  return {
    lines,
    add(kind, example) {
      const known = kinds.get(kind) ?? { count: 0, examples: [] };
      known.count++;
      if (known.examples.length < named) known.examples.push(example);
      kinds.set(kind, known);
    },
    throwIfAny(fault) {
      if (kinds.size > 0) throw new LabError({ kind: 'data', ...fault, found: lines().join('; ') });
    },
  };
}
