import { benchProgress } from '../../lib/bench/progress';
import {
  benchmarkSurroundings,
  type SurroundingsBenchmark,
  type SurroundingsOptions,
} from '../../lib/bench/surroundings-benchmark';
import { processorName } from '../../lib/environment';

/** `npm run bench -- --surroundings`: reading, evaluation and start-up beside the step. */
export async function benchSurroundings(
  options: SurroundingsOptions & { readonly about: object; readonly json: boolean },
): Promise<void> {
  const { about, json, ...others } = options;
  const { report, stop } = benchProgress();
  let found: SurroundingsBenchmark;
  try {
    found = await benchmarkSurroundings({ ...others, onProgress: report });
  } finally {
    stop();
  }
  const whole = { ...about, ...found };
  process.stdout.write(json ? `${JSON.stringify(whole)}\n` : `${describe(options, found)}\n`);
}

function describe(
  { teacher, student, batch }: SurroundingsOptions,
  found: SurroundingsBenchmark,
): string {
  const { stepMs, readingMs, readingShare, evaluationMs, forwardMs, evaluationRatio } = found;
  return [
    `Around a step of ${teacher}:${student}, batch ${batch} (${stepMs.toFixed(0)} ms); ${processorName()}`,
    `reading and augmenting a batch: ${readingMs.toFixed(2)} ms, ${(100 * readingShare).toFixed(1)} % of a step`,
    `evaluation of ${student}: ${evaluationMs.toFixed(3)} ms an image, ${evaluationRatio.toFixed(2)} times its forward pass alone (${forwardMs.toFixed(3)})`,
    `start of a process to the end of its first step: ${(found.startUpMs / 1000).toFixed(1)} s`,
  ].join('\n');
}
