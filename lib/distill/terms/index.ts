export { crossEntropy, type CrossEntropyTerm } from './cross-entropy';
export { directionCosine, type DirectionCosineTerm } from './direction-cosine';
export { directionInfoNce, type DirectionInfoNceTerm } from './direction-info-nce';
export { dist, type DistTerm } from './dist';
export { dkd, type DkdTerm } from './dkd';
export { kd, type KdTerm } from './kd';
export { naiveNorm, type NaiveNormTerm } from './naive-norm';
export { normDirection, type NormDirectionTerm } from './norm-direction';
export { reviewKd, type ReviewKdTerm } from './review-kd';
export { sifn, type PreviousNorm, type SifnTerm } from './sifn';
export {
  defineTerm,
  type LossTerm,
  type Method,
  type Need,
  needs,
  type PartContext,
  type StepContext,
  type TermDefinition,
  type TermPart,
  warmUp,
  warmUpFactor,
} from '../term';
