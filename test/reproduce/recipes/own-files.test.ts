import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProgramResult } from '../../../lib/engine/program';
import { runTypeScript } from '../../support/child';
import { withEngine } from '../../support/engine';
import { withFolder } from '../../support/folder';

const root = join(__dirname, '..', '..', '..');

/** The files that docs/extending.md prints. */
const printed = join(root, 'examples', 'own');

describe('a new pair, method, data set or network is one new file', function () {
  this.timeout(240_000);
  withEngine('native');
  const folder = withFolder();

  const run = (...args: string[]): Promise<ProgramResult> =>
    runTypeScript(join(root, 'reproduce', 'main.ts'), args, {
      NORM_DIRECTION_LAB_RECIPES: join(folder(), 'own'),
    });
  /** One of the printed files with a change in it, in the folder of one's own. */
  const write = (name: string, from: string, to: string): void => {
    const text = readFileSync(join(printed, name), 'utf8');
    expect(text).to.include(from);
    mkdirSync(join(folder(), 'own'), { recursive: true });
    writeFileSync(join(folder(), 'own', name), text.replace(from, to));
  };

  it('is named when it is faulty, in one message', async () => {
    write('method.ts', 'logitDistance({ weight: 0.1 })', "{ loss: 'logitDistances', weight: 0.1 }");
    const { status, stderr } = await run('table1', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: .*method\.ts: unknown loss term 'logitDistances'\. Did you mean 'logitDistance'/,
    );
    expect(stderr).to.not.include('    at ');
  });

  it('is named when it gives a recipe that table 1 has already', async () => {
    write('pair.ts', "'resnet14:resnet8'", "'resnet56:resnet20'");
    const { status, stderr } = await run('table1', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: two files have a recipe for kd\+\+ of resnet56:resnet20 .*pair\.ts.*table1\.ts/,
    );
  });

  it('is named when it takes the name of a data set that there is', async () => {
    write('dataset.ts', "name: 'greys'", "name: 'cifar100'");
    const { status, stderr } = await run('data', 'list');
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: .*dataset\.ts: two data sets have the same name/);
  });
});
