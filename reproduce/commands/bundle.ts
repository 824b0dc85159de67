import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { create } from 'tar';
import { z } from 'zod';
import { parseCommand, runCommand } from '../../lib/cli';
import { listDatasets } from '../../lib/data';
import { dataDirectory } from '../../lib/data/paths';
import { buildEngine, engineProgressPrinter, enginePlace } from '../../lib/engine/build';
import { manifestName } from '../../lib/engine/cache';
import { programFault, runProgram } from '../../lib/engine/program';
import { type EngineDevice, engineDevices } from '../../lib/engine/versions';
import { optionError, unknownName } from '../../lib/errors';
import { requireWritable } from '../../lib/files';
import { packageRoot } from '../../lib/package-root';
import { inTemporaryFolder } from '../../lib/processes';
import { print, withDataProgress } from './common';

interface BundleOptions {
  readonly device: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly output: string;
  readonly partSize: number;
  readonly json?: true;
}

const command = new Command('npm run bundle --')
  .description(
    'Packs everything for a machine without a network: Node, this package and what it depends on, the built engine with TensorFlow’s libraries, and data sets, in numbered parts with checksums. There: sh unpack.sh TARGET, then TARGET/lab COMMAND.',
  )
  .option('--device <device>', engineDevices.join(', '), 'cpu')
  .option(
    '--data <list>',
    'data sets that are there, or folders below DATA-DIR (embedded ones are packed anyway)',
  )
  .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
  .option('--output <folder>', 'where the parts go; it must be empty', 'bundle')
  .option('--part-size <size>', 'the most a part has: 60M, 2G', sizeInBytes, 60e6)
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(bundle);

function sizeInBytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMG]?)$/.exec(text) ?? [];
  const bytes = Number(number) * { '': 1, K: 1e3, M: 1e6, G: 1e9 }[unit as '' | 'K' | 'M' | 'G'];
  if (bytes >= 1e6) return bytes;
  throw optionError`a size of at least 1M is needed (--part-size): found '${text}'. Write for example --part-size 60M`;
}

interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A script that goes along as it is. */
const script = (name: string): string => join(packageRoot(), 'reproduce', 'bundle', name);

async function bundle(options: BundleOptions): Promise<void> {
  const { output, partSize, json } = options;
  const device = engineDevices.find((known) => known === options.device);
  if (device === undefined) throw unknownName('device', options.device, engineDevices, '--device');
  const folder = resolve(output);
  requireWritable(folder, '--output');
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw optionError`the folder of a bundle must be empty (--output ${output}): found ${readdirSync(folder).length} entries. Name another, or empty it`;
  }
  const data = await dataPaths(options);
  await buildEngine({ device, onProgress: engineProgressPrinter() });
  await inTemporaryFolder('bundle', async (stage) => {
    await stageApp(join(stage, 'app'));
    stageEngine(join(stage, 'cache', 'engine'), device);
    mkdirSync(join(stage, 'data'));
    for (const path of data) symlinkSync(path, join(stage, 'data', basename(path)));
    symlinkSync(process.execPath, join(stage, 'node'));
    copyFileSync(script('lab.sh'), join(stage, 'lab'));
    chmodSync(join(stage, 'lab'), 0o755);
    const unpacked = bytesBelow(stage);
    const parts = await withDataProgress((onProgress) =>
      writeParts(stage, { folder, partSize }, (done) =>
        onProgress({ message: 'packing', unit: 'bytes', done, total: unpacked }),
      ),
    );
    writeFileSync(join(folder, 'KILOBYTES'), `${Math.ceil(unpacked / 1024)}\n`);
    copyFileSync(script('unpack.sh'), join(folder, 'unpack.sh'));
    const sums = parts.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
    writeFileSync(join(folder, 'SHA256SUMS'), sums);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const words = `${output}: ${parts.length} parts of ${(bytes / 1e6).toFixed(0)} MB in all, ${(unpacked / 1e6).toFixed(0)} MB unpacked. Bring the folder over, and run there: sh ${basename(folder)}/unpack.sh TARGET`;
    print(json, { folder, device, parts, bytes, unpackedBytes: unpacked }, words);
  });
}

/** Where the data lie that are asked for: a data set by its name, or a folder of DATA-DIR. */
async function dataPaths({ data = '', dataDir }: BundleOptions): Promise<string[]> {
  const directory = dataDirectory(dataDir);
  const known = await listDatasets({ dataDir: directory });
  return data
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && known.find((one) => one.name === name)?.state !== 'embedded')
    .map((name) => {
      const path = known.find((one) => one.name === name)?.path ?? join(directory, name);
      if (existsSync(path) && basename(path) === path.slice(directory.length + 1)) return path;
      throw optionError`data are not there (--data ${name}): found no ${path}. Fetch them with npm run data, or say with --data-dir where they lie`;
    });
}

