import { median } from 'simple-statistics';
import { type Growth, growsTooFast } from '../../lib/bench/growth-benchmark';
import type { LossBenchmark } from '../../lib/bench/loss-benchmark';
import type { MemoryBenchmark, MemoryRound } from '../../lib/bench/memory-benchmark';
import type { MemoryGrid } from '../../lib/bench/memory-grid';
import type { PartTime } from '../../lib/detection/stopwatch';
import type { StepBenchmark } from '../../lib/bench/step-benchmark';
import type {
  SurroundingsBenchmark,
  SurroundingsOptions,
} from '../../lib/bench/surroundings-benchmark';
import type { TorchComparison } from '../../lib/bench/torch';
import { processorName } from '../../lib/engine/processor';
import { optionError } from '../../lib/errors';
import { type Pair, parsePairs } from '../../lib/runs/grid';
import { tableOf } from './common';

/** What was found about a step, in words and tables. */
export function describeStep(pair: string, batch: number, found: StepBenchmark): string {
  const { ms, minMs, maxMs, imagesPerSecond, teacherMs, studentMs, optimizerMs } = found;
  const lines = [
    `Training step of ${pair}, batch ${batch}: ${ms.toFixed(0)} ms (${minMs.toFixed(0)}–${maxMs.toFixed(0)}), ${imagesPerSecond.toFixed(0)} images/s`,
    `teacher forward ${teacherMs.toFixed(1)} ms, student and losses ${studentMs.toFixed(1)} ms, SGD ${optimizerMs.toFixed(1)} ms; ` +
      `peak memory ${found.peakMemoryMiB} MiB; ${processorName()}`,
  ];
  if (found.operations && found.eagerMs !== undefined) {
    lines.push(
      `${found.eagerMs.toFixed(0)} ms a step with every operation run by itself and timed:`,
      operationTable(found.eagerMs, found.operations),
    );
  }
  if (found.torch) lines.push(describeTorch(found.torch));
  return lines.join('\n');
}

/** What was found about a loss, in words. */
export function describeLoss(
  { loss, batch, dimension }: { loss: string; batch: number; dimension: number },
  { ms, minMs, maxMs, loopMs, ratio, torch }: LossBenchmark,
): string {
  const times = `${ms.toFixed(3)} ms (${minMs.toFixed(3)}–${maxMs.toFixed(3)})`;
  const loop = (where: string, time: number, by: number): string =>
    `a loop over the samples${where}: ${time.toFixed(2)} ms, ${by.toFixed(1)} times as long`;
  return [
    `${loss} loss of ${batch} × ${dimension}, forward and backward: ${times}; ${processorName()}`,
    loop(' on the same engine', loopMs, ratio),
    ...(torch ? [loop(` in PyTorch ${torch.version}`, torch.loopMs, torch.ratio)] : []),
  ].join('\n');
}

/** What a teacher's memory spares a step, in words. */
export function describeMemory(pair: string, { rounds, version }: MemoryBenchmark): string {
  const ms = (of: keyof MemoryRound): number => median(rounds.map((round) => round[of] ?? NaN));
  const by = (over: keyof MemoryRound, under: keyof MemoryRound): string =>
    median(rounds.map((round) => (round[over] ?? NaN) / (round[under] ?? NaN))).toFixed(2);
  return [
    `Step of ${pair} without a teacher’s memory: ${ms('withoutMs').toFixed(0)} ms; ${processorName()}`,
    `with one that is filled: ${ms('filledMs').toFixed(0)} ms, ${by('filledMs', 'withoutMs')} of it, of which reading ${ms('recallMs').toFixed(2)} ms`,
    `while it fills: ${ms('fillingMs').toFixed(0)} ms, ${by('fillingMs', 'withoutMs')} of it`,
    ...(version === undefined
      ? []
      : [
          `PyTorch ${version}: ${ms('torchMs').toFixed(0)} ms; with a filled memory ${by('filledMs', 'torchMs')} of it`,
        ]),
  ].join('\n');
}

/** The same of a grid. */
export function describeMemoryGrid(pair: string, grid: MemoryGrid): string {
  const { runs, images, withoutSeconds, withSeconds, remembered, same } = grid;
  const share = (100 * remembered).toFixed(0);
  return [
    `${runs} trainings of ${pair} on ${images} images: ${withoutSeconds.toFixed(1)} s without a teacher’s memory, ${withSeconds.toFixed(1)} s with one (${(withSeconds / withoutSeconds).toFixed(2)}), which held ${share} % of what was asked; ${processorName()}`,
    same ? 'the weights are the same to the bit' : 'THE WEIGHTS DIFFER: please report it',
  ].join('\n');
}

/** How costs grow, in a table. */
export function describeGrowth(growth: readonly Growth[]): string {
  const table = tableOf(['what', 'over', 'size', 'ms', 'MiB of tensors', 'power: time, memory']);
  for (const each of growth) {
    each.points.forEach(({ size, ms, mebibytes }, index) => {
      const isLast = index === each.points.length - 1;
      const { time, memory } = each.power;
      const powers = `${time.toFixed(2)}, ${memory.toFixed(2)}${growsTooFast(each) ? ' (TOO FAST)' : ''}`;
      table.push([
        ...[each.what, each.over, size.toLocaleString('en'), ms.toFixed(1), mebibytes.toFixed(1)],
        isLast ? powers : '',
      ]);
    });
  }
  return `${table.toString()}\n${processorName()}`;
}

/** What was found of the surroundings of a step, in words. */
export function describeSurroundings(
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

function operationTable(ms: number, operations: readonly PartTime[]): string {
  const table = tableOf(['operation', 'ms a step', 'calls a step']);
  for (const { name, ms: time, calls } of operations) table.push([name, time.toFixed(2), calls]);
  const inOperations = operations.reduce((sum, operation) => sum + operation.ms, 0);
  table.push(['(JavaScript and the rest)', (ms - inOperations).toFixed(2), '']);
  return table.toString();
}

export function describeTorch(torch: TorchComparison): string {
  const { version, precision, mode, modes, rounds, ratio, peakMemoryMiB } = torch;
  const tried = modes.map((each) =>
    'ms' in each
      ? `${each.mode} ${each.ms.toFixed(0)} ms`
      : `${each.mode} does not work here: ${each.error}`,
  );
  const table = tableOf(['round', 'ours, ms', 'PyTorch, ms', 'ours / PyTorch']);
  rounds.forEach((round, index) =>
    table.push([index + 1, round.ms.toFixed(0), round.torchMs.toFixed(0), round.ratio.toFixed(2)]),
  );
  return [
    `PyTorch ${version}, ${precision}, tried: ${tried.join('; ')}`,
    table.toString(),
    `median ratio to PyTorch ${mode}: ${ratio.toFixed(2)} (below 1: this package is faster); PyTorch’s peak memory ${peakMemoryMiB} MiB`,
  ].join('\n');
}

/** @throws LabError of kind `option` for another number of pairs than one. */
export function onePair(
  text: string,
  { option, known, example }: { option: string; known?: readonly string[]; example: string },
): Pair {
  const [pair, ...others] = parsePairs(text, option, known);
  if (pair !== undefined && others.length === 0) return pair;
  throw optionError`one pair is timed at a time (${option}): found '${text}'. Write ${example}`;
}
