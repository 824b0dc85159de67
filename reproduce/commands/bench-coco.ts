import CliTable from 'cli-table3';
import { benchmarkCoco, type CocoBenchmark } from '../../lib/bench/coco-benchmark';
import { benchProgress } from '../../lib/bench/progress';
import { processorName } from '../../lib/environment';

/** `npm run bench -- --coco`: the evaluation of made-up detections, beside pycocotools'. */
export async function benchCoco(options: {
  readonly rounds: number;
  readonly python?: string;
  readonly json: boolean;
}): Promise<void> {
  const { json, ...others } = options;
  const { report, stop } = benchProgress();
  let found: CocoBenchmark;
  try {
    found = await benchmarkCoco({ ...others, onProgress: report });
  } finally {
    stop();
  }
  const whole = { processor: processorName(), ...found };
  process.stdout.write(json ? `${JSON.stringify(whole)}\n` : `${describe(found)}\n`);
}

function describe({ size, rounds, ms, pycocotools }: CocoBenchmark): string {
  const set = `${size.images} images, ${size.objects} objects, ${size.detections} detections an image, ${size.categories} categories, made up`;
  const head = ['round', 'reading, ms', 'evaluation, ms'];
  if (pycocotools) head.push('pycocotools reading, ms', 'evaluation, ms', 'ours / pycocotools');
  const table = new CliTable({ head, style: { head: [], border: [] } });
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
