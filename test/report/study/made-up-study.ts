import type { ReportDocument, TableBlock } from '../../../lib/report/document';
import { buildStudy } from '../../../lib/report/study/build';
import { buildGroups } from '../../../lib/report/study/groups';
import type { StudyDocumentName, StudyGroup, StudyMethod } from '../../../lib/report/study/model';
import type { Provenance, RunConfig } from '../../../lib/runs/schema';
import type { Run } from '../../../lib/runs/store';
import type { EpochMetrics } from '../../../lib/train/metrics';
import { madeUpRun } from '../../support/made-up-runs';

/** A run of two epochs in memory, or of three with one between; its last epoch as given, its first at 1 % unless given. */
export interface StudyRun extends Omit<Partial<RunConfig>, 'epochs'> {
  readonly method: string;
  readonly top1: number;
  readonly last?: Partial<EpochMetrics>;
  readonly first?: Partial<EpochMetrics>;
  readonly between?: Partial<EpochMetrics>;
  /** Null for a run without a record. */
  readonly provenance?: Partial<Provenance> | null;
  readonly finished?: boolean;
}

export function studyRun(of: StudyRun): Run {
  const { top1, last = {}, first = {}, between, provenance = {}, finished = true, ...config } = of;
  const { pair = 'resnet20:resnet8', recipe = { training: { method: { terms: [] } } } } = config;
  const [teacher = '', student] = pair.split(':');
  const run = madeUpRun({
    config: {
      ...config,
      pair,
      teacher: student === undefined ? null : teacher,
      student: student ?? teacher,
      recipe,
      epochs: between === undefined ? 2 : 3,
    },
    provenance: provenance ?? {},
    top1: between === undefined ? [1, top1] : [1, 2, top1],
  });
  const metrics = run.metrics.map((epoch, index) => ({
    ...epoch,
    ...(index === 0 ? first : index === run.metrics.length - 1 ? last : between),
  }));
  return {
    ...run,
    metrics: finished ? metrics : metrics.slice(0, -1),
    provenance: provenance === null ? null : run.provenance,
  };
}

/** Rows by these names in this order. */
export function namedMethods(...ids: string[]): StudyMethod[] {
  return ids.map((id) => ({ id, label: id, note: '' }));
}

export function groupsOf(
  runs: readonly StudyRun[],
  methods: readonly StudyMethod[],
  ownMethods?: ReadonlySet<string>,
): StudyGroup[] {
  const own = ownMethods === undefined ? {} : { ownMethods };
  return buildGroups({ runs: runs.map(studyRun), methods, root: 'results', ...own });
}

export function documentOf(
  name: StudyDocumentName,
  runs: readonly StudyRun[],
  methods: readonly StudyMethod[],
): ReportDocument {
  return buildStudy(name, groupsOf(runs, methods), []);
}

/** The rows of a table of the document's first part, cells by column; only the text of each. */
export function tableOf(
  { parts }: ReportDocument,
  caption: RegExp,
): Readonly<Record<string, string>>[] {
  const tables = (parts[0]?.blocks ?? []).filter(
    (block): block is TableBlock => block.kind === 'table',
  );
  const table = tables.find((block) => caption.test(block.caption ?? ''));
  if (table === undefined) throw new Error(`no table ${String(caption)}`);
  return table.rows.map(({ cells }) =>
    Object.fromEntries(
      cells.map((cell, index) => [
        table.head[index] ?? '',
        typeof cell === 'string' ? cell : cell.text,
      ]),
    ),
  );
}
