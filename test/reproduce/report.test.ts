import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { withFolder } from '../support/folder';
import { writeMadeUpRun } from '../support/made-up-runs';
import { runTypeScript } from '../support/child';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'report.ts');

describe('npm run report', function () {
  this.timeout(60_000);
  const folder = withFolder();
  const results = (): string => join(folder(), 'results');
  const report = (...args: string[]): ReturnType<typeof runTypeScript> =>
    runTypeScript(command, ['--results', results(), ...args], { PATH: folder() });

  it('makes the page of each table that has runs, and the report of all of them', async () => {
    const study = 'table1-quick-fashion-mnist';
    for (const [method, top1] of Object.entries({ student: 40, kd: 50, 'kd+sifn': 53 })) {
      writeMadeUpRun(results(), { config: { study, method }, top1: [30, top1] });
    }
    const pages = join(folder(), 'pages');
    const { status, stdout, stderr } = await report('--output', pages, '--json', '--open');
    expect(status, stderr).to.equal(0);
    // KD + SIFN belongs to the norm study and to the ablation.
    const names = ['REPORT.html', 'table1.html', 'norm.html', 'ablation.html', 'teachers.html'];
    expect(JSON.parse(stdout)).to.deep.equal({ files: names.map((name) => join(pages, name)) });
    expect(readdirSync(pages)).to.have.members(names);
    expect(readdirSync(results())).to.deep.equal(['runs']);
    // There is no browser on so short a path.
    expect(stderr).to.match(/No browser was found here\. Open file:\/\/.*REPORT\.html/u);

    const [whole = '', table1 = '', norm = ''] = names.map((name) =>
      readFileSync(join(pages, name), 'utf8'),
    );
    expect(table1).to.include('50.00 (1)').and.not.include('53.00 (1)');
    expect(norm).to.include('53.00 (1)').and.include('+3.00 (1)');
    expect(whole.match(/<section id="\w+"/gu)).to.deep.equal(
      ['table1', 'norm', 'ablation', 'teachers'].map((name) => `<section id="${name}"`),
    );
    for (const [link] of whole.matchAll(/(?<=href="#)[^"]+/gu)) {
      expect(whole).to.include(`id="${link}"`);
    }
  });

  it('says what to do without runs, and writes nothing', async () => {
    const { status, stderr } = await report();
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: there is no run to report .*reproduce:table1/u);
    expect(existsSync(results())).to.equal(false);
  });
});
