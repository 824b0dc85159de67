import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { engineError } from '../errors';
import { sha256, writeFault } from '../files';
import { cudaLibraries } from './versions';

/** CUDA's libraries of a host, found for TensorFlow. */
interface HostCuda {
  /** What TensorFlow asks for, and the file that serves. */
  readonly taken: ReadonlyMap<string, string>;
  readonly missing: readonly string[];
  /** The folders that were looked into and are there. */
  readonly places: readonly string[];
}

/**
 * The folders in which a host may have CUDA's libraries: those of LD_LIBRARY_PATH, of Python environments, of the
 * toolkits, of the system.
 *
 * @param root of the file system
 */
function cudaPlaces(environment: NodeJS.ProcessEnv, root = '/'): string[] {
  const named = (environment['LD_LIBRARY_PATH'] ?? '').split(':').filter((path) => path !== '');
  const prefixes = [environment['VIRTUAL_ENV'], environment['CONDA_PREFIX']].filter(
    (prefix) => prefix !== undefined,
  );
  const packages = [
    ...prefixes.flatMap((prefix) =>
      foldersIn(join(prefix, 'lib'), /^python3/).map((python) => join(python, 'site-packages')),
    ),
    ...pythonPath(environment),
  ];
  const toolkits = foldersIn(join(root, 'usr', 'local'), /^cuda/);
  return [
    ...named,
    ...packages.flatMap((folder) =>
      foldersIn(join(folder, 'nvidia'), /./).map((library) => join(library, 'lib')),
    ),
    ...prefixes.map((prefix) => join(prefix, 'lib')),
    ...toolkits.flatMap((toolkit) => [
      join(toolkit, 'lib64'),
      join(toolkit, 'extras', 'CUPTI', 'lib64'),
    ]),
    join(root, 'usr', 'lib', 'x86_64-linux-gnu'),
    join(root, 'usr', 'lib64'),
  ].filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
}

/** Where the Python on the path looks for packages; nowhere without one. */
function pythonPath(environment: NodeJS.ProcessEnv): string[] {
  const script = 'import sys; print("\\n".join(sys.path))';
  const options = { encoding: 'utf8', env: environment, timeout: 10_000 } as const;
  const { status, stdout } = spawnSync('python3', ['-c', script], options);
  return status === 0 ? stdout.split('\n').filter((path) => path !== '') : [];
}

/** The folders of a folder with such a name, the newest version first. */
function foldersIn(folder: string, name: RegExp): string[] {
  return namesIn(folder)
    .filter((entry) => name.test(entry))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((entry) => join(folder, entry));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Looks for each library by its own name, and then by that of the next version of CUDA. */
function findCuda(places: readonly string[]): HostCuda {
  const taken = new Map<string, string>();
  const wanted = cudaLibraries.flatMap(({ files }) => files);
  const names = places.map((place) => ({ place, files: new Set(namesIn(place)) }));
  for (const name of wanted) {
    const found = [name, nextVersion(name)].flatMap((file) =>
      names.filter(({ files }) => files.has(file)).map(({ place }) => join(place, file)),
    )[0];
    if (found !== undefined) taken.set(name, found);
  }
  return { taken, missing: wanted.filter((name) => !taken.has(name)), places };
}

/** `libcublas.so.13` for `libcublas.so.12`. */
function nextVersion(name: string): string {
  return name.replace(/\d+$/, (version) => String(Number(version) + 1));
}

/** What lies beside a library and is opened by it. */
const ofCuda = /^lib(cu|nccl|nv).*\.so/;
const linksName = 'cuda-of-host';

/** Whether the libraries of an engine were packed without CUDA's. */
function wantsHostCuda(libraries: string): boolean {
  const [first] = cudaLibraries;
  const found = lstatSync(join(libraries, first?.folder ?? ''), { throwIfNoEntry: false });
  return found === undefined || found.isSymbolicLink();
}

/**
 * Gives an engine that was packed without CUDA's libraries those of the host: a folder of links beside
 * TensorFlow's, where the binding looks for them. Does nothing for an engine that has its own.
 *
 * @returns in words what was taken, where it was not taken before
 * @throws LabError of kind `engine` that names what the host lacks; of kind `file` where nothing can be written.
 */
export function linkHostCuda(
  libraries: string,
  environment: NodeJS.ProcessEnv = process.env,
  root = '/',
): string | undefined {
  if (!wantsHostCuda(libraries)) return undefined;
  const found = findCuda(cudaPlaces(environment, root));
  const { taken, missing, places } = found;
  if (missing.length > 0) {
    const packages = cudaLibraries
      .filter(({ files }) => files.some((file) => missing.includes(file)))
      .map(({ folder }) => `nvidia-${(folder.split('/')[1] ?? '').replaceAll('_', '-')}-cu12`);
    throw engineError`CUDA's libraries are not all on this host: found no ${missing.join(', ')} in ${places.join(', ') || 'any place'}. Install them (pip install ${packages.join(' ')}), name their folders in LD_LIBRARY_PATH, or bring a bundle made with --cuda carry`;
  }
  const links = new Map<string, string>();
  for (const place of new Set([...taken.values()].map((file) => dirname(file)))) {
    for (const name of namesIn(place)) {
      if (ofCuda.test(name) && !links.has(name)) links.set(name, join(place, name));
    }
  }
  for (const [name, file] of taken) links.set(name, file);
  try {
    return putLinks(libraries, links) ? cudaInWords(taken) : undefined;
  } catch (error) {
    throw writeFault(libraries, error);
  }
}

/** Makes the folder of links, whole or not at all; false where it is there already. */
function putLinks(libraries: string, links: ReadonlyMap<string, string>): boolean {
  const name = `${linksName}-${sha256(JSON.stringify([...links].sort())).slice(0, 16)}`;
  const folder = join(libraries, name);
  const isNew = lstatSync(folder, { throwIfNoEntry: false }) === undefined;
  if (isNew) {
    const unfinished = `${folder}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished);
    for (const [link, file] of links) symlinkSync(file, join(unfinished, link));
    renameSync(unfinished, folder);
  }
  for (const { folder: place } of cudaLibraries) {
    mkdirSync(join(libraries, dirname(place)), { recursive: true });
    putLink(join('..', '..', name), join(libraries, place));
  }
  return isNew;
}

/** In the place of an older link, which another process may read meanwhile. */
function putLink(target: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) && readlinkSync(path) === target) return;
  const unfinished = `${path}.${process.pid}`;
  rmSync(unfinished, { force: true });
  symlinkSync(target, unfinished);
  renameSync(unfinished, path);
}

/** Which folders of the host the libraries are from, and which of another version serve. */
function cudaInWords(taken: ReadonlyMap<string, string>): string {
  const folders = new Map<string, number>();
  for (const file of taken.values()) {
    folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);
  }
  const from = [...folders].map(([folder, count]) => `${folder} (${count})`).join(', ');
  const others = [...taken]
    .filter(([name, file]) => !file.endsWith(`/${name}`))
    .map(([name, file]) => `${file.slice(dirname(file).length + 1)} as ${name}`);
  const served = others.length === 0 ? '' : `; of another version of CUDA: ${others.join(', ')}`;
  return `CUDA's libraries of this host: ${from}${served}`;
}

/** The same of an engine whose libraries are linked; undefined for one that has its own. */
export function hostCudaInWords(libraries: string): string | undefined {
  if (!wantsHostCuda(libraries)) return undefined;
  const taken = cudaLibraries.flatMap(({ folder, files }) =>
    files.map((file) => [file, readlinkSync(join(libraries, folder, file))] as const),
  );
  return cudaInWords(new Map(taken));
}
