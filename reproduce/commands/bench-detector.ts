import { benchmarkDetectorStep, type DetectorStep } from '../../lib/bench/detector-step';
import { detectorForm, detectorNames, requirePair } from '../../lib/runs/detection-recipe';
import { processorName } from '../../lib/environment';
import { pairName } from '../../lib/runs/grid';
import { startEngine } from '../../lib/engine/load';
import { table3Recipe } from '../recipes/table3';
import { onePair } from './bench-text';
import { print, tableOf, withBenchProgress } from './common';

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
  readonly json?: true;
}): Promise<void> {
  const { method, batch, shortSide, iterations, profile, json } = options;
  const option = '--detector';
  const example = 'r101-fpn:r18-fpn';
  const pair = onePair(options.detector, { option, known: detectorNames, example });
  requirePair(pair, option);
  const recipe = table3Recipe(pair, method);
  await startEngine();
  const size = { height: shortSide, width: Math.round(shortSide * shape) };
  const found = await withBenchProgress((onProgress) =>
    benchmarkDetectorStep({
      student: recipe.detector,
      ...(recipe.method.terms.length === 0 ? {} : { teacher: detectorForm(pair.teacher) }),
      method: recipe.method,
      ...(recipe.sampling ? { sampling: recipe.sampling } : {}),
      ...{ classes: cocoClasses, batch, size, iterations, profile, onProgress },
    }),
  );
  const about = { pair: pairName(pair), method, batch, ...size, processor: processorName() };
  print(json, { ...about, ...found }, describe(about, found));
}

function describe(
  about: Readonly<Record<'pair' | 'method' | 'processor', string>> &
    Readonly<Record<'batch' | 'height' | 'width', number>>,
  { ms, minMs, maxMs, parts, peakMemoryMiB, operations }: DetectorStep,
): string {
  const { pair, method, batch, height, width, processor } = about;
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
