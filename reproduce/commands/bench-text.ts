import CliTable from 'cli-table3';
import type { LossBenchmark } from '../../lib/bench/loss-benchmark';
import type { PartTime } from '../../lib/detection/stopwatch';
import type { StepBenchmark } from '../../lib/bench/step-benchmark';
import type { TorchComparison } from '../../lib/bench/torch';
import { processorName } from '../../lib/environment';

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

function operationTable(ms: number, operations: readonly PartTime[]): string {
  const table = tableOf(['operation', 'ms a step', 'calls a step']);
  for (const { name, ms: time, calls } of operations) table.push([name, time.toFixed(2), calls]);
  const inOperations = operations.reduce((sum, operation) => sum + operation.ms, 0);
  table.push(['(JavaScript and the rest)', (ms - inOperations).toFixed(2), '']);
  return table.toString();
}

function describeTorch(torch: TorchComparison): string {
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

function tableOf(head: string[]): InstanceType<typeof CliTable> {
  return new CliTable({ head, style: { head: [], border: [] } });
}