/** The compiled package, and what it depends on as it is installed here. */
async function stageApp(app: string): Promise<void> {
  const root = packageRoot();
  mkdirSync(join(app, 'lib', 'engine'), { recursive: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(app, 'dist')];
  const { status, stdout } = await runProgram(process.execPath, [compiler, ...options]);
  if (status !== 0) {
    throw programFault('the package does not compile', 'tsc', stdout, 'Mend what it names');
  }
  for (const name of ['package.json', 'data', 'lib/engine/cpp', 'lib/engine/patches']) {
    symlinkSync(join(root, name), join(app, name));
  }
  for (const place of installedPackages(root)) {
    mkdirSync(dirname(join(app, place)), { recursive: true });
    symlinkSync(join(root, place), join(app, place));
  }
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/** `node_modules/NAME` of each package that is not for development alone; what lies within comes along. */
function installedPackages(root: string): string[] {
  const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lockSchema.parse(lock).packages)
    .filter(([place, { dev, devOptional }]) => {
      const outermost = place.lastIndexOf('node_modules/') === 0;
      return outermost && !dev && !devOptional && existsSync(join(root, place));
    })
    .map(([place]) => place);
}

const manifestSchema = z.object({ files: z.record(z.string(), z.unknown()) });

/** The built engine without the headers, which only a compiler reads. */
function stageEngine(cache: string, device: EngineDevice): void {
  const { root, libraries, binding } = enginePlace(device);
  for (const name of [libraries, binding]) {
    const manifest: unknown = JSON.parse(readFileSync(join(root, name, manifestName), 'utf8'));
    const files = Object.entries(manifestSchema.parse(manifest).files).filter(
      ([file]) => !file.startsWith('tensorflow/include/'),
    );
    for (const [file] of files) {
      mkdirSync(dirname(join(cache, name, file)), { recursive: true });
      symlinkSync(join(root, name, file), join(cache, name, file));
    }
    const kept = { files: Object.fromEntries(files) };
    writeFileSync(join(cache, name, manifestName), JSON.stringify(kept, undefined, 2));
  }
}

/** What no program reads while it runs. */
const isNeeded = (path: string): boolean => !/\.map$|\.d\.[cm]?ts$|\/\.bin\//.test(path);

function bytesBelow(path: string): number {
  if (!isNeeded(path)) return 0;
  const found = statSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}

/** Packs a folder, links followed, into numbered parts; none stays when it fails. */
async function writeParts(
  stage: string,
  { folder, partSize }: { readonly folder: string; readonly partSize: number },
  onBytes: (done: number) => void,
): Promise<Part[]> {
  mkdirSync(folder, { recursive: true });
  const parts: Part[] = [];
  let part = newPart(folder, 1);
  let read = 0;
  const archive = create(
    {
      ...{ cwd: stage, gzip: true, portable: true, follow: true },
      filter: isNeeded,
      onWriteEntry: ({ stat }) => onBytes((read += stat?.size ?? 0)),
    },
    ['app', 'cache', 'data', 'lab', 'node'],
  );
  try {
    for await (const chunk of archive) {
      let rest: Buffer = chunk;
      while (part.bytes + rest.length > partSize) {
        const room = partSize - part.bytes;
        await part.write(rest.subarray(0, room));
        rest = rest.subarray(room);
        parts.push(await part.end());
        part = newPart(folder, parts.length + 1);
      }
      await part.write(rest);
    }
    parts.push(await part.end());
  } catch (error) {
    await part.drop();
    for (const { name } of parts) await rm(join(folder, name), { force: true });
    throw error;
  }
  return parts;
}

/** One part, under another name until it is whole. */
function newPart(
  folder: string,
  number: number,
): {
  readonly bytes: number;
  write(chunk: Buffer): Promise<void>;
  end(): Promise<Part>;
  drop(): Promise<void>;
} {
  const name = `norm-direction-lab.tar.gz.${String(number).padStart(3, '0')}`;
  const path = join(folder, name);
  const stream = createWriteStream(`${path}.unfinished`);
  const hash = createHash('sha256');
  let bytes = 0;
  const end = async (): Promise<void> => {
    stream.end();
    await finished(stream);
  };
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      bytes += chunk.length;
      hash.update(chunk);
      await new Promise<void>((done, fail) => {
        stream.write(chunk, (error) => (error ? fail(error) : done()));
      });
    },
    async end() {
      await end();
      await rename(`${path}.unfinished`, path);
      return { name, bytes, sha256: hash.digest('hex') };
    },
    async drop() {
      await end().catch(() => undefined);
      await rm(`${path}.unfinished`, { force: true });
    },
  };
}

runCommand(() => parseCommand(command));
