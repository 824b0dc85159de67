import type { OnDataProgress } from './progress';
import type { RemoteFile } from './remote';
import type { Subset } from './subset';
import type { ImageDataset } from './types';

/** What `npm run data` and the doctor say about one data set. */
export interface DatasetStatus {
  readonly name: string;
  readonly state: 'embedded' | 'present' | 'missing' | 'broken';
  /** `binary folder`, `python archive`, … */
  readonly form?: string;
  readonly path?: string;
  /** One line for a reader. */
  readonly detail: string;
  /** The command or step that mends it, when something is to be mended. */
  readonly mend?: string;
}

/** What a full check found; a check that fails throws instead. */
export interface DatasetVerification {
  /** Whether the bytes are those of the official files; null when nothing official is known of them. */
  readonly official: boolean | null;
  readonly detail: string;
  readonly form?: string;
  readonly path?: string;
}

/** Where and how to load. */
export interface LoadContext {
  /** Absolute. */
  readonly dataDir: string;
  readonly imageSize?: number | undefined;
  readonly subset?: Subset | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

/** One data set, or another thing that is fetched into the data directory: one entry of the registry. */
export interface DataSource {
  readonly name: string;
  /** One line: what it is. */
  readonly title: string;
  /** What can be downloaded, by form; the first is the default. Empty when there is nothing to. */
  readonly downloads: ReadonlyMap<string, RemoteFile>;
  readonly status: (dataDir: string) => Promise<DatasetStatus>;
  readonly verify: (dataDir: string) => Promise<DatasetVerification>;
  /** Absent for things that are no data set, such as weights. */
  readonly load?: (context: LoadContext) => Promise<ImageDataset>;
}
