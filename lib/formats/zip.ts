import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise } from 'yauzl';
import { LabError, shown } from '../errors';
import { limitOf, requireWithin } from '../limits';

const stored = 0;
const deflated = 8;

/** A file of a zip archive, read when it is asked for. */
export interface ZipFile {
  readonly size: number;
  /** The content; shared with the archive where it is stored as it is. @throws where it is damaged. */
  readonly read: () => Uint8Array;
}

/**
 * Lists the files of an archive in memory. Nothing is unpacked before it is asked for, and all that is
 * unpacked must stay within the limits.
 *
 * @param fault the error for an archive that is none or damaged
 */
export async function openZip(
  bytes: Uint8Array,
  where: string,
  fault: (found: string) => LabError,
): Promise<ReadonlyMap<string, ZipFile>> {
  const files = new Map<string, ZipFile>();
  const allowed = limitOf('unpackedBytes') + limitOf('unpackedRatio') * bytes.byteLength;
  let unpacked = 0;
  let packedInAll = 0;
  const contentOf = (entry: Entry, start: number): Uint8Array => {
    const packed = bytes.subarray(start, start + entry.compressedSize);
    if (packed.byteLength !== entry.compressedSize) throw fault('data cut off');
    if (entry.compressionMethod === stored) return packed;
    unpacked += entry.uncompressedSize;
    requireWithin('unpackedBytes', unpacked, where, allowed);
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
  };
  try {
    const zip = await fromBufferPromise(withoutTrailer(bytes), { lazyEntries: true });
    requireWithin('zipEntries', zip.entryCount, where);
    for await (const entry of zip.eachEntry()) {
      const { fileName, compressionMethod, uncompressedSize } = entry;
      // Files that share their bytes would each be read: thousands of them as often as a small archive says.
      packedInAll += entry.compressedSize;
      if (packedInAll > bytes.byteLength) throw fault('files that overlap');
      if (fileName.endsWith('/')) continue;
      if (files.has(fileName)) throw fault(`${shown(fileName)} twice`);
      if (entry.isEncrypted()) throw fault(`${shown(fileName)} encrypted`);
      if (compressionMethod !== stored && compressionMethod !== deflated) {
        throw fault(`${shown(fileName)} compressed by method ${compressionMethod}`);
      }
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      files.set(fileName, {
        size: uncompressedSize,
        read() {
          const content = guarded(() => contentOf(entry, fileDataStart), fault);
          if (content.byteLength !== uncompressedSize || crc32(content) !== entry.crc32) {
            throw fault(`${shown(fileName)} with a wrong length or checksum`);
          }
          return content;
        },
      });
    }
  } catch (error) {
    throw error instanceof LabError ? error : fault(messageOf(error));
  }
  return files;
}

const endOfDirectory = Buffer.from('PK\x05\x06', 'latin1');
const endLength = 22;

/** Some servers and copies leave bytes behind an archive, which PyTorch passes over. */
function withoutTrailer(bytes: Uint8Array): Buffer {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = whole.lastIndexOf(endOfDirectory);
  if (end < 0 || end + endLength > whole.length) return whole;
  return whole.subarray(0, end + endLength + whole.readUInt16LE(end + endLength - 2));
}

function guarded<T>(work: () => T, fault: (found: string) => LabError): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof LabError ? error : fault(messageOf(error));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
