import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dataError, LabError, optionError } from '../errors';
import { errorCode, fullDisk, hashFile } from '../files';
import { digestFile, readDigest, requireNotedDigest, writeDigest } from '../formats/sha256sum';
import { extractTarFiles } from '../formats/tar';
import { type Checksum, download } from './download';
import { type DownloadSourceOptions, mirrored } from './download-source';
import { dataDirectory, isFile } from './paths';
import type { DatasetStatus, DataSource } from './source';

/** The teachers in mdistiller's archive, by the names of the models. */
export const publishedTeacherNames = [
  'resnet56',
  'resnet110',
  'resnet32x4',
  'wrn_40_2',
  'vgg13',
  'ResNet50',
] as const;
type PublishedTeacherName = (typeof publishedTeacherNames)[number];

/** The archive as github.com/megvii-research/mdistiller, release `checkpoints`, has it; some 364 MB. */
const teachersArchive = {
  fileName: 'cifar_teachers.tar',
  url: 'https://github.com/megvii-research/mdistiller/releases/download/checkpoints/cifar_teachers.tar',
} as const;

/**
 * SHA-256 of single files as others who used them report it. Their makers published no checksum, neither
 * of the archive nor of its files: a difference is worth a warning, not a refusal.
 *
 * resnet32x4: github.com/ChenBill900703/CRD-Reproduction, who measured 79.42 % with it.
 */
export const reportedDigests: Readonly<Partial<Record<PublishedTeacherName, string>>> = {
  resnet32x4: '22aa12e2b632b19ddde155ccf2388671842ddd304824b3095e0a7fff364beb4f',
};

/** What fetches them. */
export const fetchCommand = 'npm run data -- cifar-teachers';

/** Where the teachers lie, as the archive unpacks. */
function teachersFolder(dataDir: string): string {
  return join(dataDir, 'cifar_teachers');
}

/** Where a published teacher's weights go. */
function teacherPath(name: PublishedTeacherName, dataDir: string): string {
  return join(teachersFolder(dataDir), `${name}_vanilla`, 'ckpt_epoch_240.pth');
}

/** The teacher whose weights an entry of the archive holds, whatever folder the archive puts it in. */
function teacherOfEntry(entryPath: string): PublishedTeacherName | undefined {
  const parts = entryPath.split('/');
  return publishedTeacherNames.find(
    (name) => parts.at(-1) === 'ckpt_epoch_240.pth' && parts.at(-2) === `${name}_vanilla`,
  );
}

/**
 * The file with a published teacher's weights, or undefined where there is none of that name or it was
 * not fetched. `readWeights` compares it with the checksum noted when it was unpacked.
 *
 * @param dataDir where data sets lie; default as `dataDirectory`.
 */
export function publishedTeacher(name: string, dataDir?: string): string | undefined {
  const known = publishedTeacherNames.find((candidate) => candidate === name);
  if (known === undefined) return undefined;
  const file = teacherPath(known, dataDirectory(dataDir));
  return isFile(file) ? file : undefined;
}

/** The published teachers as `npm run data` lists and checks them. */
export const teachersSource: DataSource = {
  name: 'cifar-teachers',
  title: 'CIFAR-100 teachers as mdistiller published them (weights, no data set)',
  // Fetched by a command of its own, which also unpacks and measures them.
  downloads: new Map(),
  status: (dataDir) => Promise.resolve(statusOf(dataDir)),
  async verify(dataDir) {
    const there = found(dataDir);
    if (there.length === 0) {
      throw dataError`the published teachers are not there (${teachersFolder(dataDir)}). Run \`${fetchCommand}\``;
    }
    let noted = 0;
    for (const { file } of there) {
      if (readDigest(file) === undefined) continue;
      requireNotedDigest(file, await hashFile(file));
      noted++;
    }
    return {
      // Their makers published no checksums.
      official: null,
      detail: `${describe(dataDir)}; ${noted} of them are as they were unpacked (SHA-256)`,
      path: teachersFolder(dataDir),
    };
  },
};

function statusOf(dataDir: string): DatasetStatus {
  const { name } = teachersSource;
  if (found(dataDir).length === 0) {
    const detail = `not in ${dataDir}`;
    return { name, state: 'missing', detail, fix: `Run \`${fetchCommand}\`` };
  }
  return { name, state: 'present', path: teachersFolder(dataDir), detail: describe(dataDir) };
}

function found(dataDir: string): { name: string; file: string }[] {
  return publishedTeacherNames.flatMap((name) => {
    const file = publishedTeacher(name, dataDir);
    return file === undefined ? [] : [{ name, file }];
  });
}

