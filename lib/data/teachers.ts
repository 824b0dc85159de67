import { join } from 'node:path';
import { dataDirectory } from './directory';
import { isFile } from './paths';

/** The teachers in mdistiller's archive, by the names of the models. */
export const publishedTeacherNames = [
  'resnet56',
  'resnet110',
  'resnet32x4',
  'wrn_40_2',
  'vgg13',
  'ResNet50',
] as const;
export type PublishedTeacherName = (typeof publishedTeacherNames)[number];

/** The archive as github.com/megvii-research/mdistiller, release `checkpoints`, has it; some 364 MB. */
export const teachersArchive = {
  fileName: 'cifar_teachers.tar',
  url: 'https://github.com/megvii-research/mdistiller/releases/download/checkpoints/cifar_teachers.tar',
} as const;

/**
 * SHA-256 of single files as others who used them report it. Their makers published no checksum, neither
 * of the archive nor of its files: a difference is worth a warning, not a refusal.
 *
 * resnet32x4: github.com/ChenBill900703/CRD-Reproduction, who measured 79.42 % with it.
 */
export const reportedDigests: Readonly<Partial<Record<PublishedTeacherName, string>>> = {
  resnet32x4: '22aa12e2b632b19ddde155ccf2388671842ddd304824b3095e0a7fff364beb4f',
};

/** What fetches them. */
export const fetchCommand = 'npm run data -- cifar-teachers';

/** Where the teachers lie, as the archive unpacks. */
export function teachersFolder(dataDir: string): string {
  return join(dataDir, 'cifar_teachers');
}

/** Where a published teacher's weights go. */
export function teacherPath(name: PublishedTeacherName, dataDir: string): string {
  return join(teachersFolder(dataDir), `${name}_vanilla`, 'ckpt_epoch_240.pth');
}

/** The teacher whose weights an entry of the archive holds, whatever folder the archive puts it in. */
export function teacherOfEntry(entryPath: string): PublishedTeacherName | undefined {
  const parts = entryPath.split('/');
  return publishedTeacherNames.find(
    (name) => parts.at(-1) === 'ckpt_epoch_240.pth' && parts.at(-2) === `${name}_vanilla`,
  );
}

/**
 * The file with a published teacher's weights, or undefined where there is none of that name or it was
 * not fetched. `readWeights` compares it with the checksum noted when it was unpacked.
 *
 * @param dataDir where data sets lie; default as `dataDirectory`.
 */
export function publishedTeacher(name: string, dataDir?: string): string | undefined {
  const known = publishedTeacherNames.find((candidate) => candidate === name);
  if (known === undefined) return undefined;
  const file = teacherPath(known, dataDirectory(dataDir));
  return isFile(file) ? file : undefined;
}
