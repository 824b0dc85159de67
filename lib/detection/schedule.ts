export {
  detectronWarmUp as defaultWarmUp,
  type IterationSchedule as DetectionSchedule,
  rateAtIteration as detectionRateAt,
} from '../train/schedule';
