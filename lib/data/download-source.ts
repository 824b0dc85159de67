import { join } from 'node:path';
import { optionError, unknownName } from '../errors';
import { download, type DownloadOptions, type DownloadResult } from './download';
import { isFile } from './paths';
import type { DataSource } from './source';

export interface DownloadSourceOptions extends Pick<
  DownloadOptions,
  'onProgress' | 'retries' | 'retryDelay'
> {
  /** Absolute. */
  readonly dataDir: string;
  /** Default: the first that the source has. */
  readonly form?: string | undefined;
  /** A folder of another server with the same files; their checksums stay the same. */
  readonly from?: string | undefined;
}

/**
 * Downloads the archive of a data set into the data directory.
 *
 * @throws LabError of kind `option` when there is nothing to download or no such form, else as
 *   `download`.
 */
export async function downloadSource(
  { name, downloads }: DataSource,
  { dataDir, form, from, ...options }: DownloadSourceOptions,
): Promise<DownloadResult & { readonly form: string }> {
  const [first] = downloads.keys();
  if (first === undefined) {
    throw optionError`there is nothing to download for '${name}'. It is part of this package or a folder of your own`;
  }
  const chosen = form ?? first;
  const file = downloads.get(chosen);
  if (file === undefined) {
    throw unknownName('form', chosen, [...downloads.keys()], `data set '${name}'`);
  }
  if (isFile(dataDir)) {
    throw optionError`the data directory is a file (${dataDir}). Give a folder with --data-dir`;
  }
  const { fileName, url, checksum } = file;
  const address = from === undefined ? url : mirrored(from, fileName);
  const destination = join(dataDir, fileName);
  return { form: chosen, ...(await download({ ...options, url: address, destination, checksum })) };
}

/**
 * The address of a file in a folder of another server.
 *
 * @throws LabError of kind `option` when `base` is no address.
 */
export function mirrored(base: string, fileName: string, option = '--from'): string {
  const folder = base.endsWith('/') ? base : `${base}/`;
  if (URL.canParse(fileName, folder)) return new URL(fileName, folder).href;
  throw optionError`not an address of a server (${option}): found '${base}'. Give one such as https://example.org/data/`;
}
