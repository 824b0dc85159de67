import {
  benchmarkDecoding,
  benchmarkMadeUp,
  type DecodingBenchmark,
} from '../../lib/bench/decoding-benchmark';
import { processorName } from '../../lib/engine/processor';
import { optionError } from '../../lib/errors';
import type { Flags, Texts } from '../grid/settings';
import { print, tableOf, withBenchProgress } from './common';

type BenchDataOptions = Readonly<Record<'data' | 'workers', string>> &
  Readonly<Record<'imageSize' | 'batch' | 'iters' | 'rounds', number>> &
  Texts<'augmentation' | 'torch'> &
  Flags<'skipCorrupt' | 'cached' | 'json'>;

/** `npm run bench -- --data FOLDER`: how fast images are decoded, beside PyTorch's DataLoader. */
export async function benchData(options: BenchDataOptions): Promise<void> {
  const { data, imageSize: size, batch, iters, rounds, torch, json } = options;
  const workers = workerCounts(options.workers);
  const benchmark = data === 'made-up' ? benchmarkMadeUp : benchmarkDecoding;
  const found = await withBenchProgress((onProgress) =>
    benchmark({
      ...{ data, workers, size, batch, iterations: iters, rounds, python: torch, onProgress },
      skipCorrupt: options.skipCorrupt === true,
      cached: options.cached === true,
      augmentation: options.augmentation,
    }),
  );
  const whole = { data, size, batch, processor: processorName(), ...found };
  print(json, whole, describe(found, options));
}

function workerCounts(text: string): number[] {
  const counts = text.split(',').map(Number);
  if (counts.every((count) => Number.isInteger(count) && count >= 1)) return counts;
  throw optionError`the numbers of workers are not whole numbers of at least 1 (--workers): found '${text}'. Write them as 1,2,4`;
}

function describe(
  { passImages, images, rates, torchVersion }: DecodingBenchmark,
  { imageSize: size, cached, augmentation }: BenchDataOptions,
): string {
  const head = ['workers', 'images/s', 'memory, MiB'];
  if (torchVersion !== undefined)
    head.push('DataLoader, images/s', 'memory, MiB', 'ours / DataLoader');
  const table = tableOf(head);
  for (const { workers, imagesPerSecond, memoryMiB, torch } of rates) {
    const row = [String(workers), imagesPerSecond.toFixed(0), String(memoryMiB)];
    if (torch) {
      row.push(torch.imagesPerSecond.toFixed(0), String(torch.memoryMiB), torch.ratio.toFixed(2));
    }
    table.push(row);
  }
  const lines = [
    `${cached ? 'decoded images from memory' : 'decoding'}, ${augmentation ?? 'random crop and flip'} to ${size} × ${size}, normalisation of ${passImages} of ${images} images; ${processorName()}`,
    table.toString(),
  ];
  if (torchVersion !== undefined)
    lines.push(`${torchVersion}; a ratio above 1: this package is faster`);
  return lines.join('\n');
}
