import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cifar100Spec, cifar10Spec, type CifarSpec } from '../../lib/data/cifar-source';
import { python2Pickle, type Python2Value } from './python2-pickle';

/** CIFAR-100's files with three classes, four training and two test images. */
export const tinyCifar100: CifarSpec = {
  ...cifar100Spec,
  classCount: 3,
  trainCount: 4,
  testCount: 2,
};

/** CIFAR-10's files with three classes, five files of two training images, and three test images. */
export const tinyCifar10: CifarSpec = {
  ...cifar10Spec,
  classCount: 3,
  trainCount: 10,
  testCount: 3,
};

export const tinyClasses = ['cat', 'dog', 'émeu'];

/** The made-up byte of record `record` at channel (0 to 2) and position (0 to 1023). */
export function tinyByte(record: number, channel: number, position: number): number {
  return (record * 50 + channel * 10 + position) % 256;
}

/** The made-up class of a record. */
export function tinyLabel(record: number): number {
  return (record * 2) % 3;
}

/** Training records are numbered from 0, test records from 100. */
const firstRecord = { train: 0, test: 100 } as const;

/** Writes a binary form into `place/<official folder>` and gives that folder. */
export function writeTinyBinary(spec: CifarSpec, place: string): string {
  const folder = join(place, spec.binary.folder);
  mkdirSync(folder, { recursive: true });
  eachFile(spec, 'binary', (name, records) => {
    const lines = records.map((record) => {
      const labels = Buffer.alloc(spec.binary.layout.labelBytes, 99);
      labels[spec.binary.layout.classByte] = tinyLabel(record);
      return Buffer.concat([labels, planes(record)]);
    });
    writeFileSync(join(folder, name), Buffer.concat(lines));
  });
  writeFileSync(join(folder, spec.binary.names), `${tinyClasses.join('\n')}\n\n`);
  return folder;
}

/** Writes a python form, as Python 2 pickled it, into `place/<official folder>`. */
export function writeTinyPython(spec: CifarSpec, place: string): string {
  const folder = join(place, spec.python.folder);
  mkdirSync(folder, { recursive: true });
  eachFile(spec, 'python', (name, records) => {
    const content = new Map<string, Python2Value>([
      ['data', { rows: records.length, bytes: Buffer.concat(records.map(planes)) }],
      [spec.python.labelKey, records.map(tinyLabel)],
    ]);
    writeFileSync(join(folder, name), python2Pickle(content));
  });
  // Python 2 wrote the names as 8-bit strings; latin1 keeps the é one character.
  const names = python2Pickle(new Map([[spec.python.namesKey, tinyClasses]]));
  writeFileSync(join(folder, spec.python.names), names);
  return folder;
}

function eachFile(
  spec: CifarSpec,
  form: 'binary' | 'python',
  write: (name: string, records: number[]) => void,
): void {
  for (const split of ['train', 'test'] as const) {
    const count = split === 'train' ? spec.trainCount : spec.testCount;
    const names = spec[form][split];
    const perFile = count / names.length;
    names.forEach((name, file) => {
      const start = firstRecord[split] + file * perFile;
      write(
        name,
        Array.from({ length: perFile }, (_, i) => start + i),
      );
    });
  }
}

function planes(record: number): Buffer {
  return Buffer.from(
    Array.from({ length: 3072 }, (_, i) => tinyByte(record, Math.floor(i / 1024), i % 1024)),
  );
}
