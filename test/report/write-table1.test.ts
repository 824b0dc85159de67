import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { LabError } from '../../lib/errors';
import type { Written } from '../../lib/report/write';
import { writeMadeUpRun } from '../support/made-up-runs';
import { withFolder } from '../support/folder';
import { writeTable1 } from '../support/table1-report';

const hostile = '<img src=x onerror="a()">&|';

describe('the written table 1', () => {
  const root = withFolder();
  const read = (name: string): string => readFileSync(join(root(), name), 'utf8');
  const write = (): Promise<Written> => writeTable1(root());

  beforeEach(() => {
    const accuracies = { student: [80, 81], kd: [81, 81.4], 'kd++': [81.5, 82.5] };
    for (const [method, ends] of Object.entries(accuracies)) {
      ends.forEach((end, index) => {
        writeMadeUpRun(root(), { config: { method, seed: index + 1 }, top1: [60, end] });
      });
    }
  });

  it('is two files, the report and a text for the terminal, the same bytes for the same runs', async () => {
    const { files, json } = await write();
    const names = [
      ...['table1.md', 'table1.csv'],
      ...['REPORT.html', 'table1.html', 'table1-runs.html'],
      ...['c1-nd-over-base.svg', 'curves.svg', 'c9-printed-numbers.svg'],
      'nd-by-hand.html',
    ];
    expect(files.map((file) => basename(file))).to.deep.equal(names);
    const paths = files.map((file) => relative(root(), file));
    const before = paths.map(read);
    const again = await write();
    expect(paths.map(read)).to.deep.equal(before);
    expect(again.json).to.deep.equal(json);
    for (const text of before) expect(text).not.to.include(root());
  });

  it('has its pictures in the page and in Markdown, each with its sentence', async () => {
    await write();
    // 81.5 − 81 and 82.5 − 81.4: 0.5 and 1.1.
    const finding = 'KD++: 0.8 points above KD, n = 2, so no interval (toy)';
    expect(read('claims/c1-nd-over-base.svg')).to.include(`<title>${finding}`);
    expect(read('table1.md')).to.include(`![${finding}](claims/c1-nd-over-base.svg)`);
    expect(read('table1.html')).to.include(finding);
    expect(read('table1.md')).to.match(/!\[KD\+\+ ends at 82\.0 %.*\]\(claims\/curves\.svg\)/u);
  });

  it('says in each form what can be compared, the setting, the seeds and the code', async () => {
    const { terminal } = await write();
    const pages = [read('table1.md'), read('table1.html')];
    for (const text of [terminal.replace(/\s+/gu, ' '), ...pages]) {
      expect(text).to.include(
        'not the paper’s setting: data set fashion-mnist instead of cifar100',
      );
      expect(text).to.include('What can be compared is the gain');
      expect(text).to.include('fashion-mnist · scale quick · 2 epochs · batch 128 · f32');
      expect(text).to.include('seeds 1, 2');
      expect(text).to.include('revision 0123456789ab');
      // KD++: 82 ± 0.71, +1.50 over the student, +0.80 ± 0.42 over KD.
      expect(text).to.include('82.00 ± 0.71 (2)');
      expect(text).to.include('+1.50 ± 0.00 (2)');
      expect(text).to.include('+0.80 ± 0.42 (2)');
      expect(text).to.include('+1.05 … +2.45');
      expect(text).to.include('d74c2ce');
    }
    expect(read('table1-runs.html')).to.include('runs/table1/resnet20-resnet8/kd++/seed-2');
  });

  it('fits a terminal of 100 columns: short names there, and only what there is room for', async () => {
    const { terminal } = await write();
    expect(terminal)
      .to.match(/^KD, ND 0 /mu)
      .and.not.include('recipe of KD++, ND 0)  ');
    expect(terminal).not.to.include('what these seeds show').and.not.include('Mean gain: of each');
    for (const page of [read('table1.md'), read('table1.html')]) {
      expect(page).to.include('KD (recipe of KD++, ND 0)');
      expect(page).to.include('what these seeds show').and.include('Mean gain: of each');
    }
    const longest = Math.max(...terminal.split('\n').map((line) => line.trimEnd().length));
    expect(longest).to.be.at.most(100);
  });

  it('is CSV with all digits that reads back cell by cell', async () => {
    writeMadeUpRun(root(), {
      config: { dataset: 'folder:a, "b"\nc', method: 'student', seed: 3, epochs: 1 },
      top1: [100 / 3],
    });
    await write();
    const [head = [], ...lines] = parseCsv(read('table1.csv'));
    const records = lines.map((line) =>
      Object.fromEntries(head.map((name, index) => [name, line[index] ?? ''])),
    );
    expect(lines.every((line) => line.length === head.length)).to.equal(true);
    const row = records.find(({ method }) => method === 'kd++');
    expect(row).to.include({
      scale: 'quick',
      pair: 'resnet20:resnet8',
      paper_top1: '',
      top1_mean: '82',
      top1_std: String(Math.SQRT1_2),
      top1_n: '2',
      top1_seeds: '1 2',
      gain_over_student_mean: '1.5',
      gain_over_base_paper_highest: '',
      published_base: 'kd-published',
      gain_over_published_paper_highest: '2.45',
      verdict: 'reduced',
    });
    const other = records.find(({ top1_seeds: seeds }) => seeds === '3');
    expect(other?.['dataset']).to.equal('folder:a, "b"\nc');
    expect(other?.['top1_mean']).to.equal('33.333333333333336');
  });

  it('takes no name for markup', async () => {
    writeMadeUpRun(root(), { config: { method: hostile }, top1: [60, 83] });
    await write();
    const page = read('table1.html');
    expect(page).to.include('&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;|');
    const pictures = ['claims/c1-nd-over-base.svg', 'claims/curves.svg'];
    const all = ['table1.html', 'table1-runs.html', ...pictures, 'table1.md'];
    for (const name of all) {
      expect(read(name), name).not.to.include('<img');
    }
    expect(read('table1.md')).to.include('&lt;img src=x onerror="a()">&amp;\\|');
  });

  it('has pages that ask for nothing else', async () => {
    await write();
    expect(read('table1.html')).to.match(/<svg[^>]+viewBox/u);
    for (const page of [read('table1.html'), read('table1-runs.html'), read('REPORT.html')]) {
      expect(page).not.to.match(/<script|<link|@import|\bsrc="(?!claims\/)|url\((?!#)/u);
      expect(page).to.include('name="viewport"');
    }
  });

  it('folds rows that nobody ran into one line, but keeps them in the CSV', async () => {
    const methods = ['student', 'kd', 'kd++', 'dkd', 'dkd++', 'fitnet'];
    const { terminal } = await writeTable1(root(), { methods });
    for (const text of [terminal, read('table1.md'), read('table1.html')]) {
      expect(text.split('\\').join('')).to.include('Not run: FitNet; DKD, ND 0; DKD++.');
      expect(text).not.to.match(/^(\| |<tr.*>)?(DKD|FitNet)/mu);
    }
    expect(read('table1.csv')).to.match(/,dkd\+\+,DKD\+\+,/u);
  });

  it('needs runs: without any, or with a broken one, nothing is written', async () => {
    const other = join(root(), 'other');
    const missing = await failure(writeTable1(other));
    expect(missing).to.be.instanceOf(LabError);
    expect(missing).to.have.property('message').that.includes('no run of table1');
    expect(existsSync(other)).to.equal(false);
    writeMadeUpRun(root(), {
      config: { method: 'kd', seed: 3, recipe: { other: true } },
      top1: [1, 2],
    });
    expect(await failure(write())).to.be.instanceOf(LabError);
    expect(existsSync(join(root(), 'table1.md'))).to.equal(false);
  });

  it('is written before any run is finished, too', async () => {
    const fresh = join(root(), 'fresh');
    writeMadeUpRun(fresh, { provenance: { ended: 'running', teacherTop1: null }, top1: [50] });
    const { terminal } = await writeTable1(fresh);
    expect(terminal).to.include('No run is finished yet');
    expect(terminal).to.include('1 of 2 epochs done (running)');
    const picture = readFileSync(join(fresh, 'claims', 'c1-nd-over-base.svg'), 'utf8');
    expect(picture).to.include('<title>Not run: ND improves every method');
  });

  it('colours verdicts only when asked', async () => {
    for (const seed of [1, 2, 3]) {
      writeMadeUpRun(root(), {
        config: {
          scale: 'paper',
          dataset: 'cifar100',
          pair: 'resnet56:resnet20',
          teacher: 'resnet56',
          student: 'resnet20',
          method: 'student-published',
          seed,
          epochs: 240,
        },
        top1: Array.from({ length: 240 }, () => 69.06),
      });
    }
    const escapes = (text: string): boolean => text.includes('\u001b[');
    expect(escapes((await write()).terminal)).to.equal(false);
    const { terminal } = await writeTable1(root(), { color: true });
    expect(escapes(terminal)).to.equal(true);
    expect(terminal).to.include('reproduced (0.00)');
  });
});

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** RFC 4180, enough to read the file back. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gu)) {
    record.push(quoted === undefined ? (plain ?? '') : quoted.split('""').join('"'));
    if (end === '\n') {
      records.push(record);
      record = [];
    }
  }
  return records;
}
