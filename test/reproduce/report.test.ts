import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { hasReader } from '../../reproduce/commands/browser';
import { withFolder } from '../support/folder';
import { writeMadeUpRun } from '../support/made-up-runs';
import { runTypeScript } from '../support/child';

const commands = join(__dirname, '..', '..', 'reproduce', 'commands');
const command = join(commands, 'report.ts');

describe('npm run report', function () {
  this.timeout(60_000);
  const folder = withFolder();
  const results = (): string => join(folder(), 'results');
  const report = (...args: string[]): ReturnType<typeof runTypeScript> =>
    runTypeScript(command, ['--results', results(), ...args], { PATH: folder(), DISPLAY: ':0' });

  it('makes the page of each table that has runs, and the report of all of them', async () => {
    const study = 'table1-quick-fashion-mnist';
    for (const [method, top1] of Object.entries({ student: 40, kd: 50, 'kd+sifn': 53 })) {
      writeMadeUpRun(results(), { config: { study, method }, top1: [30, top1] });
    }
    const pages = join(folder(), 'pages');
    const { status, stdout, stderr } = await report('--output', pages, '--json');
    expect(status, stderr).to.equal(0);
    // KD + SIFN belongs to the norm study and to the ablation.
    const documents = ['table1', 'norm', 'ablation', 'teachers'];
    const names = [
      'REPORT.html',
      ...documents.flatMap((name) => [`${name}.html`, `${name}-runs.html`]),
    ];
    // The claims of these documents, in their order.
    const pictures = ['c1-nd-over-base', 'c9-printed-numbers', 'c2-sifn-over-naive'].concat(
      ...['c6-longer-features', 'c4-nd-over-parts', 'c5-larger-teachers'],
    );
    const plane = 'nd-by-hand.html';
    const all = [...names, ...pictures.map((name) => join('claims', `${name}.svg`)), plane];
    expect(JSON.parse(stdout)).to.deep.equal({ files: all.map((name) => join(pages, name)) });
    expect(readdirSync(pages)).to.have.members([...names, 'claims', plane]);
    expect(readdirSync(results())).to.deep.equal(['runs']);
    // Nobody sits at a pipe, whatever the display.
    expect(stderr).to.equal('');

    const read = (name: string): string => readFileSync(join(pages, name), 'utf8');
    expect(read('table1.html')).to.include('50.00 (1)').and.not.include('53.00 (1)');
    expect(read('norm.html')).to.include('53.00 (1)').and.include('+3.00 (1)');
    for (const name of [...names, plane].filter((file) => file.endsWith('.html'))) {
      for (const [, file = '', anchor] of read(name).matchAll(
        /(?:href|src)="([^"#]*)(?:#([^"]*))?"/gu,
      )) {
        const target = file === '' ? name : file;
        expect(all, `${name}: ${target}`).to.include(target);
        if (anchor !== undefined) expect(read(target), name).to.include(`id="${anchor}"`);
      }
    }
  });

  for (const [where, isTTY, env, platform, opens] of [
    ['a terminal on a display', true, { DISPLAY: ':0' }, 'linux', true],
    ['a terminal under Wayland', true, { WAYLAND_DISPLAY: 'wayland-0' }, 'linux', true],
    ['a terminal without a display', true, { DISPLAY: '' }, 'linux', false],
    ['a pipe on a display', undefined, { DISPLAY: ':0' }, 'linux', false],
    ['a terminal of macOS', true, {}, 'darwin', true],
  ] as const) {
    it(`${opens ? 'opens' : 'opens no'} page on ${where}`, () => {
      expect(hasReader({ stdout: { isTTY }, env, platform })).to.equal(opens);
    });
  }

  it('says what to do without runs, and writes nothing', async () => {
    const { status, stderr } = await report();
    expect(status).to.equal(1);
    expect(stderr).to.match(/^error: there is no run to report .*reproduce:table1/u);
    expect(existsSync(results())).to.equal(false);
  });
});

describe('npm run claims', function () {
  this.timeout(60_000);
  const folder = withFolder();
  const results = (): string => join(folder(), 'mine', 'results');
  const claims = (...args: string[]): ReturnType<typeof runTypeScript> =>
    runTypeScript(join(commands, 'claims.ts'), ['--results', results(), ...args]);

  it('tells one’s own runs in their folder, and in a page that is named', async () => {
    writeMadeUpRun(results(), {
      config: { study: 'table1-quick-fashion-mnist', method: 'kd' },
      top1: [30, 50],
    });
    const { status, stdout, stderr } = await claims();
    expect(status, stderr).to.equal(0);
    const own = join(results(), 'README.md');
    // The project's README tells the project's runs.
    expect(stdout)
      .to.match(/\nWritten: (.*)\n$/u)
      .and.include(`Written: ${own}\n`);
    const page = join(folder(), 'page.md');
    writeFileSync(page, 'a <!-- claims -->old<!-- /claims --> b');
    expect(await claims('--readme', page)).to.include({ status: 0 });
    expect(readFileSync(page, 'utf8')).to.include('[results](mine/results/README.md)');
  });

  it('prints what its help names as JSON, and writes nothing', async () => {
    writeMadeUpRun(results(), {
      config: { study: 'table1-quick-fashion-mnist', method: 'kd' },
      top1: [30, 50],
    });
    const { stdout } = await claims('--json');
    expect(Object.keys(JSON.parse(stdout) as object).join(', ')).to.equal(
      'claims, older, current, runs, hours, processors',
    );
    expect(readdirSync(results())).to.deep.equal(['runs']);
  });

  it('refuses a named page without a place for the claims, and writes nothing', async () => {
    writeMadeUpRun(results(), {
      config: { study: 'table1-quick-fashion-mnist', method: 'kd' },
      top1: [30, 50],
    });
    const { status, stderr } = await claims('--readme', join(folder(), 'none.md'));
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^error: there is no place for the claims \(--readme\): found no .*none\.md/u,
    );
    expect(readdirSync(results())).to.deep.equal(['runs']);
  });
});
