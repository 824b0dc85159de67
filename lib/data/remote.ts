/** A digest that a file must have, hexadecimal. */
export interface Checksum {
  readonly algorithm: 'md5' | 'sha256';
  readonly value: string;
}

/** A file that can be fetched, and how it is known to be the right one. */
export interface RemoteFile {
  readonly url: string;
  /** What it is called where it is kept. */
  readonly fileName: string;
  readonly checksum: Checksum;
}
