import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { metricsFile, readMetrics, restoreLines } from '../../lib/train/metrics';
import { withFolder } from '../support/folder';
import { appendMetrics, madeUpMetrics } from '../support/made-up-runs';

describe('metrics of a run', () => {
  const directory = withFolder();
  const file = (): string => join(directory(), metricsFile);
  const epochs = (): number[] => readMetrics(directory()).epochs.map(({ epoch }) => epoch);
  const write = (count: number): void => {
    for (let epoch = 1; epoch <= count; epoch++) {
      appendMetrics(directory(), madeUpMetrics(epoch, 50 + epoch));
    }
  };

  it('are none before the first epoch', () => {
    expect(readMetrics(directory())).to.deep.equal({ epochs: [], cut: null });
  });

  it('are one line of JSON an epoch and read back as they were written', () => {
    write(2);
    const text = readFileSync(file(), 'utf8');
    expect(text.split('\n')).to.have.length(3);
    expect(text.endsWith('\n')).to.equal(true);
    expect(readMetrics(directory()).epochs).to.deep.equal([
      madeUpMetrics(1, 51),
      madeUpMetrics(2, 52),
    ]);
  });

  it('leave out and report a last line cut at any place', () => {
    write(2);
    const [first = '', second = ''] = readFileSync(file(), 'utf8').split('\n');
    for (const length of [1, 10, second.length - 1]) {
      writeFileSync(file(), `${first}\n${second.slice(0, length)}`);
      const { epochs: found, cut } = readMetrics(directory());
      expect(found).to.deep.equal([madeUpMetrics(1, 51)]);
      expect(cut).to.equal(second.slice(0, length));
    }
  });

  it('take a last line that lost only its newline', () => {
    write(2);
    truncateSync(file(), readFileSync(file()).length - 1);
    expect(epochs()).to.deep.equal([1, 2]);
    appendMetrics(directory(), madeUpMetrics(3, 53));
    expect(epochs()).to.deep.equal([1, 2, 3]);
  });

  it('go on after a cut line with the epoch that was cut', () => {
    write(3);
    truncateSync(file(), readFileSync(file()).length - 20);
    appendMetrics(directory(), madeUpMetrics(3, 99));
    const { epochs: found, cut } = readMetrics(directory());
    expect(found.map(({ testTop1 }) => testTop1)).to.deep.equal([51, 52, 99]);
    expect(cut).to.equal(null);
  });

  it('become those of a checkpoint: without later epochs and a cut line', () => {
    write(4);
    const [first, second] = readFileSync(file(), 'utf8').split('\n');
    appendFileSync(file(), '{"epoch":5,"st');
    restoreLines(directory(), [madeUpMetrics(1, 51), madeUpMetrics(2, 52)]);
    expect(readFileSync(file(), 'utf8')).to.equal(`${first}\n${second}\n`);
    appendMetrics(directory(), madeUpMetrics(3, 70));
    expect(epochs()).to.deep.equal([1, 2, 3]);
  });

  it('become those of a checkpoint: with the lines that were lost', () => {
    write(3);
    const whole = readFileSync(file());
    const saved = readMetrics(directory()).epochs;
    for (const length of [whole.length - 20, 30, 0]) {
      truncateSync(file(), length);
      restoreLines(directory(), saved);
      expect(readFileSync(file()).equals(whole), `cut to ${length}`).to.equal(true);
    }
    rmSync(file());
    restoreLines(directory(), saved);
    expect(readFileSync(file()).equals(whole)).to.equal(true);
  });

  it('read back with and without what older runs did not measure', () => {
    const classes = { cosineByClass: [0.8123, null, -0.05], teacherCosine: 0.9 };
    appendMetrics(directory(), madeUpMetrics(1, 51));
    appendMetrics(directory(), { ...madeUpMetrics(2, 52), ...classes });
    const [older, newer] = readMetrics(directory()).epochs;
    expect(older).to.not.have.any.keys('cosineByClass', 'teacherCosine');
    expect(newer).to.deep.include(classes);
  });

  it('are left alone where there are none and none were saved', () => {
    restoreLines(directory(), []);
    expect(existsSync(file())).to.equal(false);
  });

  const faults: [string, (lines: string[]) => string[], string][] = [
    ['is broken', (lines) => [lines[0] ?? '', '{"epoch":2,"st', lines[2] ?? ''], 'line 2'],
    ['is empty', (lines) => [lines[0] ?? '', '', lines[1] ?? ''], 'line 2'],
    [
      'lacks a field',
      (lines) => [(lines[0] ?? '').replace('"testTop1":51,', ''), lines[1] ?? ''],
      'testTop1',
    ],
    [
      'has a field that nobody knows',
      (lines) => [(lines[0] ?? '').replace('{', '{"extra":1,')],
      'extra',
    ],
    ['is there twice', (lines) => [lines[0] ?? '', lines[0] ?? ''], 'epoch 2 should stand'],
    ['is missing', (lines) => [lines[0] ?? '', lines[2] ?? ''], 'line 2'],
  ];
  for (const [what, damage, words] of faults) {
    it(`are refused when a line ${what}`, () => {
      write(3);
      const lines = readFileSync(file(), 'utf8').trimEnd().split('\n');
      writeFileSync(file(), `${damage(lines).join('\n')}\n`);
      expect(() => readMetrics(directory()))
        .to.throw(LabError, words)
        .with.property('message')
        .that.includes(metricsFile);
    });
  }

  it('are not written when one of them is not a number, or an epoch is left out', () => {
    write(1);
    const broken = { ...madeUpMetrics(2, 52), testLoss: Number.NaN };
    expect(() => appendMetrics(directory(), broken)).to.throw(LabError, 'testLoss');
    expect(() => appendMetrics(directory(), madeUpMetrics(3, 53))).to.throw(LabError, 'epoch 2');
    expect(epochs()).to.deep.equal([1]);
  });
});
