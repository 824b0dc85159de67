import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { errorCode } from '../../files';
import { findFault } from './decode';
import { type ImageHeader, readImageHeader } from './header';

/** What a quick look at a file told. */
export type FileReport = ImageHeader | { readonly fault: string };

/** Enough for the headers of nearly every file. */
const firstBytes = 16_384;
const endOfJpeg = Buffer.from([0xff, 0xd9]);
const endOfPng = Buffer.from('IEND\xae\x42\x60\x82', 'latin1');

/**
 * Looks at the beginnings and the ends of files: format, size, kind of colours, and the mark that ends a
 * JPEG or PNG. A file that does not end as it should, or whose header is longer, is decoded to be sure.
 */
export async function checkFiles(files: readonly string[]): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  const start = Buffer.alloc(firstBytes);
  for (const file of files) reports.push(await checkFile(file, start));
  return reports;
}

async function checkFile(file: string, start: Buffer): Promise<FileReport> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    return { fault: errorCode(error) === 'ENOENT' ? 'no such file' : String(error) };
  }
  try {
    const read = readSync(descriptor, start, 0, firstBytes, 0);
    if (read === 0) return { fault: 'an empty file' };
    const short = start.subarray(0, read);
    const header = readImageHeader(short);
    if (header !== undefined && endsWell(descriptor, header.format, short)) return header;
    const bytes = readFileSync(file);
    const fault = await findFault(bytes);
    const whole = readImageHeader(bytes);
    return fault === undefined && whole !== undefined ? whole : { fault: fault ?? 'no image' };
  } catch (error) {
    return { fault: String(error) };
  } finally {
    closeSync(descriptor);
  }
}

/** Whether the last bytes are the mark that ends the format. */
function endsWell(descriptor: number, format: ImageHeader['format'], start: Buffer): boolean {
  const mark = format === 'jpeg' ? endOfJpeg : endOfPng;
  const end = start.length < firstBytes ? start : lastBytes(descriptor);
  return end.subarray(-mark.length).equals(mark);
}

function lastBytes(descriptor: number): Buffer {
  const end = Buffer.alloc(endOfPng.length);
  readSync(descriptor, end, 0, end.length, fstatSync(descriptor).size - end.length);
  return end;
}
