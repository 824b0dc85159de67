/** One entry of a tar archive; the name is written as it is, however unsafe. */
export interface TarEntry {
  readonly name: string;
  readonly content?: Uint8Array;
  /** Makes it a symbolic link to this. */
  readonly linkTo?: string;
}

const block = 512;

/** A tar archive (ustar) in memory. */
export function tarFile(entries: readonly TarEntry[]): Buffer {
  const pieces = entries.flatMap((entry) => {
    const content =
      entry.linkTo === undefined ? (entry.content ?? new Uint8Array(0)) : new Uint8Array(0);
    const padding = Buffer.alloc((block - (content.length % block)) % block);
    return [header(entry, content.length), content, padding];
  });
  return Buffer.concat([...pieces, Buffer.alloc(2 * block)]);
}

function header({ name, linkTo }: TarEntry, size: number): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  bytes.write(name, 0, 'utf8');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  bytes.write(linkTo === undefined ? '0' : '2', 156, 'latin1');
  bytes.write(linkTo ?? '', 157, 'utf8');
  bytes.write('ustar\x0000', 257, 'latin1');
  // The checksum counts its own field as blanks.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
