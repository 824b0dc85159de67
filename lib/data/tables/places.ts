import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { readDigest } from '../../formats/sha256sum';
import { isFile, isFolder } from '../paths';
import {
  type ArchiveNeed,
  type AskedNeed,
  type FileNeed,
  imageNetTeachersFolder,
  type Need,
} from './needs';

/** The file of weights in a folder whose name without its ending is the one that is looked for. */
function weightsIn(folder: string, isIt: (stem: string) => boolean): string | undefined {
  if (!isFolder(folder)) return undefined;
  return readdirSync(folder)
    .sort()
    .find((file) => {
      const stem = /^(.*)\.(?:pkl|pth|pt|safetensors)$/.exec(file)?.[1];
      return stem !== undefined && isIt(stem);
    });
}

/** A published teacher of ImageNet: `resnet34.pth`, `resnet34-b627a593.pth`, … */
export function imageNetTeacherIn(folder: string, name: string): string | undefined {
  return weightsIn(folder, (stem) => stem === name || stem.startsWith(`${name}-`));
}

/** A detector or a backbone of one: `r101-fpn.pkl`, `r18-fpn-backbone.pth`, … */
export function detectorIn(folder: string, name: string): string | undefined {
  return weightsIn(folder, (stem) => stem === name);
}

/** The file of a need, where there is one. */
export function fileOf({ kind, folder, stem }: FileNeed, dataDir: string): string | undefined {
  const place = join(dataDir, folder);
  if (kind === 'class-means') {
    const file = join(place, `${stem}.json`);
    return isFile(file) ? file : undefined;
  }
  const find = folder === imageNetTeachersFolder ? imageNetTeacherIn : detectorIn;
  const found = find(place, stem);
  return found === undefined ? undefined : join(place, found);
}

/** Where the file of a need goes. */
export function destinationOf({ folder, stem, fileName }: FileNeed, dataDir: string): string {
  const keepsName = fileName.startsWith(`${stem}-`);
  return join(dataDir, folder, keepsName ? fileName : `${stem}${extname(fileName)}`);
}

/** What a folder is called while it is filled: nobody reads it then. */
export function unfinished(folder: string): string {
  return `${folder}.unpacking`;
}

/** What is there of a need. */
export interface NeedStatus {
  readonly name: string;
  readonly kind: Need['kind'];
  readonly what: string;
  /** Of what is fetched. */
  readonly bytes: number;
  /** `unchecked`: a file that nobody has compared with its checksum yet. */
  readonly state: 'present' | 'unchecked' | 'partly' | 'missing';
  readonly path: string;
  /** What is there of it; empty where all or nothing is. */
  readonly detail: string;
  /** Whether the table can be made as the paper's without it. */
  readonly optional: boolean;
  /** Share of it that is there already, from 0 to 1. */
  readonly share: number;
}

/** Looks what is there of a need; reads no file's content. */
export function needStatus(need: Need, dataDir: string): NeedStatus {
  const { name, kind, what, bytes } = need;
  const common = { name, kind, what, bytes, optional: 'optional' in need };
  switch (need.kind) {
    case 'weights':
    case 'class-means':
      return { ...common, ...fileState(need, dataDir) };
    case 'archive':
      return { ...common, ...archiveState(need, dataDir) };
    case 'on request':
      return { ...common, ...classesState(need, dataDir) };
  }
}

type Found = Pick<NeedStatus, 'state' | 'path' | 'detail' | 'share'>;

function fileState(need: FileNeed, dataDir: string): Found {
  const path = fileOf(need, dataDir);
  if (path === undefined) {
    return { state: 'missing', path: destinationOf(need, dataDir), detail: '', share: 0 };
  }
  return readDigest(path) === undefined
    ? { state: 'unchecked', path, detail: '', share: 1 }
    : { state: 'present', path, detail: '', share: 1 };
}

function archiveState({ folder, keep }: ArchiveNeed, dataDir: string): Found {
  const root = join(dataDir, folder);
  if ('files' in keep) {
    const there = keep.files.filter((file) => isFile(join(root, file))).length;
    return shareState(root, there, keep.files.length, 'files');
  }
  const path = join(root, keep.images);
  const finished = [path, join(root, 'images', keep.images)].find(isFolder);
  const there = entriesIn(finished ?? unfinished(path));
  const found = shareState(finished ?? path, there, keep.count, 'images');
  // An unfinished folder with all its images has not got its name yet.
  const state = finished === undefined && found.state === 'present' ? 'partly' : found.state;
  return { ...found, state };
}

function classesState({ folder, classes }: AskedNeed, dataDir: string): Found {
  const path = join(dataDir, folder);
  const there = entriesIn(join(path, 'train')) + entriesIn(join(path, 'val'));
  return shareState(path, there, 2 * classes, 'folders of classes');
}

function shareState(path: string, there: number, all: number, what: string): Found {
  if (there === all) return { state: 'present', path, detail: '', share: 1 };
  if (there === 0) return { state: 'missing', path, detail: '', share: 0 };
  const detail = `${there} of ${all} ${what}`;
  return { state: 'partly', path, detail, share: Math.min(1, there / all) };
}

/** Entries of a folder that are neither hidden nor unfinished. */
export function entriesIn(folder: string): number {
  if (!isFolder(folder)) return 0;
  return readdirSync(folder).filter((name) => !/^\.|\.unpacking$/.test(name)).length;
}
