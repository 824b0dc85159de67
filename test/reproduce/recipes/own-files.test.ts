import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { withEngine } from '../../support/engine';
import { withOwnFiles } from '../../support/own-files';

describe('a new pair, method, data set or network is one new file', function () {
  this.timeout(240_000);
  withEngine('native');
  const { folder, run, write } = withOwnFiles();

  it('is named when it is faulty, in one message', async () => {
    write('method.ts', 'logitDistance({ weight: 0.1 })', "{ loss: 'logitDistances', weight: 0.1 }");
    const { status, stderr } = await run('table1', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: .*method\.ts: unknown loss term 'logitDistances'\. Did you mean 'logitDistance'/,
    );
    expect(stderr).to.not.include('    at ');
  });

  it('must be there: the variable, the folder and the way out are named', async () => {
    const fault = async (): Promise<string> => (await run('table1', '--list')).stderr;
    const named = `(NORM_DIRECTION_LAB_RECIPES=${folder()})`;
    expect(await fault()).to.include(`${named}: found no such folder. Name the folder`);
    mkdirSync(folder());
    expect(await fault()).to.include(`${named}: found no .ts or .js there. Name the folder`);
  });

  it('may have packages installed beside it, for an editor and the compiler', async () => {
    write('dataset.ts', 'greys', 'greys');
    for (const place of ['node_modules/some-package', '.git/hooks']) {
      mkdirSync(join(folder(), place), { recursive: true });
      writeFileSync(join(folder(), place, 'main.js'), "throw new Error('loaded')");
    }
    const { status, stdout, stderr } = await run('data', 'list');
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include('greys');
  });

  it('is named when it gives a recipe that table 1 has already', async () => {
    write('pair.ts', "'resnet14:resnet8'", "'resnet56:resnet20'");
    const { status, stderr } = await run('table1', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: two files have a recipe for kd\+\+ of resnet56:resnet20 .*pair\.ts.*table1\.ts/,
    );
  });

  it('is named when it gives table 3 a field or an option that it does not have', async () => {
    for (const [from, to, slip] of [
      ["'kd+nd-x0.5',", "'kd+nd-x0.5', expectd: 40,", "field of a cell 'expectd'"],
      [
        'recipe: detectronRecipe(',
        'recipe: ((terms) => ({ ...detectronRecipe(terms), iteration: 5 }))(',
        "'iteration'",
      ],
      [
        'kd({ weight: 1, temperature: 1 })',
        "{ loss: 'kd', weight: 1, temprature: 1 }",
        "'temprature'",
      ],
      ["row: 'kd+nd-x0.5'", "row: 'teacher'", 'a cell of row teacher'],
    ] as const) {
      write('detector.ts', from, to);
      const { status, stderr } = await run('table3', '--list');
      expect(status).to.equal(1);
      expect(stderr)
        .to.match(/^error: .*detector\.ts/)
        .and.include(slip);
    }
  });

  it('is named when it takes the name of a data set that there is', async () => {
    write('dataset.ts', "name: 'greys'", "name: 'cifar100'");
    const { status, stderr } = await run('data', 'list');
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: .*dataset\.ts: two data sets have the same name/);
  });
});
