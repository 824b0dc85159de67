import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { gigabytes } from '../../lib/files';
import { buildEngine, engineProgressPrinter } from '../../lib/engine/build';
import { cacheRoot, folderBytes } from '../../lib/engine/cache';
import { startEngine } from '../../lib/engine/load';
import { print } from './common';

interface Options {
  gpu?: true;
  force?: true;
  clean?: true;
  json?: true;
}

const command = new Command('npm run engine --')
  .description(
    'Builds the TensorFlow engine into the cache of this user: fetches the pinned wheel through pip (270 MB), unpacks it (850 MB) and compiles the binding. Needs Python 3 with pip and g++. Commands that compute do the same on first use.',
  )
  .option(
    '--gpu',
    'the engine for NVIDIA GPUs: with the CUDA wheels, 3.4 GB to fetch, 5.7 GB unpacked',
  )
  .option('--force', 'build again although it is there')
  .option('--clean', 'remove all built engines from the cache, and build nothing')
  .option('--json', 'print one JSON object on standard output')
  .addHelpText(
    'after',
    '\nNORM_DIRECTION_LAB_CACHE names another place for the cache. npm run doctor tells its state.',
  )
  .action((options: Options) => (options.clean === true ? clean(options) : build(options)));

async function clean({ json }: Options): Promise<void> {
  const folder = join(cacheRoot(), 'engine');
  const bytes = folderBytes(folder);
  await rm(folder, { recursive: true, force: true });
  print(json, { removed: folder, bytes }, `removed ${folder} (${gigabytes(bytes)})`);
}

async function build({ gpu, force, json }: Options): Promise<void> {
  const device = gpu === true ? 'gpu' : 'cpu';
  const built = await buildEngine({
    device,
    force: force === true,
    onProgress: engineProgressPrinter(),
  });
  const engine = await startEngine({ engine: 'native', device });
  const { libraries, binding } = built.seconds;
  print(
    json,
    { ...engine, ...built },
    [
      `TensorFlow ${String(engine.tensorflow)} on the ${engine.device}, ${String(engine.threads)} threads, bfloat16 ${engine.bfloat16}`,
      built.built
        ? `built: libraries ${libraries.toFixed(1)} s, binding ${binding.toFixed(1)} s`
        : 'was built already (--force builds it again)',
      `binding: ${built.binding}`,
    ].join('\n'),
  );
}

runCommand(() => parseCommand(command));
