import type { Detector } from '../../detection/detector';
import type { EngineDescription } from '../../engine/describe';
import { hashStateDict } from '../../nn/hash';
import { codeRevision, peakMemoryMiB, processorName, softwareVersions } from '../../environment';
import type { DetectionData } from './data';
import type { FirstWeights } from './first-weights';
import type { DetectionEvaluation, DetectionProvenance } from './schema';
import type { TrainedDetectionTeacher } from './teacher';

/** How a run ended. */
export interface DetectionEnd {
  readonly ended: DetectionProvenance['ended'];
  readonly error?: string;
  /** Of each iteration of this start. */
  readonly seconds?: readonly number[];
  readonly evaluation?: DetectionEvaluation;
  readonly evaluationMs?: number;
}

/** The first iterations choose kernels and take memory: they tell nothing of the others. */
const warmUpIterations = 3;

/** What is known of how and where a run is made, at its start and at its end. */
export function provenanceOf(about: {
  readonly student: Detector;
  readonly data: DetectionData;
  readonly teacher?: TrainedDetectionTeacher;
  readonly firstWeights?: FirstWeights;
  readonly command: string;
  readonly engine: EngineDescription;
}): {
  readonly opening: DetectionProvenance;
  readonly closed: (end: DetectionEnd) => DetectionProvenance;
} {
  const { student, data, teacher, firstWeights, command, engine } = about;
  const opening: DetectionProvenance = {
    ...codeRevision(),
    command,
    startedAt: new Date().toISOString(),
    endedAt: null,
    ended: 'running',
    versions: softwareVersions(engine.tensorflow),
    engine: engine.engine,
    device: engine.device,
    processor: processorName(),
    dataHash: data.training.hash,
    evaluationDataHash: data.evaluation.hash,
    teacherHash: teacher?.hash ?? null,
    teacherSource: teacher?.source ?? null,
    classMeansHash: teacher?.classMeansHash ?? null,
    firstWeights: firstWeights ? firstWeights.source : 'random',
    checkpointHash: null,
    parameters: student.state.trainable.reduce((sum, { value }) => sum + value.size, 0),
    secondsPerIteration: null,
    evaluationSeconds: null,
    peakMemoryMiB: peakMemoryMiB(),
    AP: null,
    AP50: null,
    error: null,
  };
  return {
    opening,
    closed: ({ ended, error = null, seconds = [], evaluation, evaluationMs }) => ({
      ...opening,
      endedAt: new Date().toISOString(),
      ended,
      error,
      checkpointHash: ended === 'finished' ? hashStateDict(student.stateDict()) : null,
      secondsPerIteration: meanOf(seconds.slice(warmUpIterations)),
      evaluationSeconds: evaluationMs === undefined ? null : evaluationMs / 1000,
      peakMemoryMiB: peakMemoryMiB(),
      AP: evaluation ? 100 * evaluation.stats.AP : null,
      AP50: evaluation ? 100 * evaluation.stats.AP50 : null,
    }),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
