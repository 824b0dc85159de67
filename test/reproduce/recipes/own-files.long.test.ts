import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { withEngine } from '../../support/engine';
import { printed, withOwnFiles } from '../../support/own-files';

const root = join(__dirname, '..', '..', '..');

describe('a new pair, method, data set or network is one new file', function () {
  this.timeout(240_000);
  withEngine('native');
  const { folder, run } = withOwnFiles();

  it('and all four run together, from the command and a folder elsewhere', async () => {
    cpSync(printed, folder(), { recursive: true });
    writeFileSync(join(folder(), 'method.js'), "throw new Error('compiled, beside its source')");
    const page = readFileSync(join(root, 'docs', 'extending.md'), 'utf8');
    const [, words = ''] =
      /^NORM_DIRECTION_LAB_RECIPES=\S+ npm run reproduce:table1 -- (.*)$/m.exec(page) ?? [];
    const options = [...words.split(' '), '--results', join(folder(), '..', 'results')];
    const trained = await run('table1', ...options);
    expect(trained.status, trained.stderr).to.equal(0);
    const done = [...trained.stderr.matchAll(/^\[\d\/5\] (.*): (?:done|epoch 1\/1)/gmu)];
    expect(new Set(done.map(([, run]) => run))).to.have.all.keys(
      'teacher resnet14',
      'resnet14:resnet8 kd++ seed 1',
      'resnet14:resnet8 near-logits seed 1',
      'resnet14:one-layer kd++ seed 1',
      'resnet14:one-layer near-logits seed 1',
    );
    expect(trained.stderr).to.include('one-layer takes the recipes of resnet56:resnet20 for kd++.');
    expect(trained.stdout.match(/near-logits.*\d/g)).to.have.length.of.at.least(2);

    const checked = await run('data', 'check', 'greys');
    expect(checked.stdout, checked.stderr).to.include('24').and.include('greys');
  });

  it('for table 2 or 3 stands in the same folder, and in that table alone', async () => {
    cpSync(printed, folder(), { recursive: true });
    const rows = { table1: 'near-logits', table2: 'kd++-x2', table3: 'kd+nd-x0.5' };
    for (const [table, own] of Object.entries(rows)) {
      const { status, stdout, stderr } = await run(table, '--help');
      expect(status, stderr).to.equal(0);
      const [, listed = ''] = /--methods <list>(.*?)\n +--/s.exec(stdout) ?? [];
      const found = Object.values(rows).filter((row) => listed.split(/[\s,]+|\.\s/).includes(row));
      expect(found, table).to.eql([own]);
    }
    const page = readFileSync(join(root, 'docs', 'extending.md'), 'utf8');
    expect(page).to.include('table2 -- --methods kd++,kd++-x2 --list');
    expect(page).to.include('table3 -- --methods student,kd,kd+nd-x0.5 --list');
  });
});
