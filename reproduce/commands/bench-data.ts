import CliTable from 'cli-table3';
import { benchmarkDecoding, type DecodingBenchmark } from '../../lib/bench/decoding-benchmark';
import { benchProgress } from '../../lib/bench/progress';
import { optionError } from '../../lib/errors';
import { processorName } from '../../lib/environment';

export interface BenchDataOptions {
  readonly data: string;
  readonly workers: string;
  readonly imageSize: number;
  readonly batch: number;
  readonly iters: number;
  readonly rounds: number;
  readonly skipCorrupt?: true;
  readonly cached?: true;
  readonly augmentation?: string;
  readonly torch?: string;
  readonly json?: true;
}

/** `npm run bench -- --data FOLDER`: how fast images are decoded, beside PyTorch's DataLoader. */
export async function benchData(options: BenchDataOptions): Promise<void> {
  const { data, imageSize: size, batch, iters, rounds, torch, json } = options;
  const { report, stop } = benchProgress();
  let found: DecodingBenchmark;
  try {
    found = await benchmarkDecoding({
      data,
      workers: workerCounts(options.workers),
      size,
      batch,
      iterations: iters,
      rounds,
      skipCorrupt: options.skipCorrupt === true,
      cached: options.cached === true,
      augmentation: options.augmentation,
      python: torch,
      onProgress: report,
    });
  } finally {
    stop();
  }
  const whole = { data, size, batch, processor: processorName(), ...found };
  process.stdout.write(json ? `${JSON.stringify(whole)}\n` : `${describe(found, options)}\n`);
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
  const table = new CliTable({ head, style: { head: [], border: [] } });
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
