import type { Summary } from '../../statistics/summary';
import type { ClaimScale } from '../../statistics/verdicts';
import type { GroupSetting } from '../group';
import type { Block, Cell, DocumentName } from '../document';
import type { Environment, RunReference, UnfinishedRun } from '../run-record';
import type { PublishedMeans } from './published-means';

/** The studies of why the method works. */
export type StudyName = 'norm' | 'direction' | 'ablation' | 'teachers';

/** What is built from classifiers' runs as a study is: the ImageNet tables too. */
export type StudyDocumentName = Extract<DocumentName, StudyName | 'table2'>;

/** A row of a study, as its list of methods names it. */
export interface StudyMethod {
  readonly id: string;
  readonly label: string;
  /** What it is, in a sentence. */
  readonly note: string;
}

/** What a study shows of its runs. */
export interface StudyView {
  readonly title: string;
  readonly asks: string;
  /** Of each pair, below its name. */
  readonly ofPair?: PairView;
  /** Of all pairs of a setting, after theirs. */
  readonly groupBlocks?: (
    group: StudyGroup,
    published: readonly PublishedMeans[],
  ) => readonly Block[];
  /** What of the paper's numbers can be compared; where nothing is said they are not known to us. */
  readonly comparable?: string;
  readonly reading: readonly string[];
  readonly sources: readonly string[];
}

/** What a study shows of a pair, in this order; its table and notes besides. */
export interface PairView {
  /** Of the table of methods, before `on PAIR`. */
  readonly caption: string;
  readonly columns: (pair: StudyPair) => readonly MethodColumn[];
  /** Claims that are judged against what was measured. */
  readonly claims?: (pair: StudyPair) => readonly Block[];
  readonly more?: (pair: StudyPair) => readonly Block[];
}

/** What a table tells of a method besides its accuracy. */
export interface MethodColumn {
  readonly head: string;
  /** Set where a terminal has no room for it. */
  readonly wide?: true;
  /** Of a row beside the others of its table. */
  readonly of: (row: StudyRow, rows: readonly StudyRow[]) => string | Cell;
}

/** One method on one pair. */
export interface StudyRow extends Omit<StudyMethod, 'id'> {
  readonly method: string;
  /** Top-1 after the last epoch, in percent: the number. */
  readonly top1: Summary | null;
  readonly best: Summary | null;
  /** Hash of its runs' training but for the losses, and of their teacher; null without a finished run. */
  readonly conditions: string | null;
  /** The weight of ND in its recipe; 0 without ND, null where no run tells. */
  readonly ndWeight: number | null;
  /** What it adds a loss to: `kd` for all of KD's variants, `dkd` for `dkd++`; null for these themselves. */
  readonly base: string | null;
  /** Over that base on the same seeds, in points. */
  readonly overBase: Summary | null;
  /** Over the student alone on the same seeds, in points. */
  readonly overStudent: Summary | null;
  /** Mean norm of the student's embeddings over the test images, after the last epoch. */
  readonly studentNorm: Summary | null;
  readonly teacherNorm: number | null;
  /** Mean cosine to the teacher's mean embedding of the own class; and the teacher's own. */
  readonly cosine: Summary | null;
  readonly teacherCosine: number | null;
  /** The first of them by class, each the mean over the seeds; empty where it was not measured. */
  readonly cosineByClass: readonly number[];
  readonly runs: readonly RunReference[];
  readonly unfinished: readonly UnfinishedRun[];
}

/** The rows of one pair. */
export interface StudyPair {
  readonly pair: string;
  readonly teacher: string;
  readonly student: string;
  /** Numbers of parameters; null where no run tells. */
  readonly teacherParameters: number | null;
  readonly studentParameters: number | null;
  /** Percent. */
  readonly teacherTop1: number | null;
  readonly rows: readonly StudyRow[];
  /** What verdicts on claims about its runs stand on. */
  readonly claimScale: ClaimScale;
}

/** A network that was trained alone as a teacher. */
export interface FamilyMember {
  readonly model: string;
  readonly parameters: number;
  /** Percent. */
  readonly top1: number;
  /** Mean norm of its embeddings over the test images. */
  readonly norm: number;
  readonly run: RunReference;
}

/** The runs of one setting. */
export interface StudyGroup {
  readonly setting: GroupSetting;
  readonly environment: Environment;
  readonly pairs: readonly StudyPair[];
  readonly family: readonly FamilyMember[];
}

/** A row of a pair, where it was run. */
export function rowOf({ rows }: StudyPair, method: string): StudyRow | undefined {
  return rows.find((row) => row.method === method);
}

/** Whether two methods of a pair differ by their losses alone; also where one of them was not run. */
export function areComparable(pair: StudyPair, first: string, second: string): boolean {
  const [one, other] = [first, second].map((method) => rowOf(pair, method)?.conditions ?? null);
  return one === null || other === null || one === other;
}

/** Its top-1; null where it was not run. */
export function top1In(pair: StudyPair, method: string): Summary | null {
  return rowOf(pair, method)?.top1 ?? null;
}
