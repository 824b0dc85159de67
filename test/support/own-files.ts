import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProgramResult } from '../../lib/engine/program';
import { runTypeScript } from './child';
import { withFolder } from './folder';

const root = join(__dirname, '..', '..');

/** The files that docs/extending.md prints. */
export const printed = join(root, 'examples', 'own');

/** For each test of the enclosing `describe`: a folder of files of one's own, and commands that know it. */
export function withOwnFiles(): {
  readonly folder: () => string;
  readonly run: (...args: string[]) => Promise<ProgramResult>;
  /** One of the printed files with a change in it, in that folder. */
  readonly write: (name: string, from: string, to: string) => void;
} {
  const parent = withFolder();
  const folder = (): string => join(parent(), 'own');
  return {
    folder,
    run: (...args) =>
      runTypeScript(join(root, 'reproduce', 'main.ts'), args, {
        NORM_DIRECTION_LAB_RECIPES: folder(),
      }),
    write(name, from, to) {
      const text = readFileSync(join(printed, name), 'utf8');
      expect(text).to.include(from);
      mkdirSync(folder(), { recursive: true });
      writeFileSync(join(folder(), name), text.replace(from, to));
    },
  };
}
