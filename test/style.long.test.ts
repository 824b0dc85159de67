import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../lib/engine/program';

const root = join(__dirname, '..');

/** Runs one of the project's own tools and expects that it has nothing to say. */
async function expectClean(file: string, ...args: string[]): Promise<void> {
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    [join(root, file), ...args],
    {
      cwd: root,
      env: process.env,
    },
  );
  expect(status, `${stdout}${stderr}`).to.equal(0);
}

describe('the sources', function () {
  this.timeout(300_000);

  it('pass ESLint', () => expectClean('node_modules/eslint/bin/eslint.js', '.'));
  it('are formatted by Prettier', () =>
    expectClean('node_modules/prettier/bin/prettier.cjs', '--check', '.'));
  it('pass the TypeScript compiler', () =>
    expectClean('node_modules/typescript/bin/tsc', '--noEmit'));
  it('have a comment on each public export, in the reference that npm run docs makes', () =>
    expectClean('node_modules/typedoc/bin/typedoc', '--emit', 'none'));
  it('import downwards only, and never in a circle', () =>
    expectClean('node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'lib', 'reproduce'));
});
