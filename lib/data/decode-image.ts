import sharp from 'sharp';
import { LabError } from '../errors';

/**
 * Decodes an image file to `size × size × 3` bytes: grey, CMYK and 16-bit images become 8-bit RGB,
 * transparent parts black; the short side is scaled to `size` (linear interpolation with
 * antialiasing, as torchvision's default) and the middle cut out. An embedded orientation or colour
 * profile is not applied, as PIL does not.
 *
 * @throws LabError of kind `data` when the file is damaged, cut off or not an image.
 */
export async function decodeImage(path: string, size: number): Promise<Uint8Array> {
  try {
    const { data, info } = await sharp(path, { failOn: 'error', ignoreIcc: true })
      .flatten({ background: '#000000' })
      .toColourspace('srgb')
      .resize(size, size, { fit: 'cover', position: 'centre', kernel: 'linear' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after decoding`);
    return data;
  } catch (error) {
    throw new LabError(
      {
        kind: 'data',
        what: 'an image cannot be decoded',
        where: path,
        found: error instanceof Error ? (error.message.trim().split('\n')[0] ?? '') : String(error),
        remedy: 'Remove the file or put a whole JPEG or PNG in its place',
      },
      { cause: error },
    );
  }
}
