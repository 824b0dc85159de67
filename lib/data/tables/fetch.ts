import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataError, fileError, LabError, optionError, unknownName } from '../../errors';
import { freeBytes, gigabytes, hashFile, writeFault } from '../../files';
import { decodeDetectronPickle } from '../../formats/detectron-pickle';
import { requireNotedDigest, writeDigest } from '../../formats/sha256sum';
import { readWeights } from '../../formats/weights';
import { unzip } from '../../formats/unzip';
import { type Checksum, download, type DownloadOptions, wrongDigest } from '../download';
import { mirrored } from '../download-source';
import { isFile, isFolder } from '../paths';
import type { OnDataProgress } from '../progress';
import { fileRanges, type RangeSource, serverRanges } from '../ranges';
import { unpackImageNet } from './imagenet';
import type { ArchiveNeed, FileNeed, Need } from './needs';
import {
  destinationOf,
  entriesIn,
  fileOf,
  needStatus,
  type NeedStatus,
  unfinished,
} from './places';

export interface FetchNeedsOptions extends Pick<
  DownloadOptions,
  'retries' | 'retryDelay' | 'idleTimeout' | 'signal'
> {
  /** Absolute. */
  readonly dataDir: string;
  /** Names of needs, or kinds of them; all by default. */
  readonly only?: readonly string[] | undefined;
  /** A folder of another server that has all files under their own names. */
  readonly mirror?: string | undefined;
  /** Files that were fetched by other means, told apart by their names. */
  readonly from?: readonly string[] | undefined;
  /** How many connections are open at once; default 4. */
  readonly connections?: number | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

/** What became of a need. */
export interface FetchedNeed extends NeedStatus {
  readonly outcome: 'there' | 'fetched' | 'failed' | 'on request';
  /** Of a file that is kept as it is. */
  readonly sha256: string | null;
  /** Why it is not there. */
  readonly fault: string | null;
}

/**
 * Brings what is missing of some needs into the data directory: files at once over several connections,
 * archives in parts. What fails is reported; all else goes on.
 *
 * @throws LabError of kind `option` for a name that is not known or a file that is not there; `file` when
 *   the disk has no room for all of it; `interrupted` when the user stops.
 */
export async function fetchNeeds(
  needs: readonly Need[],
  options: FetchNeedsOptions,
): Promise<FetchedNeed[]> {
  const { dataDir, connections = 4 } = options;
  const chosen = chosenNeeds(needs, options.only);
  const given = givenFiles(chosen, options.from ?? []);
  if (options.mirror !== undefined) mirrored(options.mirror, '', '--mirror');
  requireRoom(chosen, given, dataDir);
  const progress = sumOfProgress(chosen, given, options);
  const context = { ...options, connections, given, progress };
  const results = new Map<string, FetchedNeed>();
  const bring = async (need: Need): Promise<void> => {
    results.set(need.name, await brought(need, context));
  };
  const files = chosen.filter(({ kind }) => kind === 'weights' || kind === 'class-means');
  await inParallel(files, connections, bring);
  for (const need of chosen) if (!files.includes(need)) await bring(need);
  return chosen.flatMap(({ name }) => results.get(name) ?? []);
}

interface Context extends FetchNeedsOptions {
  readonly connections: number;
  readonly given: ReadonlyMap<string, string>;
  readonly progress: (name: string, bytes: number) => void;
}

/** @throws LabError of kind `option` for a name that is neither a need's nor a kind's. */
export function chosenNeeds(
  needs: readonly Need[],
  only: readonly string[] | undefined,
): readonly Need[] {
  if (only === undefined) return needs;
  const known = [...new Set([...needs.map(({ name }) => name), ...needs.map(({ kind }) => kind)])];
  const unknown = only.find((name) => !known.some((each) => each === name));
  if (unknown !== undefined) throw unknownName('part of a table', unknown, known, '--only');
  return needs.filter(({ name, kind }) => only.includes(name) || only.includes(kind));
}

function namesOf(need: Need): string[] {
  return need.kind === 'on request'
    ? Object.values(need.archives).map(({ fileName }) => fileName)
    : [need.fileName];
}

/** The given files by their names. */
function givenFiles(needs: readonly Need[], from: readonly string[]): ReadonlyMap<string, string> {
  const known = needs.flatMap(namesOf);
  return new Map(
    from.map((path) => {
      const name = basename(path);
      if (!known.includes(name)) throw unknownName('file', name, known, '--from');
      if (isFile(path)) return [name, path];
      throw optionError`no such file (--from): found '${path}'. Give the path of a file on this machine`;
    }),
  );
}

function requireRoom(
  needs: readonly Need[],
  given: ReadonlyMap<string, string>,
  dataDir: string,
): void {
  const needed = needs.reduce((sum, need) => sum + missingBytes(need, given, dataDir), 0);
  const free = freeBytes(dataDir);
  if (needed <= free) return;
  throw fileError`the disk has no room for what is missing (${dataDir}): found ${gigabytes(free)} free, ${gigabytes(needed)} are needed. Free some space, name another place with --data-dir, or fetch a part with --only`;
}

/** How much of the disk a need still takes. */
function missingBytes(need: Need, given: ReadonlyMap<string, string>, dataDir: string): number {
  const { share } = needStatus(need, dataDir);
  if (need.kind === 'on request' && !given.has(need.archives.train.fileName)) return 0;
  const whole =
    need.kind === 'archive' && 'files' in need.keep ? need.keep.unpackedBytes : need.bytes;
  return Math.ceil(whole * (1 - share));
}

/** One progress of all that is fetched, as several files come at once. */
function sumOfProgress(
  needs: readonly Need[],
  given: ReadonlyMap<string, string>,
  { dataDir, onProgress }: FetchNeedsOptions,
): Context['progress'] {
  const bytes = new Map<string, number>();
  const total = needs
    .filter((need) => missingBytes(need, given, dataDir) > 0)
    .reduce((sum, need) => sum + need.bytes, 0);
  return (name, done) => {
    bytes.set(name, done);
    const sum = [...bytes.values()].reduce((all, each) => all + each, 0);
    onProgress?.({ message: 'fetching', unit: 'bytes', done: sum, total: Math.max(sum, total) });
  };
}

async function inParallel<Item>(
  items: readonly Item[],
  count: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: count }, worker));
  const fault = results.find((result) => result.status === 'rejected');
  if (fault !== undefined) throw fault.reason;
}

