export { crd, type CrdTerm } from './crd';
export { crossEntropy, type CrossEntropyTerm } from './logits';
export { directionCosine, type DirectionCosineTerm } from './direction';
export { directionInfoNce, type DirectionInfoNceTerm } from './direction';
export { dist, type DistTerm } from './logits';
export { dkd, type DkdTerm } from './logits';
export { fitNet, type FitNetTerm } from './features';
export { kd, type KdTerm } from './logits';
export { mixedNormDirection, type MixedNormDirectionTerm } from './norm-direction';
export { naiveFeature, type NaiveFeatureTerm } from './norm';
export { naiveNorm, type NaiveNormTerm } from './norm';
export { normDirectionAt, type NormDirectionAtTerm } from './norm-direction';
export { normDirection, type NormDirectionTerm } from './norm-direction';
export { ofd, type OfdTerm } from './features';
export { pkt, type PktTerm } from './features';
export { reviewKd, type ReviewKdOptions, type ReviewKdTerm } from './review-kd';
export { rkd, type RkdTerm } from './features';
export { sifn, type PreviousNorm, type SifnTerm } from './norm';
export { softCrossEntropy, type SoftCrossEntropyTerm } from './logits';
export { srrl, type SrrlTerm } from './features';
export { tokenDistillation, type TokenDistillationTerm } from './logits';
export {
  classMeansPlaces,
  defineTerm,
  definitionOf,
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
