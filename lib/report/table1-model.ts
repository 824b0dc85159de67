import type { PaperNumber, PaperTable } from '../paper';
import type { Provenance } from '../runs/schema';
import type { Environment } from './environment';
import type { Gain } from './gain';
import type { GroupSetting } from './group';
import type { MethodComparison } from './over-pairs';
import type { Summary } from '../statistics/summary';
import type { Verdict } from './verdict';

/** Which run, and how and where it ran. */
export interface RunRecord {
  readonly seed: number;
  /** Below the results directory, with forward slashes. */
  readonly directory: string;
  readonly batchSize: number;
  readonly recipeHash: string;
  readonly provenance: Provenance | null;
}

/** A finished run behind a number. */
export interface RunReference extends RunRecord {
  readonly last: number;
  readonly best: number;
  readonly bestEpoch: number;
  readonly revision: string | null;
  readonly dirty: boolean | null;
}

/** A run that is no part of any number, and why. */
export interface UnfinishedRun extends RunRecord {
  readonly epochs: number;
  readonly of: number;
  readonly why: string | null;
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
  /** Epoch by epoch, for the plots; unfinished runs only of methods without a finished one. */
  readonly curves: readonly Curve[];
}

/** What one run's test images gave after each epoch. */
export interface Curve {
  readonly method: string;
  readonly seed: number;
  /** In percent. */
  readonly top1: readonly number[];
  /** Mean norm of the embeddings. */
  readonly studentNorm: readonly number[];
  /** Of the teacher's embeddings; null without one. */
  readonly teacherNorm: readonly (number | null)[];
  /** Mean cosine to the teacher's mean embedding of the image's own class; null without one. */
  readonly cosine: readonly (number | null)[];
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
