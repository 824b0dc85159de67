import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Parser, type ReadEntry } from 'tar';
import { dataError, fileError, LabError, optionError } from '../../errors';
import { errorCode, writeFault } from '../../files';
import { readMatStructs } from '../../formats/mat';
import { isFile, readTarFiles } from '../../formats/tar';
import { type Checksum, wrongDigest } from '../download';
import { requireGoingOn } from '../http';
import { isFolder } from '../paths';
import type { AskedNeed } from './needs';
import { entriesIn, unfinished } from './places';

interface ImageNetContext {
  readonly dataDir: string;
  /** The given archives by their names. */
  readonly given: ReadonlyMap<string, string>;
  readonly progress: (name: string, bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What the development kit says of the classes. */
interface DevelopmentKit {
  /** `n01440764` and how many training images it has, of each class. */
  readonly trainImages: ReadonlyMap<string, number>;
  /** The class of each validation image, in their order. */
  readonly valClasses: readonly string[];
}

/**
 * Unpacks ImageNet's archives into `train/CLASS/…` and `val/CLASS/…`: training images lie in an archive of each
 * class within the archive, validation images in a row, whose classes the development kit names. An archive is
 * read once, for its images and its checksum; a split gets its name when both are right, and else nothing stays.
 * After an interruption it is read again, for its checksum, but images that are there are not written again.
 *
 * @throws LabError of kind `option` when archives are missing; `data` for another archive or other numbers of
 *   images; `file` when one is damaged or the disk is full; `interrupted` when the user stops.
 */
export async function unpackImageNet(need: AskedNeed, context: ImageNetContext): Promise<void> {
  const { archives, folder } = need;
  const root = join(context.dataDir, folder);
  const splits = (['train', 'val'] as const).filter(
    (split) => entriesIn(join(root, split)) !== need.classes,
  );
  if (splits.length === 0) return;
  const archive = (part: keyof typeof archives): string =>
    givenArchive(archives[part].fileName, context);
  const kit = await readKit(need, archive('devkit'));
  let before = 0;
  for (const split of splits) {
    const path = archive(split);
    const destination = join(root, split);
    requireNothing(destination);
    const place = unfinished(destination);
    goOnWith(place, path);
    try {
      before += await readArchive(
        path,
        split === 'train' ? trainImages(place) : valImages(place, kit),
        {
          checksum: archives[split].checksum,
          signal: context.signal,
          onBytes: (bytes) => context.progress(need.name, before + bytes),
        },
      );
      rmSync(join(place, sourceFile));
      requireImages(need, { split, place, path }, kit);
      renameSync(place, destination);
    } catch (error) {
      // What the user stopped goes on later; anything else says that the archive or the disk is not right.
      if (!(error instanceof LabError) || error.kind !== 'interrupted') {
        rmSync(place, { recursive: true, force: true });
      }
      throw error;
    }
  }
}

/** Which archive an unfinished folder is of. */
const sourceFile = '.archive';

/** Keeps what an earlier attempt left of the same archive, and nothing else. */
function goOnWith(place: string, archive: string): void {
  const { size, mtimeMs } = statSync(archive);
  const file = join(place, sourceFile);
  const source = `${basename(archive)} ${size} ${mtimeMs}`;
  if (isFolder(place) && existsSync(file) && readFileSync(file, 'utf8') === source) return;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  writeFileSync(file, source);
}

function givenArchive(fileName: string, { given }: ImageNetContext): string {
  const path = given.get(fileName);
  if (path !== undefined) return path;
  throw optionError`an archive of ImageNet is not given (--from): found ${[...given.keys()].join(', ')}, not ${fileName}. Give the archive of each split and the development kit together`;
}

function requireNothing(folder: string): void {
  if (!isFolder(folder)) return;
  throw dataError`a folder of images is there already and not whole (${folder}): found ${entriesIn(folder)} classes. Move it away and run the same command again`;
}

/** The most bytes that a file of the kit may have: some ten times what it has. */
const largestKitFile = 2 ** 24;

const kitFiles = { meta: 'meta.mat', labels: 'ILSVRC2012_validation_ground_truth.txt' } as const;

async function readKit(need: AskedNeed, path: string): Promise<DevelopmentKit> {
  await requireArchive(path, need.archives.devkit.checksum);
  const files = await readTarFiles(
    path,
    new Map(Object.values(kitFiles).map((name) => [name, largestKitFile])),
  );
  const [meta, labels] = [files.get(kitFiles.meta), files.get(kitFiles.labels)];
  if (meta === undefined || labels === undefined) {
    throw fileError`the development kit lacks a file (${path}): found ${[...files.keys()].join(', ') || 'neither'} of ${Object.values(kitFiles).join(' and ')}. Get the archive again`;
  }
  const classes = new Map<number, string>();
  const trainImages = new Map<string, number>();
  for (const synset of readMatStructs(meta, 'synsets', `${path}: ${kitFiles.meta}`)) {
    const [id, name] = [synset.get('ILSVRC2012_ID'), synset.get('WNID')];
    // Those above are no classes but what they have in common.
    if (typeof id !== 'number' || typeof name !== 'string' || id > need.classes) continue;
    classes.set(id, name);
    trainImages.set(name, Number(synset.get('num_train_images')));
  }
  const valClasses = Buffer.from(labels)
    .toString('latin1')
    .trim()
    .split(/\s+/)
    .map((id) => classes.get(Number(id)) ?? '');
  const images = need.classes * need.valImagesPerClass;
  if (classes.size !== need.classes || valClasses.length !== images || valClasses.includes('')) {
    throw dataError`the development kit is another than that of ILSVRC 2012 (${path}): found ${classes.size} classes and ${valClasses.filter((name) => name !== '').length} labels of ${images} validation images. Get the archive again`;
  }
  return { trainImages, valClasses };
}

async function requireArchive(path: string, checksum: Checksum | undefined): Promise<void> {
  const found = await wrongDigest(path, checksum);
  if (found !== undefined) throw otherArchive(path, found);
}

interface ArchiveOptions {
  readonly checksum: Checksum | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

/** Reads an archive once. @returns how many bytes it has */
async function readArchive(
  path: string,
  work: (entry: ReadEntry) => Promise<void>,
  { checksum, signal, onBytes }: ArchiveOptions,
): Promise<number> {
  const hash = createHash('md5');
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Buffer, void> {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      requireGoingOn(signal);
      const read: unknown = chunk;
      if (!Buffer.isBuffer(read)) continue;
      hash.update(read);
      bytes += read.length;
      onBytes(bytes);
      yield read;
    }
  }
  await readTar(chunks(), work, path);
  const found = hash.digest('hex');
  if (checksum === undefined || found === checksum.value) return bytes;
  throw otherArchive(path, `MD5 ${found}, expected ${checksum.value}`);
}

function otherArchive(path: string, found: string): LabError {
  return dataError`a given file has the wrong checksum (${path}): found ${found}. It is damaged or another one, and nothing of it is used: get it from elsewhere`;
}

/**
 * Hands on the entries of a tar archive one after another; each must be read or passed over. When it throws,
 * `work` is done with what it was given, and gets nothing more.
 *
 * @throws LabError of kind `file` when it is damaged; what `work` throws.
 */
async function readTar(
  chunks: AsyncIterable<Buffer>,
  work: (entry: ReadEntry) => Promise<void>,
  where: string,
): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const fail = (error: unknown): void =>
    stop.abort(error instanceof LabError ? error : damaged(where, error));
  const take = async (entry: ReadEntry): Promise<void> => {
    if (signal.aborted) return void entry.resume();
    // The rest of it will not come: who waits for that is told so.
    const cutOff = (): void => {
      entry.on('error', () => undefined).destroy(new Error('cut off'));
    };
    signal.addEventListener('abort', cutOff);
    try {
      await work(entry);
    } finally {
      signal.removeEventListener('abort', cutOff);
    }
  };
  let working = Promise.resolve();
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      working = working.then(() => take(entry)).catch(fail);
    },
  });
  parser.on('error', fail);
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      if (!parser.write(chunk)) await once(parser, 'drain', { signal });
    }
    const ended = once(parser, 'end', { signal });
    parser.end();
    await ended;
  } catch (error) {
    fail(error);
  }
  // What is under way writes files, which the caller may be about to remove.
  await working;
  signal.throwIfAborted();
}

