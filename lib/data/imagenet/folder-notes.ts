import type { CheckedFolder, FileCounts } from './check-folder';

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
