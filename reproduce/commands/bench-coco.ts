import { benchmarkCoco, type CocoBenchmark } from '../../lib/bench/coco-benchmark';
import { print, tableOf, withBenchProgress } from './common';
import { processorName } from '../../lib/engine/processor';

/** `npm run bench -- --coco`: the evaluation of made-up detections, beside pycocotools'. */
export async function benchCoco({
  json,
  ...options
}: {
  readonly rounds: number;
  readonly python?: string;
  readonly json?: true;
}): Promise<void> {
  const found = await withBenchProgress((onProgress) => benchmarkCoco({ ...options, onProgress }));
  print(json, { processor: processorName(), ...found }, describe(found));
}

function describe({ size, rounds, ms, pycocotools }: CocoBenchmark): string {
  const set = `${size.images} images, ${size.objects} objects, ${size.detections} detections an image, ${size.categories} categories, made up`;
  const head = ['round', 'reading, ms', 'evaluation, ms'];
  if (pycocotools) head.push('pycocotools reading, ms', 'evaluation, ms', 'ours / pycocotools');
  const table = tableOf(head);
  rounds.forEach((round, index) => {
    const row = [String(index + 1), round.readMs.toFixed(0), round.evaluateMs.toFixed(0)];
    const theirs = round.pycocotools;
    if (theirs) row.push(theirs.readMs.toFixed(0), theirs.evaluateMs.toFixed(0));
    if (round.ratio !== undefined) row.push(round.ratio.toFixed(3));
    table.push(row);
  });
  const lines = [
    `COCO evaluation of ${set}: ${ms.toFixed(0)} ms, reading included; ${processorName()}`,
    table.toString(),
  ];
  if (pycocotools) {
    const { version, ratio, largestDifference } = pycocotools;
    lines.push(
      `median ratio to pycocotools ${version}: ${ratio.toFixed(3)} (below 1: this package is faster); ` +
        `largest difference of the twelve figures: ${largestDifference.toExponential(1)}`,
    );
  }
  return lines.join('\n');
}
