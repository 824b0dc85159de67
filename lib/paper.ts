import { z } from 'zod';
import ablation from '../results/paper/table4-ablation.json';
import deit from '../results/paper/deit-imagenet.json';
import largerStudents from '../results/paper/larger-students.json';
import motivation from '../results/paper/motivation.json';
import scalableTeachers from '../results/paper/scalable-teachers.json';
import scalableTeachersFirst from '../results/paper/scalable-teachers-first.json';
import table1 from '../results/paper/table1-cifar100.json';
import table2 from '../results/paper/table2-imagenet.json';
import table3 from '../results/paper/table3-coco.json';
import vitTeachers from '../results/paper/vit-teachers.json';
import { checkRecord } from './records';

const pairSchema = z.strictObject({
  /** `resnet56:resnet20`, teacher first, as everywhere here; `unknown` where it is not known. */
  pair: z.string(),
  teacher: z.string().nullable(),
  student: z.string().nullable(),
  /** As the source writes it. */
  printed: z.string(),
});

const rowSchema = z.strictObject({
  method: z.string(),
  /** As the source writes it. */
  printed: z.string(),
  metric: z.string(),
  /** Pair to number; null where it is not known to us. */
  values: z.record(z.string(), z.number().nullable()),
  /** Pair to what must be said of that cell: other sources, slips. */
  notes: z.record(z.string(), z.string()).optional(),
});

const tableSchema = z
  .strictObject({
    id: z.string(),
    title: z.string(),
    paper: z.string(),
    /** Whether the numbers were read in the source named here. */
    confirmed: z.boolean(),
    source: z.string(),
    notes: z.array(z.string()),
    /** What it was measured on; null where not known. */
    setting: z.strictObject({
      dataset: z.string().nullable(),
      epochs: z.int().nullable(),
      batchSize: z.int().nullable(),
      /** Runs behind each number. */
      trials: z.int().nullable(),
    }),
    metrics: z
      .array(
        z.strictObject({
          name: z.string(),
          unit: z.enum(['percent', 'none']),
          description: z.string(),
        }),
      )
      .min(1),
    pairs: z.array(pairSchema).min(1),
    rows: z.array(rowSchema),
    /** What is known where the numbers are not. */
    known: z.array(z.strictObject({ statement: z.string(), source: z.string() })),
  })
  .superRefine(({ pairs, rows, metrics }, context) => {
    const names = pairs.map(({ pair }) => pair);
    const seen = new Set<string>();
    rows.forEach((row, index) => {
      const fault = (message: string): void => {
        context.addIssue({ code: 'custom', message, path: ['rows', index] });
      };
      if (Object.keys(row.values).sort().join() !== [...names].sort().join()) {
        fault(`row '${row.method}' has other pairs than the table`);
      }
      if (!metrics.some(({ name }) => name === row.metric)) fault(`no metric '${row.metric}'`);
      if (seen.has(`${row.method} ${row.metric}`)) fault(`row '${row.method}' stands twice`);
      seen.add(`${row.method} ${row.metric}`);
      for (const pair of Object.keys(row.notes ?? {})) {
        if (!names.includes(pair)) fault(`a note on an unknown pair '${pair}'`);
      }
    });
  });

/** One of the paper's tables, with where its numbers were found. */
export type PaperTable = z.infer<typeof tableSchema>;

const files = {
  table1,
  table2,
  table3,
  ablation,
  motivation,
  'scalable-teachers': scalableTeachers,
  'scalable-teachers-first': scalableTeachersFirst,
  'larger-students': largerStudents,
  'vit-teachers': vitTeachers,
  deit,
} as const;

/** The tables there are. */
export type PaperTableName = keyof typeof files;
export const paperTableNames = [
  'table1',
  'table2',
  'table3',
  'ablation',
  'motivation',
  'scalable-teachers',
  'scalable-teachers-first',
  'larger-students',
  'vit-teachers',
  'deit',
] as const satisfies readonly PaperTableName[];

const checked = new Map<PaperTableName, PaperTable>();

/** One of the paper's tables from `results/paper/`, checked against its schema. */
export function paperTable(name: PaperTableName): PaperTable {
  const known = checked.get(name);
  if (known !== undefined) return known;
  const table = checkRecord(
    tableSchema,
    files[name],
    `the paper's numbers, ${name}`,
    'Reinstall the package',
  );
  checked.set(name, table);
  return table;
}

/** A number of the paper, and where it was found. */
export interface PaperNumber {
  /** Null where the number is not known to us. */
  readonly value: number | null;
  readonly source: string;
  readonly confirmed: boolean;
  /** What must be said of this cell: other sources, slips. */
  readonly note?: string;
}

/** Which number: a table's cell, and the metric where the table has several (its first by default). */
interface PaperCell {
  readonly table: PaperTableName;
  readonly pair: string;
  readonly method: string;
  readonly metric?: string;
}

/** A number of the paper, or null when the table has no such cell at all. */
export function findPaperNumber({ table, pair, method, metric }: PaperCell): PaperNumber | null {
  const { rows, metrics, source, confirmed } = paperTable(table);
  const name = metric ?? metrics[0]?.name;
  const row = rows.find((candidate) => candidate.method === method && candidate.metric === name);
  const value = row?.values[pair];
  if (row === undefined || value === undefined) return null;
  const note = row.notes?.[pair];
  return { value, source, confirmed, note };
}

/**
 * How much a method gains over another in the paper's own numbers, rounded to the two decimals that
 * they are printed with; null when one of them is not known.
 */
export function paperGain(cell: PaperCell, over: string): number | null {
  const first = findPaperNumber(cell)?.value ?? null;
  const second = findPaperNumber({ ...cell, method: over })?.value ?? null;
  return first === null || second === null ? null : Math.round((first - second) * 100) / 100;
}
