import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { applyPatch, parsePatch } from 'diff';
import { engineError } from '../errors';
import { sha256 } from '../files';
import { type BuildTools, programFault, runProgram, toolRemedies } from './program';
import { cudaLibraries, type EngineDevice, napiVersion } from './versions';

/** A folder of files beside these sources that the TypeScript compiler does not copy. */
function sourceFolder(name: 'cpp' | 'patches'): string {
  // The compiled package lies in dist/lib/engine.
  const candidates = [
    join(__dirname, name),
    join(__dirname, '..', '..', '..', 'lib', 'engine', name),
  ];
  const found = candidates.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(`the package lacks ${candidates.join(' and ')}`);
  return found;
}

/** The patch files that ship with this package, in the order in which they apply. */
export function listPatches(folder: string = sourceFolder('patches')): string[] {
  return filesOf(folder).filter((path) => path.endsWith('.patch'));
}

/**
 * Applies unified diffs to the files of a folder; a diff names its file as in `b/tfjs_backend.cc`,
 * of which the last part counts.
 *
 * @throws LabError of kind `engine` when a diff does not fit the sources.
 */
export function applyPatches(patches: readonly string[], folder: string): void {
  for (const patch of patches) {
    for (const change of parsePatch(readFileSync(patch, 'utf8'))) {
      const name = basename(change.newFileName ?? '');
      const path = join(folder, name);
      const patched = existsSync(path) && applyPatch(readFileSync(path, 'utf8'), change);
      if (patched === false) {
        throw engineError`a patch does not fit the sources of the binding (${basename(patch)}, ${name || 'no file named'}). Install the pinned packages again with npm ci`;
      }
      writeFileSync(path, patched);
    }
  }
}

export const bindingName = 'tfjs_binding.node';
export const quietName = 'quiet.node';
export const operationsName = 'operations.node';
export const imagesName = 'images.node';

const compileFlags = [
  ...['-O2', '-std=c++17', '-shared', '-fPIC'],
  `-DNAPI_VERSION=${String(napiVersion)}`,
];
/**
 * Loops over vectors of numbers, square roots among them, wider than some calling conventions know; TensorFlow's own
 * settings for its headers.
 */
const operationFlags = [
  '-O3',
  '-fno-math-errno',
  '-Wno-psabi',
  '-Wno-deprecated-declarations',
  '-DNDEBUG',
  '-DEIGEN_MAX_ALIGN_BYTES=64',
];

/**
 * Everything that decides what the compiled binding is, but for the libraries it is linked to and the compiler: asking
 * that one would cost every command a process, and a bundle brings none. `npm run engine -- --force` takes a newer one.
 */
export function compileInputs(device: EngineDevice): Record<string, string> {
  return {
    flags: [...compileFlags, ...operationFlags, ...linkFlags(device, '', '')].join(' '),
    architecture: `${process.platform}-${process.arch}`,
    sources: digestFiles([
      ...bindingSources(),
      quietSource(),
      ...operationSources(),
      ...imageSources(),
    ]),
    patches: digestFiles(listPatches()),
  };
}

/**
 * Compiles the binding's two C++ files, with this package's patches, and this package's own add-ons
 * into `folder`. `libraries` is the unpacked TensorFlow and lies beside `folder`: the binding finds
 * it by a path relative to itself, so that the cache can be moved.
 *
 * @throws LabError of kind `engine` with the compiler's own words when it fails.
 */
export async function compileBinding(
  tools: BuildTools,
  device: EngineDevice,
  libraries: string,
  folder: string,
): Promise<void> {
  const copies = join(folder, 'sources');
  mkdirSync(copies);
  for (const path of bindingSources()) copyFileSync(path, join(copies, basename(path)));
  applyPatches(listPatches(), copies);
  const headers = `-I${join(libraries, 'tensorflow', 'include')}`;
  const links = linkFlags(device, libraries, basename(libraries));
  await Promise.all([
    compile(tools, join(folder, bindingName), [headers, ...cppOf(filesOf(copies)), ...links]),
    compile(tools, join(folder, quietName), [quietSource()]),
    compileOperations(tools, device, libraries, join(folder, operationsName)),
    compile(tools, join(folder, imagesName), [
      ...[...operationFlags, headers, `-I${join(sourceFolder('cpp'), 'images')}`],
      ...[...cppOf(imageSources()), ...links],
    ]),
  ]);
  rmSync(copies, { recursive: true });
}

/**
 * Compiles this package's own operations alone, into a folder beside the libraries.
 *
 * @param more flags of the compiler, as those of its sanitizers
 */
export async function compileOperations(
  tools: BuildTools,
  device: EngineDevice,
  libraries: string,
  file: string,
  more: readonly string[] = [],
): Promise<void> {
  await compile(tools, file, [
    ...operationFlags,
    ...more,
    `-I${join(libraries, 'tensorflow', 'include')}`,
    ...cppOf(operationSources()),
    ...linkFlags(device, libraries, basename(libraries)),
  ]);
}

async function compile(tools: BuildTools, result: string, args: string[]): Promise<void> {
  const { status, stderr } = await runProgram(tools.compiler, [
    ...compileFlags,
    `-I${tools.nodeHeaders}`,
    ...args,
    ...['-o', result],
  ]);
  if (status === 0) return;
  throw programFault(
    'the binding to TensorFlow does not compile',
    tools.compiler,
    stderr,
    `A newer compiler may help (g++ 9 or later). ${toolRemedies.compiler}`,
  );
}

function linkFlags(device: EngineDevice, libraries: string, name: string): string[] {
  const folders = ['tensorflow', ...(device === 'gpu' ? cudaLibraries.map((l) => l.folder) : [])];
  const links = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
  // TensorFlow opens CUDA's libraries by name when it first needs them, and finds those that are
  // loaded already; its own search path would miss most of them here.
  const cuda = device === 'gpu' ? cudaLibraries.flatMap((l) => l.files) : [];
  return [
    ...folders.flatMap((folder) => [
      `-L${join(libraries, folder)}`,
      `-Wl,-rpath,$ORIGIN/../${name}/${folder}`,
    ]),
    ...links.map((file) => `-l:${file}`),
    '-Wl,--no-as-needed',
    ...cuda.map((file) => `-l:${file}`),
  ];
}

function bindingSources(): string[] {
  const folder = join(
    dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')),
    'binding',
  );
  return filesOf(folder).filter((path) => /\.(cc|h)$/.test(path));
}

function quietSource(): string {
  return join(sourceFolder('cpp'), 'quiet.cc');
}

function operationSources(): string[] {
  return filesOf(join(sourceFolder('cpp'), 'operations'));
}

function imageSources(): string[] {
  return filesOf(join(sourceFolder('cpp'), 'images'));
}

/** A folder's files, in the order of their names. */
function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

function cppOf(paths: readonly string[]): string[] {
  return paths.filter((path) => path.endsWith('.cc'));
}

function digestFiles(paths: readonly string[]): string {
  return sha256(paths.map((path) => `${basename(path)} ${sha256(readFileSync(path))}\n`).join(''));
}
