import type { Summary } from '../../statistics/summary';
import type { ClaimOutcome, ClaimScale } from '../../statistics/verdicts';
import type { DocumentName } from '../document';

/** The paper's claims in the order in which they are told. */
export const claimIds = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9'] as const;
export type ClaimId = (typeof claimIds)[number];

/** A difference that a claim is about, as its table or study judged it. */
export interface ClaimComparison {
  /** `KD++ over KD`. */
  readonly label: string;
  /** The paper's own difference; null where it prints none, or none for this pair. */
  readonly paper: number | null;
  /** Over the seeds, in the claim's unit; null where it was not run. */
  readonly difference: Summary | null;
  /** Of the paired t-test, adjusted by Holm for the comparisons of its table; null for fewer than three seeds. */
  readonly p: number | null;
  readonly outcome: ClaimOutcome;
}

/** A claim of the paper beside what the runs show of it, on the strongest scale there is. */
export interface ClaimAtGlance {
  readonly id: ClaimId;
  /** In a few words: `SIFN is better than the naive norm loss`. */
  readonly claim: string;
  /** What the paper says. */
  readonly says: string;
  /** Data, pair, length; empty where nothing was run. */
  readonly ran: string;
  /** The document in which these runs stand. */
  readonly document: DocumentName;
  /** Of the differences: `points of top-1`. */
  readonly unit: string;
  readonly comparisons: readonly ClaimComparison[];
  readonly outcome: ClaimOutcome;
  readonly scale: ClaimScale;
  /** Spent on the runs behind it. */
  readonly hours: number;
  /** What a replication in the paper's setting would take: an estimate, not measured. */
  readonly full: string;
}
