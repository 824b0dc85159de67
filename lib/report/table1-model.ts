import type { PaperNumber, PaperTable } from '../results/paper';
import type { Environment } from './environment';
import type { Gain } from './gain';
import type { GroupSetting } from './group';
import type { MethodComparison } from './over-pairs';
import type { Summary } from './statistics';
import type { Verdict } from './verdict';

/** A finished run behind a number. */
export interface RunReference {
  readonly seed: number;
  /** Below the results directory, with forward slashes. */
  readonly directory: string;
  readonly last: number;
  readonly best: number;
  readonly bestEpoch: number;
  readonly revision: string | null;
  readonly dirty: boolean | null;
}

/** A run that is no part of any number, and why. */
export interface UnfinishedRun {
  readonly seed: number;
  readonly directory: string;
  readonly epochs: number;
  readonly of: number;
  readonly why: string | null;
}

/** One method on one pair. */
export interface Table1Row {
  readonly method: string;
  /** As the paper writes it; the method's own name where the paper has it not. */
  readonly label: string;
  /** Null where the paper's table has no such cell. */
  readonly paper: PaperNumber | null;
  /** Top-1 after the last epoch: the number. */
  readonly measured: Summary | null;
  /** Top-1 of each run's best epoch, as the paper's code tracks it. */
  readonly best: Summary | null;
  /** Measured mean minus the paper's number; null on other data or without one of them. */
  readonly difference: number | null;
  readonly overStudent: Gain | null;
  readonly overBase: Gain | null;
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
  /** Top-1 by epoch, for the plot; unfinished runs only of methods without a finished one. */
  readonly curves: readonly Curve[];
}

/** Top-1 after each epoch of one run, in percent. */
export interface Curve {
  readonly method: string;
  readonly label: string;
  readonly seed: number;
  readonly top1: readonly number[];
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
