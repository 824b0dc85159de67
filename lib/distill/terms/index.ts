export { crd } from './crd';
export { directionCosine, directionInfoNce } from './direction';
export { fitNet, ofd, pkt, rkd, srrl } from './features';
export { crossEntropy, dist, dkd, kd, softCrossEntropy, tokenDistillation } from './logits';
export { naiveFeature, naiveNorm, type PreviousNorm, sifn } from './norm';
export { mixedNormDirection, normDirection, normDirectionAt } from './norm-direction';
export type { NormDirectionTerm } from './norm-direction';
export { reviewKd, type ReviewKdOptions, type ReviewKdTerm } from './review-kd';
export {
  classMeansPlaces,
  defineTerm,
  definitionOf,
  type LossTerm,
  type Method,
  type Need,
  needs,
  type PartContext,
  type TermDefinition,
  warmUp,
  warmUpFactor,
} from '../term';