async function brought(need: Need, context: Context): Promise<FetchedNeed> {
  const { dataDir } = context;
  const before = needStatus(need, dataDir);
  let outcome: FetchedNeed['outcome'] = before.state === 'present' ? 'there' : 'fetched';
  try {
    if (need.kind === 'on request') {
      const archives = namesOf(need).flatMap((name) => context.given.get(name) ?? []);
      if (before.state !== 'present' && archives.length === 0) outcome = 'on request';
      else if (archives.length > 0) await unpackImageNet(need, context);
    } else if (need.kind === 'archive') {
      if (before.state !== 'present') await bringArchive(need, context);
    } else if (before.state === 'missing') await bringFile(need, context);
    else if (before.state === 'unchecked') {
      await requireRight(need, before.path);
      outcome = 'there';
    }
    const sha256 =
      need.kind === 'weights' || need.kind === 'class-means' ? await noted(need, dataDir) : null;
    return { ...needStatus(need, dataDir), outcome, sha256, fault: null };
  } catch (error) {
    if (!(error instanceof LabError) || error.kind === 'interrupted') throw error;
    return {
      ...needStatus(need, dataDir),
      outcome: 'failed',
      sha256: null,
      fault: error.message,
    };
  }
}

/** The SHA-256 of a file that is right; noted beside it where it was not. */
async function noted(need: FileNeed, dataDir: string): Promise<string | null> {
  const path = fileOf(need, dataDir);
  if (path === undefined) return null;
  const digest = await hashFile(path);
  requireNotedDigest(path, digest);
  writeDigest(path, digest);
  return digest;
}

/** @throws LabError of kind `data` for a file that lies there and is another than the published one. */
async function requireRight({ checksum }: FileNeed, path: string): Promise<void> {
  const found = await wrongDigest(path, checksum);
  if (found === undefined) return;
  throw dataError`a file is another than the published one (${path}): found ${found}. Move it away and run the same command again`;
}

async function bringFile(need: FileNeed, context: Context): Promise<void> {
  const { dataDir, given, progress } = context;
  const { fileName, checksum, name } = need;
  const destination = destinationOf(need, dataDir);
  const path = given.get(fileName);
  if (path !== undefined) await copyRight(path, destination, checksum);
  else {
    await download({
      ...transfer(context),
      url: addressOf(need, context),
      destination,
      checksum,
      onProgress: ({ done }) => progress(name, done),
    });
  }
  if (checksum === undefined) await requireReadable(destination);
}

/** Where nobody published a checksum, a file must at least hold weights. @throws LabError of kind `data` */
async function requireReadable(path: string): Promise<void> {
  try {
    if (path.endsWith('.pkl')) decodeDetectronPickle(await readFile(path), path);
    else await readWeights(path);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const aside = `${path}.wrong`;
    await rename(path, aside);
    throw dataError.because(
      error,
    )`what came holds no weights (${path}): found ${error.problem}. It is kept as ${aside} and not used: get the file from elsewhere`;
  }
}

