import type { LabError } from '../../errors';
import { dataError } from '../../errors';
import type { OnDataProgress } from '../progress';
import type { ImageSize } from '../resample';
import { type FileSplit, type ImageFolder, withoutFiles } from './image-folder';
import { type CheckJob, type FileReport, inOrder } from './jobs';
import type { ThreadPool } from './thread-pool';

/** What kinds of files an image folder holds. */
export interface FileCounts {
  readonly jpeg: number;
  readonly png: number;
  /** With one channel: read as three equal ones. */
  readonly grey: number;
  /** Turned into RGB as PIL does. */
  readonly cmyk: number;
  /** PNGs under a JPEG's name, or the reverse: read as what they are. */
  readonly misnamed: number;
  /** With an EXIF orientation, which torchvision passes over and so does this package. */
  readonly turned: number;
}

/** A folder all of whose files can be read, so far as their beginnings and ends tell. */
export interface CheckedFolder {
  readonly folder: ImageFolder;
  /** Of the train split's images, then of the test split's. */
  readonly sizes: readonly ImageSize[];
  readonly counts: FileCounts;
  /** Files that were left out, with what is wrong with them. */
  readonly leftOut: readonly { readonly file: string; readonly fault: string }[];
}

const filesInJob = 256;

/**
 * Looks at every file before training begins: its header and its end, and the whole of it where those are
 * not as they should be.
 *
 * @param options.skipCorrupt leaves out what cannot be read instead of stopping.
 * @throws LabError of kind `data` that names the first file that cannot be read, and a class that has none
 *   left.
 */
export async function checkFolder(
  folder: ImageFolder,
  pool: Pick<ThreadPool, 'run' | 'size'>,
  { skipCorrupt, onProgress }: { skipCorrupt: boolean; onProgress?: OnDataProgress | undefined },
): Promise<CheckedFolder> {
  const files = [...folder.train.files, ...folder.test.files];
  const reports: FileReport[] = [];
  const results = inOrder(jobsOf(files), (job) => pool.run(job), 2 * pool.size);
  for await (const result of results) {
    reports.push(...result.reports);
    const done = reports.length;
    onProgress?.({ message: 'checking files', unit: 'images', done, total: files.length });
  }
  const leftOut = files.flatMap((file, index) => {
    const report = reports[index];
    return report !== undefined && 'fault' in report ? [{ file, fault: report.fault }] : [];
  });
  const counts = countKinds(files, reports);
  const sizes = reports.flatMap((report) => ('fault' in report ? [] : [report]));
  if (leftOut.length === 0) return { folder, sizes, counts, leftOut };
  if (!skipCorrupt) throw corrupt(leftOut);
  const kept = withoutFiles(folder, new Set(leftOut.map(({ file }) => file)));
  requireEachClass(kept, kept.train);
  requireEachClass(kept, kept.test);
  return { folder: kept, sizes, counts, leftOut };
}

function* jobsOf(files: readonly string[]): Generator<CheckJob> {
  for (let start = 0; start < files.length; start += filesInJob) {
    yield { kind: 'check', files: files.slice(start, start + filesInJob) };
  }
}

function countKinds(files: readonly string[], reports: readonly FileReport[]): FileCounts {
  const counts = { jpeg: 0, png: 0, grey: 0, cmyk: 0, misnamed: 0, turned: 0 };
  reports.forEach((report, index) => {
    if ('fault' in report) return;
    counts[report.format] += 1;
    if (report.colours !== 'colour') counts[report.colours] += 1;
    if (report.orientation !== 1) counts.turned += 1;
    const isNamedPng = files[index]?.toLowerCase().endsWith('.png') === true;
    if (isNamedPng !== (report.format === 'png')) counts.misnamed += 1;
  });
  return counts;
}

function corrupt(faulty: CheckedFolder['leftOut']): LabError {
  const first = faulty[0];
  const more = faulty.length === 1 ? '' : `, and ${faulty.length - 1} more files like it`;
  return dataError`an image cannot be decoded (${first?.file ?? ''}): found ${first?.fault ?? ''}${more}. Put whole images in their place or remove them, or leave them out with --skip-corrupt`;
}

function requireEachClass({ classes, root }: ImageFolder, { name, labels }: FileSplit): void {
  const filled = new Set(labels);
  const empty = classes.find((_, label) => !filled.has(label));
  if (empty === undefined) return;
  throw dataError`no image of a class in ${name} can be decoded (${root}): found class '${empty}'. Put whole images in its folder`;
}

const oddKinds: readonly (readonly [keyof FileCounts, string])[] = [
  ['grey', 'grey'],
  ['cmyk', 'CMYK'],
  ['misnamed', 'under the name of another format'],
  ['turned', 'with an EXIF orientation, which is passed over'],
];

/** Damaged files that are named one by one. */
const mostNamed = 5;
const bytesOfMebibyte = 2 ** 20;

/** What a user should know of an image folder, a line each: odd kinds, files left out, what is kept in memory. */
export function folderNotes({
  counts,
  leftOut,
  cached,
  images,
}: Pick<CheckedFolder, 'counts' | 'leftOut'> & {
  readonly cached: { readonly images: number; readonly bytes: number };
  /** Without those left out. */
  readonly images: number;
}): string[] {
  const odd = oddKinds.flatMap(([kind, words]) =>
    counts[kind] === 0 ? [] : [`${counts[kind]} ${words}`],
  );
  const named = leftOut.slice(0, mostNamed).map(({ file, fault }) => `${file} (${fault})`);
  const more = leftOut.length > mostNamed ? ` and ${leftOut.length - mostNamed} more` : '';
  const size = `${Math.ceil(cached.bytes / bytesOfMebibyte)} MiB`;
  return [
    `Files: ${counts.jpeg} JPEG, ${counts.png} PNG${odd.length > 0 ? `; of them ${odd.join(', ')}` : ''}.`,
    ...(leftOut.length > 0
      ? [`Left out, as they cannot be decoded: ${leftOut.length}: ${named.join(', ')}${more}.`]
      : []),
    cached.images === images
      ? `Decoded images are kept in memory: all, ${size}.`
      : `Decoded images are kept in memory: ${cached.images} of ${images}, ${size}; the others are decoded in each epoch.`,
  ];
}
