import type { Block } from './document';
import type { StudyGroup, StudyPair } from './model';
import type { PublishedMeans } from './published-means';

/** What a study shows of its runs. */
export interface StudyView {
  readonly title: string;
  readonly asks: string;
  /** Of each pair, below its name. */
  readonly pairBlocks?: (pair: StudyPair) => readonly Block[];
  /** Of all pairs of a setting, after theirs. */
  readonly groupBlocks?: (group: StudyGroup, more: MoreEvidence) => readonly Block[];
  /** Whether the paper's numbers of this study are known to us. */
  readonly numbersKnown: boolean;
  /** What of the paper's numbers can be compared, where that is not said by the line above. */
  readonly comparable?: string;
  readonly reading: readonly string[];
  readonly sources: readonly string[];
}

/** What a study shows besides runs. */
export interface MoreEvidence {
  readonly publishedMeans: readonly PublishedMeans[];
}