function transfer({
  retries,
  retryDelay,
  idleTimeout,
  signal,
}: Context): Pick<DownloadOptions, 'retries' | 'retryDelay' | 'idleTimeout' | 'signal'> {
  return {
    signal,
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  };
}

function addressOf({ url, fileName }: FileNeed | ArchiveNeed, { mirror }: Context): string {
  return mirror === undefined ? url : mirrored(mirror, fileName, '--mirror');
}

async function copyRight(
  path: string,
  destination: string,
  checksum: Checksum | undefined,
): Promise<void> {
  await requireGiven(path, checksum);
  const temporary = `${destination}.copy`;
  try {
    await mkdir(dirname(destination), { recursive: true });
    await copyFile(path, temporary);
    await rename(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeFault(destination, error);
  }
}

async function requireGiven(path: string, checksum: Checksum | undefined): Promise<void> {
  const found = await wrongDigest(path, checksum);
  if (found === undefined) return;
  throw dataError`a given file has the wrong checksum (${path}): found ${found}. It is damaged or another one, and not used: get it from elsewhere`;
}

/**
 * Unpacks an archive as it comes. Only where the server does not give parts of a file, it is fetched whole and
 * removed afterwards.
 */
async function bringArchive(need: ArchiveNeed, context: Context): Promise<void> {
  const { dataDir, given, progress } = context;
  const { fileName, checksum, name, folder, bytes } = need;
  const whole = join(dataDir, folder, fileName);
  const path = given.get(fileName) ?? (isFile(whole) ? whole : undefined);
  if (path !== undefined) {
    await requireGiven(path, checksum);
    return unpack(need, path, fileRanges(path), context);
  }
  const url = addressOf(need, context);
  const source = await serverRanges({ ...transfer(context), url, destination: whole });
  if (source !== undefined) return unpack(need, url, source, context);
  const free = freeBytes(dataDir);
  if (2 * bytes > free) {
    throw fileError`the server gives the archive as a whole only, and the disk has no room for it beside its files (${url}): found ${gigabytes(free)} free, ${gigabytes(2 * bytes)} are needed. Free some space, or take a server that gives parts of a file (--mirror)`;
  }
  const onProgress: OnDataProgress = ({ done }) => progress(name, done);
  await download({ ...transfer(context), url, destination: whole, checksum, onProgress });
  await unpack(need, whole, fileRanges(whole), context);
  await rm(whole);
}

async function unpack(
  { name, folder, keep, bytes: expected }: ArchiveNeed,
  where: string,
  source: RangeSource,
  { dataDir, connections, progress }: Context,
): Promise<void> {
  if (source.size !== expected) throw otherArchive(where, `${source.size} of ${expected} bytes`);
  const root = join(dataDir, folder);
  const onProgress = ({ bytes }: { readonly bytes: number }): void => progress(name, bytes);
  const options = { where, connections, onProgress };
  if ('files' in keep) {
    const there = await unzip(source, {
      ...options,
      destinationOf: (entry) => (keep.files.includes(entry) ? join(root, entry) : undefined),
    });
    if (there === keep.files.length) return;
    throw otherArchive(where, `${there} of ${keep.files.join(' and ')}`);
  }
  const destination = join(root, keep.images);
  const inProgress = unfinished(destination);
  // What somebody unpacked in part is filled up.
  if (entriesIn(destination) > 0) await renameAnew(destination, inProgress);
  const there = await unzip(source, {
    ...options,
    destinationOf(entry) {
      const image = imageName(entry, keep.images);
      return image === undefined ? undefined : join(inProgress, image);
    },
  });
  if (there !== keep.count) {
    const aside = `${destination}.wrong`;
    await rm(aside, { recursive: true, force: true });
    await rename(inProgress, aside);
    const found = `${there} of ${keep.count} images of ${keep.images}/`;
    throw otherArchive(where, found, `What came is kept as ${aside} and not used. `);
  }
  await rename(inProgress, destination);
}

/** @throws LabError of kind `file` when the new name is taken */
async function renameAnew(from: string, to: string): Promise<void> {
  if (isFolder(to)) {
    throw fileError`two folders of the same images are there, and neither is whole: found ${from} and ${to}. Move one of them away and run the same command again`;
  }
  await rename(from, to);
}

/** The name of an image in a folder of the archive; undefined for all else. */
function imageName(entry: string, folder: string): string | undefined {
  const name = entry.startsWith(`${folder}/`) ? entry.slice(folder.length + 1) : '';
  return /^\d+\.jpg$/.test(name) ? name : undefined;
}

function otherArchive(where: string, found: string, kept = ''): LabError {
  return dataError`an archive is another than the published one (${where}): found ${found}. ${kept}Get it from elsewhere`;
}
