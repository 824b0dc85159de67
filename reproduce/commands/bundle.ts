import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { parseCommand, runCommand } from '../../lib/cli';
import { listDatasets } from '../../lib/data/registry';
import { dataDirectory } from '../../lib/data/paths';
import { buildEngine, engineProgressPrinter, enginePlace } from '../../lib/engine/build';
import { manifestName } from '../../lib/engine/cache';
import { programFault, runProgram } from '../../lib/engine/program';
import { cudaLibraries, type EngineDevice, engineDevices } from '../../lib/engine/versions';
import { LabError, optionError, resultsError, unknownName } from '../../lib/errors';
import { requireWritable, writeAtomic } from '../../lib/files';
import { packageRoot } from '../../lib/package-root';
import { inTemporaryFolder } from '../../lib/processes';
import { allRuns, recordFiles, verifyRun } from '../../lib/runs/merge';
import { installedPackages } from '../bundle/installed';
import { writeParts } from '../bundle/parts';
import { registerDatasets } from '../datasets';
import { print, withDataProgress } from './common';

interface CommonOptions {
  readonly output?: string;
  readonly partSize: number;
  readonly compression: number;
  readonly json?: true;
}

interface BundleOptions extends CommonOptions {
  readonly device: string;
  readonly cuda?: string;
  readonly data?: string;
  readonly dataDir?: string;
}

interface CollectOptions extends CommonOptions {
  readonly runs: string;
  readonly results: string;
}

const command = new Command('npm run bundle --')
  .description(
    'Packs everything for a machine without a network: Node, this package and what it depends on, the built engine with TensorFlow’s libraries, and data sets, in numbered parts with checksums. There: sh unpack.sh TARGET, then TARGET/lab COMMAND.',
  )
  .option('--device <device>', engineDevices.join(', '), 'cpu')
  .option(
    '--cuda <choice>',
    'with --device gpu: carry CUDA’s libraries, or leave them to the host, where they are found at the start (default: carry)',
  )
  .option(
    '--data <list>',
    'data sets that are there, or folders below DATA-DIR (embedded ones are packed anyway)',
  )
  .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
  .addOption(
    new Option(
      '--collect',
      'pack the records of finished runs instead (no weights), to be brought back: npm run merge takes them',
    ).conflicts(['device', 'cuda', 'data', 'dataDir']),
  )
  .option(
    '--runs <glob>',
    'which runs to collect, by STUDY/PAIR/METHOD/seed-N: * within a name, ** across them',
    '**',
  )
  .option('--results <path>', 'where the runs to collect lie', 'results')
  .option(
    '--output <folder>',
    'where the parts go; it must be empty (default: bundle, or collected)',
  )
  .option('--part-size <size>', 'the most a part has: 60M, 2G', sizeInBytes, 60e6)
  .option('--compression <level>', 'of gzip: 0 packs fastest, 9 smallest', gzipLevel, 6)
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action((options: BundleOptions & CollectOptions & { collect?: true }) => {
    if (options.collect) return collect(options);
    for (const name of ['runs', 'results']) {
      if (command.getOptionValueSource(name) === 'default') continue;
      throw optionError`runs are packed with --collect alone (--${name}): found no --collect. Add it, or leave --${name} out`;
    }
    return bundle(options);
  });

function sizeInBytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMG]?)$/.exec(text) ?? [];
  const bytes = Number(number) * { '': 1, K: 1e3, M: 1e6, G: 1e9 }[unit as '' | 'K' | 'M' | 'G'];
  if (bytes >= 1e6) return bytes;
  throw optionError`a size of at least 1M is needed (--part-size): found '${text}'. Write for example --part-size 60M`;
}

function gzipLevel(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw optionError`a level of gzip is needed (--compression): found '${text}'. Write a number from 0 to 9`;
}

/** A script that goes along as it is. */
const script = (name: string): string => join(packageRoot(), 'reproduce', 'bundle', name);

/** The folder of the parts, which holds nothing yet. */
function emptyFolder(output: string): string {
  const folder = resolve(output);
  requireWritable(folder, '--output');
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw optionError`the folder of a bundle must be empty (--output ${output}): found ${readdirSync(folder).length} entries. Name another, or empty it`;
  }
  return folder;
}

async function bundle(options: BundleOptions): Promise<void> {
  const { output = 'bundle', partSize, compression: level, json } = options;
  if (!existsSync(script('lab.sh'))) {
    throw optionError`only --collect works without the scripts that the package leaves out (bundle): found no reproduce/bundle/. Run npm run bundle in a clone of the repository`;
  }
  const device = engineDevices.find((known) => known === options.device);
  if (device === undefined) throw unknownName('device', options.device, engineDevices, '--device');
  const cuda = cudaChoices.find((choice) => choice === (options.cuda ?? 'carry'));
  if (cuda === undefined) throw unknownName('choice', options.cuda ?? '', cudaChoices, '--cuda');
  if (options.cuda !== undefined && device !== 'gpu') {
    throw optionError`CUDA belongs to an engine for a GPU (--cuda ${cuda}): found --device ${device}. Add --device gpu, or leave --cuda out`;
  }
  const folder = emptyFolder(output);
  const data = await dataPaths(options);
  await buildEngine({ device, onProgress: engineProgressPrinter() });
  await inTemporaryFolder('bundle', async (stage) => {
    await stageApp(join(stage, 'app'));
    stageEngine(join(stage, 'cache', 'engine'), device, cuda);
    mkdirSync(join(stage, 'data'));
    for (const path of data) symlinkSync(path, join(stage, 'data', basename(path)));
    symlinkSync(process.execPath, join(stage, 'node'));
    copyFileSync(script('lab.sh'), join(stage, 'lab'));
    chmodSync(join(stage, 'lab'), 0o755);
    const unpacked = bytesBelow(stage);
    const parts = await withDataProgress((onProgress) =>
      writeParts({
        ...{ root: stage, paths: ['app', 'cache', 'data', 'lab', 'node'], filter: isNeeded },
        ...{ folder, name: 'norm-direction-lab', partSize, level },
        // The archive's own headers come on top.
        onBytes: (read) => {
          const done = Math.min(read, unpacked);
          onProgress({ message: 'packing', unit: 'bytes', done, total: unpacked });
        },
      }),
    );
    writeAtomic(join(folder, 'KILOBYTES'), `${Math.ceil(unpacked / 1024)}\n`);
    writeAtomic(join(folder, 'unpack.sh'), readFileSync(script('unpack.sh')));
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const words = `${output}: ${parts.length} parts of ${(bytes / 1e6).toFixed(0)} MB in all, ${(unpacked / 1e6).toFixed(0)} MB unpacked. Bring the folder over, and run there: sh ${quoted(`${basename(folder)}/unpack.sh`)} TARGET`;
    print(json, { folder, device, parts, bytes, unpackedBytes: unpacked }, words);
  });
}

