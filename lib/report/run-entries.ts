import { formatDuration } from '../format-duration';
import type { CommonProvenance, DetectionProvenance, Provenance } from '../runs/schema';
import { count } from './numbers';
import type { RunReference, UnfinishedRun } from './run-record';

/** A run, what it stands for in its table, and how it was made. */
export interface RunEntry {
  /** `resnet20:resnet8, KD++, seed 1`. */
  readonly name: string;
  /** Below the results directory. */
  readonly directory: string;
  /** `34.75 %`; null for a run that is in no number. */
  readonly score: string | null;
  /** How long it took; empty where that is not known. */
  readonly time: string;
  /** Directory and numbers in a line. */
  readonly line: string;
  readonly facts: Facts;
}

/** Terms and what is known of them; null where nothing is. */
export type Facts = readonly (readonly [string, string | null])[];

/** The entry of a classifier's run. */
export function runEntry(name: string, run: RunReference | UnfinishedRun): RunEntry {
  const { directory, batchSize, recipeHash, provenance } = run;
  const finished = 'last' in run;
  const seconds = total(provenance?.secondsPerEpoch ?? []);
  const score = finished ? `${run.last.toFixed(2)} %` : null;
  return {
    name,
    directory,
    score,
    time: seconds === 0 ? '' : formatDuration(seconds),
    line: `${directory}: ${name}, ${score ?? 'unfinished'}`,
    facts: [
      ...(finished ? finishedFacts(run) : unfinishedFacts(run)),
      ['Run directory', directory],
      ['Batch', String(batchSize)],
      ['Recipe, SHA-256', recipeHash],
      ...(provenance === null ? notRecorded : classifierFacts(provenance)),
    ],
  };
}

const notRecorded: Facts = [['Provenance', 'not recorded']];

function finishedFacts({ last, best, bestEpoch }: RunReference): Facts {
  return [
    ['Top-1, last epoch', `${last.toFixed(2)} %`],
    ['Top-1, best epoch', `${best.toFixed(2)} % after ${count(bestEpoch, 'epoch')}`],
  ];
}

function unfinishedFacts({ epochs, of, why }: UnfinishedRun): Facts {
  return [
    ['Done', `${String(epochs)} of ${count(of, 'epoch')}`],
    ['Ended', why],
  ];
}

function classifierFacts(provenance: Provenance): Facts {
  const { secondsPerEpoch, imagesPerSecond, teacherSource, teacherTop1, dataHash } = provenance;
  const teacher = [
    teacherSource,
    teacherTop1 === null ? null : `${teacherTop1.toFixed(2)} % top-1`,
  ].filter((text) => text !== null);
  return provenanceFacts(provenance, {
    times: [
      [
        'Time',
        `${formatDuration(total(secondsPerEpoch))} in ${count(secondsPerEpoch.length, 'epoch')}${imagesPerSecond === null ? '' : `, ${imagesPerSecond.toFixed(0)} images/s`}`,
      ],
    ],
    data: [['Data, SHA-256', dataHash]],
    teacher: teacher.length === 0 ? null : teacher.join(', '),
  });
}

/** How and where a detector was trained. */
export function detectorFacts(provenance: DetectionProvenance | null): Facts {
  if (provenance === null) return notRecorded;
  const { secondsPerIteration, evaluationSeconds, dataHash, evaluationDataHash } = provenance;
  return provenanceFacts(provenance, {
    times: [
      [
        'Time of an iteration',
        secondsPerIteration === null ? null : `${secondsPerIteration.toFixed(2)} s`,
      ],
      ['Evaluation', evaluationSeconds === null ? null : formatDuration(evaluationSeconds)],
    ],
    data: [
      ['Training data, SHA-256', dataHash],
      ['Evaluation data, SHA-256', evaluationDataHash],
      ['First weights', provenance.firstWeights],
    ],
    teacher: provenance.teacherSource,
  });
}

function provenanceFacts(
  provenance: CommonProvenance,
  { times, data, teacher }: { times: Facts; data: Facts; teacher: string | null },
): Facts {
  const { revision, dirty, versions } = provenance;
  return [
    ['Command', provenance.command],
    ['Code revision', revision ?? 'unknown'],
    ['Uncommitted changes', dirty === null ? 'unknown' : dirty ? 'yes' : 'none'],
    ['Started', provenance.startedAt],
    ['Ended', provenance.endedAt],
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['Engine and device', `${provenance.engine}, ${provenance.device}`],
    ['Processor', provenance.processor],
    ...times,
    ['Peak memory', `${String(provenance.peakMemoryMiB)} MiB`],
    ['Parameters', String(provenance.parameters)],
    ...data,
    ['Teacher', teacher],
    ['Teacher, SHA-256', provenance.teacherHash],
    ['Class means, SHA-256', provenance.classMeansHash],
    ['Checkpoint, SHA-256', provenance.checkpointHash],
    ['Error', provenance.error],
  ];
}

function total(seconds: readonly number[]): number {
  return seconds.reduce((sum, value) => sum + value, 0);
}
