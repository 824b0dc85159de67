import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { growsTooFast, powersOf } from '../../lib/bench/growth-benchmark';
import { type BenchRow, benchRows, type RowLine, timedCode } from '../../lib/bench/rows';
import { measureRows, rowsFor, rowsLeft } from '../../lib/bench/rows-measure';
import { withBenchRows } from '../../lib/bench/rows-page';
import {
  type BenchRecord,
  readBenchRecord,
  verdictOf,
  writeBenchRecord,
} from '../../lib/bench/rows-record';
import { processorName } from '../../lib/engine/processor';
import { codeRevision } from '../../lib/environment';
import { runHere } from '../support/command';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'bench-all.ts');

describe('npm run bench:all', () => {
  const folder = withFolder();
  const file = (): string => join(folder(), 'bench.json');
  const now = { processor: 'one', revision: 'abc', rounds: 3, torch: true };

  const line = (changes: Partial<RowLine> = {}): RowLine => ({
    ...{ label: 'a → b', beside: 'PyTorch', aim: 0.85 },
    ...{ ms: [8, 9, 7], besideMs: [10, 10, 10] },
    ...changes,
  });
  const row = (name: string, ...lines: RowLine[]): BenchRow => ({
    ...{ name, section: 'A step', args: [], torch: true, minutes: 1 },
    read: (found) => ({ lines, version: String(found) }),
  });
  const measuring = (
    record: BenchRecord,
    measure: (name: string) => string,
    signal = new AbortController().signal,
  ): Parameters<typeof measureRows>[1] => ({
    ...{ file: file(), record, now, signal },
    measure: ({ name }) => Promise.resolve().then(() => measure(name)),
    noise: () => Promise.resolve({ busy: 0, spread: 0 }),
    say: () => undefined,
  });

  it('keeps each row, goes on after one that fails, and does not measure again', async () => {
    const rows = ['one', 'two', 'three'].map((name) => row(name, line()));
    const record = readBenchRecord(file());
    const asked: string[] = [];
    const measure = (name: string): string => {
      asked.push(name);
      if (name === 'two') throw new Error('out of luck\nand more');
      return '2.9';
    };
    await measureRows(rows, measuring(record, measure));
    expect(asked).to.deep.equal(['one', 'two', 'three']);
    const kept = readBenchRecord(file());
    expect(kept.rows['two']).to.deep.equal({
      ...{ state: 'failed', section: 'A step', error: 'out of luck' },
    });
    expect(kept.rows['three']).to.include({ state: 'measured', version: '2.9', ...now });
    expect(kept.rows['three']).to.have.deep.property('lines', [line()]);
    const left = (conditions: Partial<typeof now>): string[] =>
      rowsLeft(rows, kept, { ...now, ...conditions }).map(({ name }) => name);
    expect(left({})).to.deep.equal(['two']);
    for (const other of [{ revision: 'b' }, { processor: 'b' }, { rounds: 5 }, { torch: false }]) {
      expect(left(other), JSON.stringify(other)).to.have.length(3);
    }
  });

  it('leaves rows in bfloat16 to processors that have instructions for it', () => {
    const names = (bfloat16: 'accelerated' | 'emulated'): string[] =>
      rowsFor(bfloat16, benchRows).map(({ name }) => name);
    const left = names('emulated');
    expect(names('accelerated').filter((name) => !left.includes(name)))
      .to.include('resnet56:resnet20/bf16')
      .and.satisfy((others: string[]) => others.every((name) => name.endsWith('/bf16')));
    expect(left.filter((name) => name.endsWith('/bf16'))).to.deep.equal([]);
    expect(left).to.include('resnet56:resnet20/f32').and.to.include('growth');
  });

  it('takes the commit that last changed what is timed', () => {
    const git = (...args: string[]): string[] =>
      execFileSync('git', args, { encoding: 'utf8' })
        .split('\n')
        .filter((text) => text !== '');
    const { revision } = codeRevision(timedCode);
    const changed = git('show', '--format=', '--name-only', revision ?? '', '--', ...timedCode);
    expect(changed).to.not.deep.equal([]);
    expect(
      changed.filter((name) => !/^lib\/(?!report|notebook|statistics|bench\/rows)/.test(name)),
    ).to.deep.equal([]);
    expect(git('diff', '--name-only', revision ?? '', 'HEAD', '--', ...timedCode)).to.deep.equal(
      [],
    );
  });

  it('stops between rows and in one, with what was measured kept', async () => {
    const stop = new AbortController();
    const rows = ['one', 'two', 'three'].map((name) => row(name, line()));
    const fault = await faultOf(() =>
      measureRows(
        rows,
        measuring(
          readBenchRecord(file()),
          (name) => {
            if (name === 'one') return '2.9';
            stop.abort();
            throw new Error('killed');
          },
          stop.signal,
        ),
      ),
    );
    expect(fault).to.include({ kind: 'interrupted' });
    expect(Object.keys(readBenchRecord(file()).rows)).to.deep.equal(['one']);
  });

  /** The cells of the page's lines whose first begins so. */
  function cellsOf(rows: BenchRecord['rows'], label: string): string[][] {
    const page = withBenchRows('before <!-- bench:all -->\n\nformer <!-- /bench:all --> after', {
      format: 1,
      rows,
    });
    expect(page).to.match(/^before <!-- bench:all -->[^]+<!-- \/bench:all --> after$/);
    expect(page).to.not.include('former');
    return (page ?? '')
      .split('\n')
      .filter((text) => text.startsWith(`| ${label}`))
      .map((text) => text.split(' | ').map((cell) => cell.replaceAll('|', '').trim()));
  }
  const measuredRow = (...lines: RowLine[]): BenchRecord['rows'][string] => ({
    ...{ state: 'measured', section: 'A step', ...now, date: '2026-01-01', seconds: 1 },
    ...{ busy: 0, spread: 0, lines },
  });

  const told: [string, Partial<RowLine>, string[]][] = [
    ['faster in every round', {}, ['0.80 (0.70 … 0.90)', '≤ 0.85', 'faster, reached']],
    [
      'a range that spans 1, its aim reached in the middle',
      { ms: [8, 12, 7] },
      ['0.80 (0.70 … 1.20)', '≤ 0.85', 'not told apart, reached'],
    ],
    [
      'slower in every round',
      { ms: [11, 12, 13] },
      ['1.20 (1.10 … 1.30)', '≤ 0.85', 'slower, not reached'],
    ],
    ['our own times beside', { beside: 'own' }, ['0.80 (0.70 … 0.90)', '≤ 0.85', 'reached']],
    ['no aim', { aim: null }, ['0.80 (0.70 … 0.90)', '', 'faster']],
    [
      'another ratio in each round, not of the medians',
      { ms: [5, 10, 20], besideMs: [20, 10, 5] },
      ['1.00 (0.25 … 4.00)', '≤ 0.85', 'not told apart, not reached'],
    ],
  ];
  for (const [title, changes, cells] of told) {
    it(`tells ${title}`, () => {
      const [found] = cellsOf({ one: measuredRow(line(changes)) }, 'a → b');
      expect(found?.slice(3)).to.deep.equal(cells);
    });
  }

  it('calls nothing faster or slower where one round was the same', () => {
    for (const range of [
      { low: 0.5, high: 1 },
      { low: 1, high: 2 },
    ]) {
      expect(verdictOf({ median: 1, ...range }, line())).to.equal('not told apart');
    }
  });

  it('judges pairs that share an aim by the geometric mean of each round', () => {
    const together = { together: 'all', beside: 'PyTorch', aim: 0.55 };
    const rows = {
      one: measuredRow(line({ ...together, label: 'one', ms: [2, 4], besideMs: [8, 8] })),
      two: measuredRow(line({ ...together, ms: [8, 8], besideMs: [8, 8] })),
      // Beside another it would be of another mean, and is judged alone.
      three: measuredRow(
        line({ ...together, label: 'three', beside: 'own', ms: [80, 80], besideMs: [8, 8] }),
      ),
    };
    const [mean] = cellsOf(rows, 'all: geometric mean of 2');
    expect(cellsOf(rows, 'one')[0]?.slice(4)).to.deep.equal(['', 'faster']);
    expect(cellsOf(rows, 'three')[0]?.slice(4)).to.deep.equal(['≤ 0.55', 'not reached']);
    // √(2/8 · 8/8) = 0.5 and √(4/8 · 8/8) = 0.707.
    expect(mean?.slice(3)).to.deep.equal(['0.60 (0.50 … 0.71)', '≤ 0.55', 'faster, not reached']);
  });

  it('gives the power with which a cost grows at its largest sizes', () => {
    const points = [
      { size: 1, ms: 5, mebibytes: 1 },
      { size: 10, ms: 6, mebibytes: 10 },
      { size: 100, ms: 600, mebibytes: 100 },
    ];
    const power = powersOf(points);
    expect(power.time).to.be.closeTo(2, 1e-12);
    expect(power.memory).to.be.closeTo(1, 1e-12);
    expect(growsTooFast({ allowed: 1, power })).to.equal(true);
    expect(growsTooFast({ allowed: 1, power: { time: 1.1, memory: 1 } })).to.equal(false);
    expect(growsTooFast({ allowed: 1, power: { time: 0, memory: 1.3 } })).to.equal(true);
  });

  it('lists its rows, and says which it does not know', async () => {
    const { stdout, stderr } = await runHere(command, ['--list', '--record', file()]);
    for (const { name } of benchRows) expect(stdout + stderr).to.include(name);
    const listed = await runHere(command, ['--list', '--json', '--record', file()]);
    const { rows, minutes } = JSON.parse(listed.stdout) as {
      rows: { name: string; minutes: number; state: string }[];
      minutes: number;
    };
    expect(rows.map(({ name }) => name)).to.deep.equal(benchRows.map(({ name }) => name));
    const left = rows.filter(({ state }) => state === 'to measure');
    expect(minutes).to.be.closeTo(
      left.reduce((sum, row) => sum + row.minutes, 0),
      1e-9,
    );
    const { status, stderr: words } = await runHere(command, ['--only', 'memori']);
    expect(status).to.equal(1);
    expect(words).to.match(/unknown row 'memori' \(--only\)/);
  });

  it('renders the page and its picture from the record, where all is measured', async () => {
    const page = join(folder(), 'page.md');
    writeFileSync(page, '# Page\n\n<!-- bench:all -->\n<!-- /bench:all -->\n');
    const conditions = {
      processor: processorName(),
      revision: codeRevision(timedCode).revision,
      ...{ rounds: 5, torch: false },
    };
    const rows = benchRows.map(({ name }) => {
      return [name, { ...measuredRow(line({ label: name })), ...conditions }] as const;
    });
    writeBenchRecord(file(), { format: 1, rows: Object.fromEntries(rows) });
    const args = ['--record', file(), '--page', page, '--json'];
    const { status, stdout, stderr } = await runHere(command, args);
    expect(status, stderr).to.equal(0);
    const found = JSON.parse(stdout) as { rows: Record<string, { state: string }> };
    expect(found.rows['decoding']).to.include({ state: 'measured' });
    const written = readFileSync(page, 'utf8');
    for (const { name } of benchRows) expect(written).to.include(`| ${name} |`);
    const picture = readFileSync(join(folder(), 'pictures', 'performance.svg'), 'utf8');
    expect(picture).to.include('resnet56:resnet20/bf16');
    expect(existsSync(join(folder(), 'pictures', 'growth.svg'))).to.equal(false);
  });
});
