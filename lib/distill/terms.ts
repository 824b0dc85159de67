/**
 * A method is data: a list of weighted loss terms. `KD++` is
 * `[crossEntropy(), warmUp(20, kd({ weight: 1, temperature: 4 })), normDirection({ weight: 2 })]`.
 * These functions build the terms; `objective.ts` computes them.
 */
interface Weighted {
  readonly weight: number;
  /** The weight is multiplied by min(1, epoch / warmUpEpochs), epochs counted from 0. */
  readonly warmUpEpochs?: number;
}

export interface CrossEntropyTerm extends Weighted {
  readonly loss: 'crossEntropy';
}
export interface KdTerm extends Weighted {
  readonly loss: 'kd';
  readonly temperature: number;
}
export interface DkdTerm extends Weighted {
  readonly loss: 'dkd';
  readonly alpha: number;
  readonly beta: number;
  readonly temperature: number;
}
export interface DistTerm extends Weighted {
  readonly loss: 'dist';
  readonly beta: number;
  readonly gamma: number;
  readonly temperature: number;
}
export interface NormDirectionTerm extends Weighted {
  readonly loss: 'normDirection';
}
export interface NaiveNormTerm extends Weighted {
  readonly loss: 'naiveNorm';
}
/** What SIFN takes as the norm under the previous step's weights. */
export type PreviousNorm = 'detached' | 'lastVisit';
export interface SifnTerm extends Weighted {
  readonly loss: 'sifn';
  /** r of the paper. */
  readonly step: number;
  readonly previousNorm: PreviousNorm;
}
export interface DirectionCosineTerm extends Weighted {
  readonly loss: 'directionCosine';
}
export interface DirectionInfoNceTerm extends Weighted {
  readonly loss: 'directionInfoNce';
  readonly temperature: number;
}

export interface ReviewKdTerm extends Weighted {
  readonly loss: 'reviewKd';
}

export type LossTerm =
  | CrossEntropyTerm
  | KdTerm
  | DkdTerm
  | DistTerm
  | NormDirectionTerm
  | NaiveNormTerm
  | SifnTerm
  | DirectionCosineTerm
  | DirectionInfoNceTerm
  | ReviewKdTerm;

/** A named list of terms. */
export interface Method {
  readonly name: string;
  readonly terms: readonly LossTerm[];
}

interface Weight {
  readonly weight?: number;
}

/** Cross entropy with the labels. */
export function crossEntropy({ weight = 1 }: Weight = {}): CrossEntropyTerm {
  return { loss: 'crossEntropy', weight };
}

/** Knowledge distillation (Hinton et al., 2015), multiplied by temperature². */
export function kd({ weight = 1, temperature = 4 }: Partial<Omit<KdTerm, 'loss'>> = {}): KdTerm {
  return { loss: 'kd', weight, temperature };
}

/** Decoupled knowledge distillation (Zhao et al., 2022). */
export function dkd({
  weight = 1,
  alpha = 1,
  beta = 8,
  temperature = 4,
}: Partial<Omit<DkdTerm, 'loss'>> = {}): DkdTerm {
  return { loss: 'dkd', weight, alpha, beta, temperature };
}

/** DIST (Huang et al., 2022): relations between and within classes. */
export function dist({
  weight = 1,
  beta = 1,
  gamma = 1,
  temperature = 4,
}: Partial<Omit<DistTerm, 'loss'>> = {}): DistTerm {
  return { loss: 'dist', weight, beta, gamma, temperature };
}

/** The paper's ND loss: norm and direction at once. */
export function normDirection({ weight = 1 }: Weight = {}): NormDirectionTerm {
  return { loss: 'normDirection', weight };
}

/** The student's norm towards the teacher's, sample by sample. */
export function naiveNorm({ weight = 1 }: Weight = {}): NaiveNormTerm {
  return { loss: 'naiveNorm', weight };
}

/** The stepwise increasing feature norm. */
export function sifn({
  weight = 1,
  step = 1,
  previousNorm = 'detached',
}: Partial<Omit<SifnTerm, 'loss'>> = {}): SifnTerm {
  return { loss: 'sifn', weight, step, previousNorm };
}

/** Direction by cosine with the own class's mean. */
export function directionCosine({ weight = 1 }: Weight = {}): DirectionCosineTerm {
  return { loss: 'directionCosine', weight };
}

/** Direction by InfoNCE over all class means. */
export function directionInfoNce({
  weight = 1,
  temperature = 0.1,
}: Partial<Omit<DirectionInfoNceTerm, 'loss'>> = {}): DirectionInfoNceTerm {
  return { loss: 'directionInfoNce', weight, temperature };
}

/** ReviewKD (Chen et al., 2021): fused features of all stages against the teacher's. */
export function reviewKd({ weight = 1 }: Weight = {}): ReviewKdTerm {
  return { loss: 'reviewKd', weight };
}

/** The term with its weight growing from 0 in the first epoch to the whole after `epochs`. */
export function warmUp<T extends LossTerm>(epochs: number, term: T): T {
  return { ...term, warmUpEpochs: epochs };
}

/** The factor of a term's weight in an epoch counted from 0. */
export function warmUpFactor({ warmUpEpochs = 0 }: LossTerm, epoch: number): number {
  return warmUpEpochs > 0 ? Math.min(1, epoch / warmUpEpochs) : 1;
}

const withTeacher: ReadonlySet<LossTerm['loss']> = new Set([
  'kd',
  'dkd',
  'dist',
  'normDirection',
  'naiveNorm',
  'reviewKd',
] as const);
const withClassMeans: ReadonlySet<LossTerm['loss']> = new Set([
  'normDirection',
  'directionCosine',
  'directionInfoNce',
] as const);
const withTeacherEmbedding: ReadonlySet<LossTerm['loss']> = new Set([
  ...withClassMeans,
  'naiveNorm',
] as const);

/** Whether a method runs the teacher on each batch. */
export function needsTeacher({ terms }: Method): boolean {
  return terms.some(({ loss }) => withTeacher.has(loss));
}

/** Whether a method needs the teacher's class means. */
export function needsClassMeans({ terms }: Method): boolean {
  return terms.some(({ loss }) => withClassMeans.has(loss));
}

/** Whether a method compares the student's embedding with the teacher's space (adapter if sizes differ). */
export function needsTeacherSpace({ terms }: Method): boolean {
  return terms.some(({ loss }) => withTeacherEmbedding.has(loss));
}

/** Whether a method compares features of stages, through fusion blocks. */
export function needsFusionBlocks({ terms }: Method): boolean {
  return terms.some(({ loss }) => loss === 'reviewKd');
}

/** Whether a method keeps each sample's last norm. */
export function needsNormMemory({ terms }: Method): boolean {
  return terms.some((term) => term.loss === 'sifn' && term.previousNorm === 'lastVisit');
}