/** As a shell takes a path. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

/** Packs what finished runs have recorded. */
async function collect(options: CollectOptions): Promise<void> {
  const { output = 'collected', partSize, compression: level, runs, results, json } = options;
  const folder = emptyFolder(output);
  const asked = allRuns(results).filter(({ name }) => matches(name, runs));
  if (asked.length === 0) {
    throw optionError`no run has such a name (--runs ${runs}): found ${allRuns(results).length} runs in ${results}. Name a study, or ** for all, and with --results where they lie`;
  }
  const left: { readonly run: string; readonly why: string }[] = [];
  const whole = asked.filter(({ name, directory }) => {
    try {
      verifyRun(results, directory);
      return true;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      left.push({ run: name, why: error.problem });
      return false;
    }
  });
  if (whole.length === 0) {
    throw resultsError`no run can be brought back (--runs ${runs}): found ${left.map(({ why }) => why).join('; ')}. Let them finish: the same command goes on`;
  }
  const paths = whole.flatMap(({ name, directory }) =>
    recordFiles
      .filter((file) => existsSync(join(directory, file)))
      .map((file) => `runs/${name}/${file}`),
  );
  const parts = await writeParts({
    ...{ root: resolve(results), paths, folder, name: 'runs', partSize, level },
  });
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const lines = [
    `${output}: ${whole.length} runs in ${parts.length} parts of ${(bytes / 1e3).toFixed(0)} kB in all. Bring the folder to where the results are gathered: merge takes it there`,
    ...left.map(({ run, why }) => `left out: ${run}: ${why}`),
  ];
  const names = whole.map(({ name }) => name);
  print(json, { folder, runs: names, left, parts, bytes }, lines.join('\n'));
}

/** Whether a run's name, or that of a folder above it, is one that a pattern names. */
function matches(name: string, pattern: string): boolean {
  const expression = pattern
    .split(/(\*\*|\*|\?)/)
    .map(
      (part) =>
        ({ '**': '.*', '*': '[^/]*', '?': '[^/]' })[part] ??
        part.replace(/[.+^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^(?:${expression})(?:/|$)`).test(name);
}

/** Where the data lie that are asked for: what `npm run data` lists, by its name, or a folder of DATA-DIR. */
async function dataPaths({ data = '', dataDir }: BundleOptions): Promise<string[]> {
  registerDatasets();
  const directory = dataDirectory(dataDir);
  const known = await listDatasets({ dataDir: directory });
  const paths = data
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && known.find((one) => one.name === name)?.state !== 'embedded')
    .map((name) => {
      const path = known.find((one) => one.name === name)?.path ?? join(directory, name);
      if (existsSync(path) && basename(path) === path.slice(directory.length + 1)) return path;
      throw optionError`data are not there (--data ${name}): found no ${path}. Fetch them with npm run data, or say with --data-dir where they lie`;
    });
  return [...new Set(paths)];
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
  mkdirSync(join(app, 'test', 'fixtures'), { recursive: true });
  const reference = 'test/fixtures/reference';
  for (const name of ['package.json', 'data', 'lib/engine/cpp', 'lib/engine/patches', reference]) {
    symlinkSync(join(root, name), join(app, name));
  }
  for (const place of installedPackages(root)) {
    mkdirSync(dirname(join(app, place)), { recursive: true });
    symlinkSync(join(root, place), join(app, place));
  }
}

const manifestSchema = z.object({ files: z.record(z.string(), z.unknown()) });

const cudaChoices = ['carry', 'host'] as const;

/** The built engine without the headers, which only a compiler reads, and without what is left to the host. */
function stageEngine(
  cache: string,
  device: EngineDevice,
  cuda: (typeof cudaChoices)[number],
): void {
  const left = [
    'tensorflow/include/',
    ...(cuda === 'host' ? cudaLibraries.map((library) => `${library.folder}/`) : []),
  ];
  const { root, libraries, binding } = enginePlace(device);
  for (const name of [libraries, binding]) {
    const manifest: unknown = JSON.parse(readFileSync(join(root, name, manifestName), 'utf8'));
    const files = Object.entries(manifestSchema.parse(manifest).files).filter(
      ([file]) => !left.some((place) => file.startsWith(place)),
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

runCommand(() => parseCommand(command));