function describe(dataDir: string): string {
  const there = found(dataDir).map(({ name }) => name);
  const missing = publishedTeacherNames.filter((name) => !there.includes(name));
  const lacking = missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`;
  return `${there.join(', ')} in ${basename(teachersFolder(dataDir))}${lacking}`;
}

export interface FetchTeachersOptions extends Omit<DownloadSourceOptions, 'form' | 'from'> {
  /** The archive itself, or the address of a folder of another server that has it. */
  readonly from?: string | undefined;
  /** What the archive's SHA-256 must be, hexadecimal. */
  readonly sha256?: string | undefined;
}

/** A published teacher that is there. */
export interface FetchedTeacher {
  readonly name: PublishedTeacherName;
  readonly file: string;
  readonly sha256: string;
  /** Whether that is what others report of it; null where nobody does. */
  readonly asReported: boolean | null;
}

interface FetchedTeachers {
  /** SHA-256 of the archive that was unpacked now; null when the teachers were there already. */
  readonly archive: string | null;
  readonly teachers: readonly FetchedTeacher[];
  /** Those that the archive did not hold. */
  readonly missing: readonly PublishedTeacherName[];
}

/**
 * Fetches mdistiller's teachers into the data directory, or takes them out of an archive that is given.
 * No checksum of the archive was published. So its SHA-256 is noted when it is first unpacked, and any
 * later one must have the same, unless `sha256` says what to expect; each file's is noted beside it and
 * compared whenever it is read.
 *
 * @throws LabError of kind `option` for a checksum that is none; `data` when the server is out of reach,
 *   the archive has another checksum or holds no teachers; `file` when it is damaged or the disk full.
 */
export async function fetchTeachers(options: FetchTeachersOptions): Promise<FetchedTeachers> {
  const { dataDir, from, sha256 } = options;
  requireDigestForm(sha256);
  const kept = join(dataDir, teachersArchive.fileName);
  if (from === undefined && sha256 === undefined && areThere(dataDir, kept)) {
    return { archive: null, ...(await present(dataDir)) };
  }
  const { archive, downloaded } = await archiveOf(options, kept);
  const digest = await hashFile(archive);
  requireExpected(archive, digest, sha256 ?? readDigest(kept), digestFile(kept));
  try {
    await unpack(archive, options);
  } catch (error) {
    // What was downloaded broken would stand in the way of the next attempt.
    if (downloaded && isDamaged(error)) await rm(archive, { force: true });
    throw error;
  }
  writeDigest(kept, digest);
  // A download has done its work; an archive of the user's own stays where it is.
  if (downloaded) await rm(archive, { force: true });
  return { archive: digest, ...(await present(dataDir)) };
}

/** Whether all teachers are there, or all that an archive held that was unpacked before. */
function areThere(dataDir: string, kept: string): boolean {
  const there = publishedTeacherNames.filter((name) => publishedTeacher(name, dataDir));
  return (
    there.length === publishedTeacherNames.length ||
    (there.length > 0 && readDigest(kept) !== undefined)
  );
}

/** The archive on this machine, downloaded where it is not given. */
async function archiveOf(
  options: FetchTeachersOptions,
  kept: string,
): Promise<{ archive: string; downloaded: boolean }> {
  const { from, sha256, onProgress, retries, retryDelay } = options;
  const isAddress = from !== undefined && /^https?:\/\//.test(from);
  if (from !== undefined && !isAddress) {
    if (isFile(from)) return { archive: from, downloaded: false };
    throw optionError`no such archive (--from): found '${from}'. Give the path of ${teachersArchive.fileName}, or the address of a folder that has it`;
  }
  const expected = sha256 ?? readDigest(kept);
  const checksum: Checksum | undefined =
    expected === undefined ? undefined : { algorithm: 'sha256', value: expected.toLowerCase() };
  const { path, downloaded } = await download({
    url: from === undefined ? teachersArchive.url : mirrored(from, teachersArchive.fileName),
    destination: kept,
    checksum,
    onProgress,
    retries,
    retryDelay,
  });
  return { archive: path, downloaded };
}

async function unpack(
  archive: string,
  { dataDir, onProgress }: FetchTeachersOptions,
): Promise<void> {
  const files = await extractTarFiles(archive, {
    destinationOf(entryPath) {
      const name = teacherOfEntry(entryPath);
      return name === undefined ? undefined : teacherPath(name, dataDir);
    },
    onProgress: (done) => onProgress?.({ message: 'unpacking teachers', unit: 'bytes', done }),
  });
  if (files.length === 0) {
    throw dataError`an archive holds none of the published teachers (${archive}): found no …/NAME_vanilla/ckpt_epoch_240.pth. Give ${teachersArchive.fileName} of mdistiller, or run \`${fetchCommand}\` to download it`;
  }
  for (const { path, sha256 } of files) writeDigest(path, sha256);
}

function isDamaged(error: unknown): boolean {
  return error instanceof LabError && fullDisk(errorCode(error.cause)) === undefined;
}

async function present(dataDir: string): Promise<Pick<FetchedTeachers, 'teachers' | 'missing'>> {
  const teachers: FetchedTeacher[] = [];
  for (const name of publishedTeacherNames) {
    const file = publishedTeacher(name, dataDir);
    if (file === undefined) continue;
    const sha256 = await hashFile(file);
    requireNotedDigest(file, sha256);
    const reported = reportedDigests[name];
    const asReported = reported === undefined ? null : reported === sha256;
    teachers.push({ name, file, sha256, asReported });
  }
  const names = teachers.map(({ name }) => name);
  return { teachers, missing: publishedTeacherNames.filter((name) => !names.includes(name)) };
}

function requireDigestForm(sha256: string | undefined): void {
  if (sha256 === undefined || /^[0-9a-f]{64}$/i.test(sha256)) return;
  throw optionError`a SHA-256 has 64 hexadecimal digits (--sha256): found '${sha256}'. Copy it whole, as sha256sum prints it`;
}

function requireExpected(
  archive: string,
  found: string,
  expected: string | undefined,
  note: string,
): void {
  if (expected === undefined || found === expected.toLowerCase()) return;
  throw dataError`the archive of teachers has another checksum than expected (${archive}): found SHA-256 ${found}, expected ${expected.toLowerCase()}. It is damaged or another one. If it is meant, say so with --sha256 ${found} (the first one is noted in ${note})`;
}
