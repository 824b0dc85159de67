import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { runCommand } from '../lib/cli';
import {
  balancedSplit,
  fashionClasses,
  fashionFolder,
  fashionPerClass,
} from '../lib/data/fashion-mnist';
import { dataError, LabError } from '../lib/errors';
import { errorCode, sha256, writeAtomic } from '../lib/files';
import { type IdxArray, readIdx, writeIdx } from '../lib/formats/idx';

/**
 * Made the embedded images in data/fashion-mnist:
 *
 *     apt-get install dataset-fashion-mnist
 *     npx tsx reproduce/make-fashion-mnist.ts /usr/share/datasets/fashion-mnist
 *
 * Prints the SHA-256 of each file, which lib/data/fashion-mnist.ts holds and checks.
 */

/** The original files' names begin with these. */
const sourcePrefix = { train: 'train', test: 't10k' } as const;

interface MakeOptions {
  readonly out: string;
  readonly train: number;
  readonly test: number;
}

runCommand(async () => {
  await new Command('make-fashion-mnist')
    .description('Cuts the original Fashion-MNIST down to the embedded, class-balanced part of it.')
    .argument(
      '<source>',
      "folder of the four original files, as Debian's dataset-fashion-mnist has",
    )
    .option('--out <folder>', 'where to write', fashionFolder())
    .option('--train <n>', 'training images a class', Number, fashionPerClass.train)
    .option('--test <n>', 'test images a class', Number, fashionPerClass.test)
    .action(make)
    .parseAsync();
});

function make(source: string, { out, train, test }: MakeOptions): void {
  for (const [split, perClass] of [['train', train] as const, ['test', test] as const]) {
    const where = join(source, sourcePrefix[split]);
    const original = {
      images: readOriginal(`${where}-images-idx3-ubyte.gz`),
      labels: readOriginal(`${where}-labels-idx1-ubyte.gz`),
    };
    const { images, labels } = balancedSplit(original, fashionClasses.length, perClass, where);
    write(join(out, `${split}-images-idx3-ubyte.gz`), images);
    write(join(out, `${split}-labels-idx1-ubyte.gz`), labels);
  }
}

function readOriginal(path: string): IdxArray {
  try {
    return readIdx(gunzipSync(readFileSync(path), { maxOutputLength: 2 ** 26 }), path);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw dataError`an original file of Fashion-MNIST cannot be read (${path}): found ${errorCode(error) ?? String(error)}. Give the folder of the four .gz files: \`apt-get install dataset-fashion-mnist\``;
  }
}

/** Writes without a time or a system in gzip's header, so that every run gives the same bytes. */
function write(path: string, array: IdxArray): void {
  const bytes = gzipSync(writeIdx(array), { level: 9, memLevel: 9 });
  bytes.fill(0, 4, 8);
  bytes[9] = 255;
  writeAtomic(path, bytes);
  process.stdout.write(`${sha256(bytes)}  ${path} (${bytes.length} bytes)\n`);
}
