import { findPaperNumber, type PaperNumber, paperTable, type PaperTable } from '../../paper';
import { bestEpoch, bySeed, lastTop1, top1BySeed } from '../../runs/measures';
import type { RunConfig } from '../../runs/schema';
import { isFinished, type Run } from '../../runs/store';
import { summarise, type Summary } from '../../statistics/summary';
import type { ClaimScale } from '../../statistics/verdicts';
import { type Gain, gainOver } from './gain';
import type { Curve } from '../curves';
import type { GroupSetting } from '../group';
import { basesOf, labelOf, paperMethodOf, shortLabelOf, studentOf } from '../methods';
import type { MethodComparison } from './over-pairs';
import {
  type Environment,
  type RunReference,
  runReference,
  type UnfinishedRun,
  unfinishedRun,
} from '../run-record';
import { aloneComparableTo, comparableTo } from '../group';
import { reasonsNotComparable, teacherEvidence, type Verdict, verdictOf } from '../verdict';

/** What all rows share. */
export interface RowOptions {
  /** The results directory, to which run directories are named relatively. */
  readonly root: string;
  /** Whether a run's recipe is the paper's own; by its scale alone where nothing is said. */
  readonly isPaperRecipe?: (config: RunConfig) => boolean;
}

/** What a row is built from. */
export interface RowInput extends RowOptions {
  readonly pair: string;
  readonly method: string;
  /** All runs of the pair; for the teacher's row, the teacher's. */
  readonly runs: readonly Run[];
  /** All runs of the pair's student, alone and distilled. */
  readonly students: readonly Run[];
}

/** Builds the row of one method on one pair from its finished runs. */
export function buildRow(input: RowInput): Table1Row {
  const { pair, method, runs, students, root, isPaperRecipe = () => true } = input;
  const { setting } = paperTable('table1');
  const own = runs.filter(({ config }) => config.method === method);
  const last = bySeed(own, lastTop1);
  const gain = (over: string | null = null, among = students): Gain | null =>
    over === null ? null : gainOver({ pair, method }, over, last, top1BySeed(among, over));
  const paperMethod = paperMethodOf(method);
  const paper =
    paperMethod === null ? null : findPaperNumber({ table: 'table1', pair, method: paperMethod });
  const paperTeacher = findPaperNumber({ table: 'table1', pair, method: 'teacher' })?.value ?? null;
  const evidence = method === 'teacher' ? teacherEvidence(own, students) : null;
  const measured = evidence?.measured ?? summarise(last);
  const finished = own.filter(isFinished);
  const seenIn = evidence?.seenIn ?? [];
  const used = seenIn.length === 0 ? finished : [];
  const behind = [...used, ...seenIn];
  const reasons = [
    ...new Set(
      behind.flatMap((run) => reasonsNotComparable(run, { setting, paperTeacher, isPaperRecipe })),
    ),
  ];
  const value = paper?.value ?? null;
  const [base, published] = basesOf(method);
  const sameData = behind.every(({ config }) => config.dataset === setting.dataset);
  return {
    method,
    label: labelOf(method),
    shortLabel: shortLabelOf(method),
    paper,
    measured,
    best: summarise(bySeed(used, (run) => bestEpoch(run)?.top1)),
    difference: measured !== null && value !== null && sameData ? measured.mean - value : null,
    overStudent: gain(studentOf(method), aloneComparableTo(own, students)),
    overBase: gain(base, comparableTo(own, students)),
    overPublished: gain(published),
    verdict: verdictOf({ measured, paper: value, reasons }),
    reasons,
    origin: evidence?.origin ?? null,
    runs: used.flatMap((run) => runReference(run, root)),
    unfinished: own.filter((run) => !isFinished(run)).map((run) => unfinishedRun(run, root)),
  };
}

/** One method on one pair. */
export interface Table1Row {
  readonly method: string;
  /** As the paper writes it, with its recipe where it has two; the method's own name where the paper has it not. */
  readonly label: string;
  /** The same where there is little room. */
  readonly shortLabel: string;
  /** Null where the paper's table has no such cell: the recipe of a `++` row with ND 0 has none. */
  readonly paper: PaperNumber | null;
  /** Top-1 after the last epoch: the number. */
  readonly measured: Summary | null;
  /** Top-1 of each run's best epoch, as the paper's code tracks it. */
  readonly best: Summary | null;
  /** Measured mean minus the paper's number; null on other data or without one of them. */
  readonly difference: number | null;
  /** Over the student alone in the same recipe. */
  readonly overStudent: Gain | null;
  /** Of a `++` method over its own recipe with the ND weight 0. */
  readonly overBase: Gain | null;
  /** Of a `++` method over its base in the published recipe, as the paper has it. */
  readonly overPublished: Gain | null;
  readonly verdict: Verdict;
  /** Why it is not the paper's own setting; empty when it is. */
  readonly reasons: readonly string[];
  /** For a teacher: where its weights came from. */
  readonly origin: string | null;
  readonly runs: readonly RunReference[];
  readonly unfinished: readonly UnfinishedRun[];
}

/** The rows of one pair. */
export interface Table1Pair {
  readonly pair: string;
  readonly teacher: string | null;
  readonly student: string;
  /** As the paper writes it; null for a pair that it has not. */
  readonly printed: string | null;
  readonly rows: readonly Table1Row[];
  /** Things in these runs that a reader must know. */
  readonly remarks: readonly string[];
  /** The finished runs epoch by epoch, for the plots. */
  readonly curves: readonly Curve[];
  /** The unfinished ones, which are in no number. */
  readonly underWay: readonly Curve[];
  /** What verdicts on claims about its runs stand on. */
  readonly claimScale: ClaimScale;
}

/** One setting: one table for each of its pairs. */
export interface Table1Group {
  readonly setting: GroupSetting;
  readonly pairs: readonly Table1Pair[];
  /** Of the paper's pairs, those without any run here; empty too when there is none of them. */
  readonly pairsNotRun: readonly string[];
  /** Why rows are marked reduced, each reason once; empty when none is. */
  readonly reasons: readonly string[];
  readonly overPairs: readonly MethodComparison[];
  readonly environment: Environment;
}

/** Table 1 from a study's runs: the paper's numbers beside the measured ones. */
export interface Table1 {
  readonly study: string;
  readonly paper: Pick<
    PaperTable,
    'title' | 'paper' | 'source' | 'notes' | 'confirmed' | 'setting'
  >;
  readonly groups: readonly Table1Group[];
}
