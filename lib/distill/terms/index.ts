export { crd, type CrdTerm } from './crd';
export { crossEntropy, type CrossEntropyTerm } from './cross-entropy';
export { directionCosine, type DirectionCosineTerm } from './direction-cosine';
export { directionInfoNce, type DirectionInfoNceTerm } from './direction-info-nce';
export { dist, type DistTerm } from './dist';
export { dkd, type DkdTerm } from './dkd';
export { fitNet, type FitNetTerm } from './fit-net';
export { kd, type KdTerm } from './kd';
export { mixedNormDirection, type MixedNormDirectionTerm } from './mixed-norm-direction';
export { naiveFeature, type NaiveFeatureTerm } from './naive-feature';
export { naiveNorm, type NaiveNormTerm } from './naive-norm';
export { normDirectionAt, type NormDirectionAtTerm } from './norm-direction-at';
export { normDirection, type NormDirectionTerm } from './norm-direction';
export { ofd, type OfdTerm } from './ofd';
export { pkt, type PktTerm } from './pkt';
export { reviewKd, type ReviewKdTerm } from './review-kd';
export { rkd, type RkdTerm } from './rkd';
export { sifn, type PreviousNorm, type SifnTerm } from './sifn';
export { softCrossEntropy, type SoftCrossEntropyTerm } from './soft-cross-entropy';
export { srrl, type SrrlTerm } from './srrl';
export { tokenDistillation, type TokenDistillationTerm } from './token-distillation';
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
