import CliTable from 'cli-table3';
import { benchmarkDetectorStep, type DetectorStep } from '../../lib/bench/detector-step';
import { benchProgress } from '../../lib/bench/progress';
import { detectorForm, detectorNames, requirePair } from '../../lib/runs/detection-recipe';
import type { LabError } from '../../lib/errors';
import { optionError } from '../../lib/errors';
import { processorName } from '../../lib/environment';
import { pairName, parsePairs } from '../../lib/runs/grid';
import { startEngine } from '../../lib/engine/load';
import { table3Recipe } from '../recipes/table3';

const cocoClasses = 80;
/** Images of COCO are mostly four to three. */
const shape = 4 / 3;

/** `npm run bench -- --detector r101-fpn:r18-fpn`: a training step of table 3 on made-up images. */
export async function benchDetector(options: {
  readonly detector: string;
  readonly method: string;
  readonly batch: number;
  readonly shortSide: number;
  readonly iterations: number;
  readonly profile: boolean;
  readonly json: boolean;
}): Promise<void> {
  const { method, batch, shortSide, iterations, profile, json } = options;
  const [pair, ...others] = parsePairs(options.detector, '--detector', detectorNames);
  if (pair === undefined || others.length > 0) throw onePair(options.detector);
  requirePair(pair, '--detector');
  const recipe = table3Recipe(pair, method);
  await startEngine();
  const { report, stop } = benchProgress();
  const size = { height: shortSide, width: Math.round(shortSide * shape) };
  let found: DetectorStep;
  try {
    found = benchmarkDetectorStep({
      student: recipe.detector,
      ...(recipe.method.terms.length === 0 ? {} : { teacher: detectorForm(pair.teacher) }),
      method: recipe.method,
      ...(recipe.sampling ? { sampling: recipe.sampling } : {}),
      classes: cocoClasses,
      batch,
      size,
      iterations,
      profile,
      onProgress: report,
    });
  } finally {
    stop();
  }
  const about = { pair: pairName(pair), method, batch, ...size, processor: processorName() };
  process.stdout.write(
    json ? `${JSON.stringify({ ...about, ...found })}\n` : `${describe(about, found)}\n`,
  );
}

interface About {
  readonly pair: string;
  readonly method: string;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly processor: string;
}

function describe(
  { pair, method, batch, height, width, processor }: About,
  { ms, minMs, maxMs, parts, peakMemoryMiB, operations }: DetectorStep,
): string {
  const images = batch === 1 ? 'one image' : `${batch} images`;
  const lines = [
    `Training step of ${pair}, ${method}, ${images} of ${width} × ${height}: ${seconds(ms)} s (${seconds(minMs)}–${seconds(maxMs)}); ` +
      `peak memory ${peakMemoryMiB} MiB; ${processor}`,
  ];
  const table = tableOf(['part of a step', 'ms', 'share', 'calls']);
  for (const { name, ms: time, calls } of parts) {
    table.push([name, time.toFixed(0), `${((100 * time) / ms).toFixed(1)} %`, calls]);
  }
  const others = ms - parts.reduce((sum, part) => sum + part.ms, 0);
  table.push([
    '(networks, losses, optimiser)',
    others.toFixed(0),
    `${((100 * others) / ms).toFixed(1)} %`,
    '',
  ]);
  lines.push(table.toString());
  if (operations) {
    const byOperation = tableOf(['operation', 'ms', 'calls']);
    for (const { name, ms: time, calls } of operations.filter(({ ms: own }) => own >= 1)) {
      byOperation.push([name, time.toFixed(0), calls]);
    }
    lines.push(byOperation.toString());
  }
  return lines.join('\n');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function tableOf(head: string[]): InstanceType<typeof CliTable> {
  return new CliTable({ head, style: { head: [], border: [] } });
}

function onePair(found: string): LabError {
  return optionError`one pair is timed at a time (--detector): found '${found}'. Write r101-fpn:r18-fpn`;
}