function damaged(where: string, error: unknown): LabError {
  const code = errorCode(error) ?? '';
  if (/^E[A-Z]+$/.test(code)) return writeFault(where, error);
  const found = error instanceof Error ? error.message : String(error);
  return fileError.because(
    error,
  )`an archive cannot be read (${where}): found ${found}. It is damaged or cut off: get it from elsewhere`;
}

/** An archive of each class, `n01440764.tar`, with its images. */
function trainImages(place: string): (entry: ReadEntry) => Promise<void> {
  return async (entry) => {
    const name = /^(n\d{8})\.tar$/.exec(basename(entry.path))?.[1];
    if (name === undefined || !isFile(entry)) return void entry.resume();
    const folder = join(place, name);
    mkdirSync(folder, { recursive: true });
    await readTar(entry, (image) => keep(image, /^n\d{8}_\d+\.JPEG$/, () => folder), entry.path);
  };
}

/** Images in a row, `ILSVRC2012_val_00000001.JPEG`, …; the development kit says which is of which class. */
function valImages(
  place: string,
  { valClasses }: DevelopmentKit,
): (entry: ReadEntry) => Promise<void> {
  for (const name of new Set(valClasses)) mkdirSync(join(place, name), { recursive: true });
  return (entry) =>
    keep(entry, /^ILSVRC2012_val_(\d{8})\.JPEG$/, (number) => {
      const name = valClasses[Number(number) - 1];
      return name === undefined ? undefined : join(place, name);
    });
}

