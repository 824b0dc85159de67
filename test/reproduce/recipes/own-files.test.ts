import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProgramResult } from '../../../lib/engine/program';
import { runTypeScript } from '../../support/child';
import { withEngine } from '../../support/engine';
import { withFolder } from '../../support/folder';

const root = join(__dirname, '..', '..', '..');

const newPair = `
import { crossEntropy, kd, normDirection } from '${root}/lib/distill/terms';
import { paperRecipe, withoutNormDirection } from '${root}/reproduce/recipes/cifar';
import type { Table1Cell } from '${root}/reproduce/recipes/table1-cell';

const pair = 'resnet14:resnet8';
const plusPlus = paperRecipe([crossEntropy(), kd({ weight: 1.5 }), normDirection({ weight: 0.25 })]);
export const cells: Table1Cell[] = [
  { pair, row: 'kd++', expected: null, recipes: { 'kd++': plusPlus } },
  { pair, row: 'kd', expected: null, recipes: { kd: withoutNormDirection(plusPlus) } },
];
`;

const newMethod = `
import * as tf from '${root}/node_modules/@tensorflow/tfjs';
import { crossEntropy, defineTerm, type LossTerm } from '${root}/lib/distill/terms';
import { paperRecipe } from '${root}/reproduce/recipes/cifar';
import type { Table1Cell } from '${root}/reproduce/recipes/table1-cell';

defineTerm({
  loss: 'logitSize',
  needs: [],
  compute: (_: LossTerm, { student }) => tf.mean<tf.Scalar>(tf.square(student.logits)),
});

export const cell: Table1Cell = {
  pair: '*',
  row: 'small-logits',
  expected: null,
  recipes: { 'small-logits': paperRecipe([crossEntropy(), { loss: 'logitSize', weight: 0.1 }]) },
};
`;

const newDataset = `
import { customSource } from '${root}/lib/data';

const split = (perClass: number) => {
  const count = 3 * perClass;
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const images = new Uint8Array(count * 16 * 16 * 3).map((_, at) => 80 * (Math.floor(at / 768) % 3));
  return { images, labels, count };
};
export const dataset = customSource({
  name: 'greys',
  title: 'Three greys',
  load: () => ({ classes: ['dark', 'middle', 'light'], height: 16, width: 16, train: split(8), test: split(4) }),
});
`;

interface Listed {
  readonly runs: readonly { readonly pair: string; readonly method: string }[];
}

describe('a new pair, method or data set is one new file', function () {
  this.timeout(120_000);
  withEngine('native');
  const folder = withFolder();

  const run = (program: string, ...args: string[]): Promise<ProgramResult> =>
    runTypeScript(join(root, 'reproduce', program), args, {
      NORM_DIRECTION_LAB_RECIPES: join(folder(), 'own'),
    });
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder(), 'own'), { recursive: true });
    writeFileSync(join(folder(), 'own', name), text);
  };

  it('and all three run together, from the command', async () => {
    write('resnet14-resnet8.ts', newPair);
    write('small-logits.ts', newMethod);
    write('greys.ts', newDataset);
    const options = [
      ...[
        '--data',
        'greys',
        '--pairs',
        'resnet14:resnet8',
        '--methods',
        'student,kd++,small-logits',
      ],
      ...['--epochs', '1', '--teacher-epochs', '1', '--batch', '8'],
      ...['--results', join(folder(), 'results')],
    ];
    const listed = await run('table1.ts', ...options, '--list', '--json');
    expect(listed.status, listed.stderr).to.equal(0);
    expect(
      (JSON.parse(listed.stdout) as Listed).runs.map(({ pair, method }) => `${pair} ${method}`),
    ).to.eql([
      'resnet14 teacher',
      'resnet14:resnet8 student',
      'resnet14:resnet8 kd++',
      'resnet14:resnet8 small-logits',
    ]);
    expect(listed.stderr).to.include('takes the recipes of resnet56:resnet20 for student.');

    const trained = await run('table1.ts', ...options);
    expect(trained.status, trained.stderr).to.equal(0);
    expect(trained.stdout).to.match(/small-logits.*\d/);

    const checked = await run('commands/data.ts', 'check', 'greys');
    expect(checked.stdout, checked.stderr).to.include('24').and.include('greys');
  });

  it('is named when it is faulty, in one message', async () => {
    write(
      'small-logits.ts',
      newMethod.replace("loss: 'logitSize', weight", "loss: 'logitSizes', weight"),
    );
    const { status, stderr } = await run('table1.ts', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: .*small-logits\.ts: unknown loss term 'logitSizes'\. Did you mean 'logitSize'/,
    );
    expect(stderr).to.not.include('    at ');
  });

  it('is named when it gives a recipe that table 1 has already', async () => {
    write('again.ts', newPair.replace("'resnet14:resnet8'", "'resnet56:resnet20'"));
    const { status, stderr } = await run('table1.ts', '--list');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: two files have a recipe for kd\+\+ of resnet56:resnet20 .*again\.ts.*table1\.ts/,
    );
  });

  it('is named when it takes the name of a data set that there is', async () => {
    write('greys.ts', newDataset.replace("name: 'greys'", "name: 'cifar100'"));
    const { status, stderr } = await run('commands/data.ts', 'list');
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: .*greys\.ts: two data sets have the same name/);
  });
});
