import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const root = join(__dirname, '..', '..');

interface Area {
  readonly folder: string;
  readonly files?: readonly string[];
  readonly tests?: readonly string[];
}

/** `{a,b}.ts` is `a.ts` and `b.ts`; what stands for any file is its folder. */
function filesIn(pattern: string): string[] {
  const [, before = '', among, after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  const names =
    among === undefined ? [pattern] : among.split(',').map((one) => before + one + after);
  return names.map((name) => name.replace(/\/\*.*$/, ''));
}

describe('what npm run mutate changes, and the tests that it runs', () => {
  it('are there', async () => {
    const { heart } = (await import('./heart.mjs' as string)) as { heart: readonly Area[] };
    expect(heart).not.to.deep.equal([]);
    const named = heart.flatMap(({ folder, files = [], tests = [] }) => [
      folder,
      ...files.map((file) => `${folder}/${file}`),
      ...tests,
    ]);
    const missing = named.flatMap(filesIn).filter((file) => !existsSync(join(root, file)));
    expect(missing).to.deep.equal([]);
  });
});