/** Writes an image whose name is of the right form; where to is the caller's choice, not the archive's. */
async function keep(
  entry: ReadEntry,
  form: RegExp,
  folderOf: (part: string | undefined) => string | undefined,
): Promise<void> {
  const name = basename(entry.path);
  const match = form.exec(name);
  const folder = match === null || !isFile(entry) ? undefined : folderOf(match[1]);
  if (folder === undefined) return void entry.resume();
  const content = await entry.concat();
  const path = join(folder, name);
  // A file that an interruption cut short has another size.
  if (statSync(path, { throwIfNoEntry: false })?.size === content.length) return;
  try {
    await writeFile(path, content);
  } catch (error) {
    throw writeFault(path, error);
  }
}

function requireImages(
  { classes, trainImages: total, valImagesPerClass }: AskedNeed,
  {
    split,
    place,
    path,
  }: { readonly split: 'train' | 'val'; readonly place: string; readonly path: string },
  kit: DevelopmentKit,
): void {
  const names = readdirSync(place);
  const fault = (found: string): LabError =>
    dataError`an archive of ImageNet holds other images than it should (${path}): found ${found}. Get it from elsewhere`;
  if (names.length !== classes) throw fault(`${names.length} of ${classes} classes`);
  let sum = 0;
  for (const [name, ofTrain] of kit.trainImages) {
    const folder = join(place, name);
    const found = isFolder(folder) ? entriesIn(folder) : 0;
    const expected = split === 'train' ? ofTrain : valImagesPerClass;
    if (found !== expected) throw fault(`${found} of ${expected} images of ${name}`);
    sum += found;
  }
  const all = split === 'train' ? total : classes * valImagesPerClass;
  if (sum !== all) throw fault(`${sum} of ${all} images`);
}
