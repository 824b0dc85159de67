import type { Interval, Summary } from '../statistics/summary';
import type { Gain } from './gain';
import type { GroupSetting } from './group';
import type { Environment } from './run-record';
import type { Table1Pair, Table1Row } from './table1-model';

/** What stands where there is no number. */
export const none = '–';

/** A row of a table in words, two decimals; the same in the terminal, in Markdown and in HTML. */
export interface RowInWords {
  readonly method: string;
  readonly paper: string;
  /** `71.23 ± 0.31 (3)`: mean, standard deviation, number of seeds. */
  readonly measured: string;
  readonly interval: string;
  readonly best: string;
  readonly overStudent: GainInWords;
  readonly overBase: GainInWords;
  readonly overPublished: GainInWords;
  readonly verdict: string;
  /** Measured minus paper; empty where the two cannot be subtracted. */
  readonly difference: string;
}

/** A measured gain, its interval, and the paper's. */
export interface GainInWords {
  readonly measured: string;
  readonly interval: string;
  /** Of the paired t-test, adjusted by Holm; a dash where there is none. */
  readonly p: string;
  readonly paper: string;
}

/** The cells of one row in words. */
export function rowInWords(row: Table1Row): RowInWords {
  return {
    method: row.label,
    paper: row.paper === null ? none : (row.paper.value?.toFixed(2) ?? 'not known'),
    measured: row.measured === null ? none : spread(row.measured, plain),
    interval: range(row.measured?.interval ?? null, plain),
    best: row.best === null ? none : plain(row.best.mean),
    overStudent: gainInWords(row.overStudent),
    overBase: gainInWords(row.overBase),
    overPublished: gainInWords(row.overPublished),
    verdict: row.verdict,
    difference: row.difference === null ? '' : signed(row.difference),
  };
}

/** `resnet56 → resnet20`, and whether the paper has this pair. */
export function pairInWords({ pair, teacher, student, printed }: Table1Pair): string {
  const name = teacher === null ? pair : `${teacher} → ${student}`;
  if (teacher === null) return `${name}, the teacher alone`;
  return printed === null ? `${name} (the paper has no such pair)` : `${name} (${printed})`;
}

/** `cifar100 · scale short · 30 epochs · batch 128 · f32`. */
export function settingInWords(setting: GroupSetting): string {
  const { dataset, scale, epochs, batchSize, precision } = setting;
  return `${dataset} · scale ${scale} · ${String(epochs)} epochs · batch ${String(batchSize)} · ${precision}`;
}

/** The seeds and the state of the code behind a table. */
export function environmentInWords({ seeds, revisions }: Environment): string {
  const code = revisions.map(({ revision, dirty, runs }) => {
    const name = revision === null ? 'unknown revision' : `revision ${revision.slice(0, 12)}`;
    const state = dirty === true ? ' with uncommitted changes' : '';
    return `${name}${state} (${count(runs, 'run')})`;
  });
  return `seeds ${seeds.join(', ')} · code: ${code.join('; ')}`;
}

/** `1 run`, `2 runs`. */
export function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** With a sign, two decimals; a true minus. */
export function signed(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  if (digits === '0.00') return digits;
  return `${value > 0 ? '+' : '−'}${digits}`;
}

/** Two ends of an interval, or a dash. */
export function range(interval: Interval | null, write: (value: number) => string): string {
  return interval === null ? none : `${write(interval.low)} … ${write(interval.high)}`;
}

/** `71.23 ± 0.31 (3)`: mean, standard deviation, number of runs. */
export function spread({ mean, std, n }: Summary, write: (value: number) => string): string {
  return `${write(mean)}${std === null ? '' : ` ± ${std.toFixed(2)}`} (${String(n)})`;
}

/** `0.023`, `< 0.001`; a dash where there is none. */
export function pInWords(p: number | null): string {
  if (p === null) return none;
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** With two decimals. */
export function plain(value: number): string {
  return value.toFixed(2);
}

/** A gain in words; empty where there is nothing to gain over. */
export function gainInWords(gain: Gain | null): GainInWords {
  if (gain === null) return { measured: '', interval: '', p: '', paper: '' };
  const { measured, p, paper, paperRange } = gain;
  return {
    measured: measured === null ? none : spread(measured, signed),
    interval: range(measured?.interval ?? null, signed),
    p: pInWords(p),
    paper: paper === null ? range(paperRange, signed) : signed(paper),
  };
}
