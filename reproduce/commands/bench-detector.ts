import {
  benchmarkDetectorStep,
  compareDetectorStep,
  type DetectorStep,
} from '../../lib/bench/detector-step';
import { requirePython, type TorchComparison } from '../../lib/bench/torch';
import { type Precision, requirePrecision } from '../../lib/engine/precision';
import { processorName } from '../../lib/engine/processor';
import { detectorForm, detectorNames, requirePair } from '../../lib/runs/detection-recipe';
import { optionError } from '../../lib/errors';
import { pairName } from '../../lib/runs/grid';
import { startEngine } from '../../lib/engine/load';
import { table3Recipe } from '../recipes/table3';
import { describeTorch, onePair } from './bench-text';
import { print, tableOf, withBenchProgress } from './common';

const cocoClasses = 80;
/** Images of COCO are mostly four to three. */
const shape = 4 / 3;

/** `npm run bench -- --detector r101-fpn:r18-fpn`: a training step of table 3 on made-up images. */
export async function benchDetector(options: {
  readonly detector: string;
  readonly method: string;
  readonly precision: Precision;
  readonly batch: number;
  readonly shortSide: number;
  readonly iterations: number;
  readonly profile: boolean;
  /** A Python with PyTorch and torchvision. */
  readonly torch?: string;
  readonly rounds: number;
  readonly json?: true;
}): Promise<void> {
  const { method, precision, batch, shortSide, iterations, profile, torch, rounds, json } = options;
  const option = '--detector';
  const example = 'r101-fpn:r18-fpn';
  const pair = onePair(options.detector, { option, known: detectorNames, example });
  requirePair(pair, option);
  const recipe = table3Recipe(pair, method);
  if (torch !== undefined) {
    if (method !== 'kd++')
      throw optionError`PyTorch makes a detector's KD++ step only (--method): found '${method}'. Take --method kd++ with --torch`;
    await requirePython(torch, 'torchvision', '--torch');
  }
  const engine = await startEngine({ tf32: precision === 'tf32' });
  requirePrecision(precision, engine, (notice) => process.stderr.write(`bench: ${notice}\n`));
  const size = { height: shortSide, width: Math.round(shortSide * shape) };
  const found = await withBenchProgress(
    async (onProgress): Promise<DetectorStep & { readonly torch?: TorchComparison }> => {
      const step = {
        student: recipe.detector,
        ...(recipe.method.terms.length === 0 ? {} : { teacher: detectorForm(pair.teacher) }),
        method: recipe.method,
        ...(recipe.sampling ? { sampling: recipe.sampling } : {}),
        ...{ classes: cocoClasses, precision, batch, size, iterations, profile, onProgress },
      };
      if (torch === undefined) return benchmarkDetectorStep(step);
      const place = { python: torch, device: engine.gpu ? 'cuda' : 'cpu' } as const;
      const rival = { ...place, precision, threads: engine.threads, rounds };
      return compareDetectorStep(step, pair, rival);
    },
  );
  const about = {
    pair: pairName(pair),
    method,
    precision,
    batch,
    ...size,
    processor: processorName(),
  };
  print(json, { ...about, ...found }, describe(about, found));
}

function describe(
  about: Readonly<Record<'pair' | 'method' | 'precision' | 'processor', string>> &
    Readonly<Record<'batch' | 'height' | 'width', number>>,
  {
    ms,
    minMs,
    maxMs,
    parts,
    peakMemoryMiB,
    operations,
    torch,
  }: DetectorStep & { readonly torch?: TorchComparison },
): string {
  const { pair, method, precision, batch, height, width, processor } = about;
  const images = batch === 1 ? 'one image' : `${batch} images`;
  const lines = [
    `Training step of ${pair}, ${method}, ${precision}, ${images} of ${width} × ${height}: ${seconds(ms)} s (${seconds(minMs)}–${seconds(maxMs)}); ` +
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
  if (torch) lines.push(describeTorch(torch));
  return lines.join('\n');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
