/** The studies of why the method works, in the order in which they stand in a report. */
export const studyNames = ['norm', 'direction', 'ablation', 'teachers'] as const;
export type StudyName = (typeof studyNames)[number];

/** All that is shown as a study is: the ImageNet and COCO tables too. */
export type DocumentName = StudyName | 'table2' | 'table3';

/** A row of a study, as its list of methods names it. */
export interface StudyMethod {
  readonly id: string;
  readonly label: string;
  /** What it is, in a sentence. */
  readonly note: string;
}
