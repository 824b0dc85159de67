import { expect } from 'chai';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../lib/errors';
import { runDirectory } from '../../lib/runs/paths';
import {
  classifierRuns,
  isFinished,
  readProvenance,
  readRun,
  readRuns,
  studyNames,
  writeConfig,
  writeProvenance,
} from '../../lib/runs/store';
import { madeUpConfig, madeUpProvenance, writeMadeUpRun } from '../support/made-up-runs';
import { withFolder } from '../support/folder';

describe('results store', () => {
  const root = withFolder();

  it('keeps a run under its study, pair, method and seed, by names that any file system takes', () => {
    const key = { study: 'table1', pair: 'resnet56:resnet20', method: 'kd++', seed: 3 };
    expect(runDirectory('results', key)).to.equal(
      join('results', 'runs', 'table1', 'resnet56-resnet20', 'kd++', 'seed-3'),
    );
    expect(runDirectory('results', { ...key, method: '../a b' })).to.equal(
      join('results', 'runs', 'table1', 'resnet56-resnet20', '%2E%2E%2Fa%20b', 'seed-3'),
    );
    expect(() => runDirectory('results', { ...key, method: '' })).to.throw(LabError, 'method');
  });

  it('reads back what was written, the runs of a study in order', () => {
    for (const seed of [10, 2]) writeMadeUpRun(root(), { config: { seed }, top1: [80, 81] });
    writeMadeUpRun(root(), { config: { study: 'norm' }, top1: [1, 2] });
    const runs = readRuns(root(), 'table1');
    expect(runs.map(({ config }) => config.seed)).to.deep.equal([2, 10]);
    expect(runs[0]?.config).to.deep.equal(madeUpConfig({ seed: 2 }));
    expect(runs[0]?.provenance).to.deep.equal(madeUpProvenance());
    expect(runs[0]?.metrics.map(({ testTop1 }) => testTop1)).to.deep.equal([80, 81]);
    expect(runs.every(isFinished)).to.equal(true);
    expect(readRuns(root(), 'no-such-study')).to.deep.equal([]);
  });

  it('finds the studies whose names begin so', () => {
    for (const study of ['table1-short-cifar100', 'table1-short-folder:a b', 'my-table1-short']) {
      writeMadeUpRun(root(), { config: { study }, top1: [80, 81] });
    }
    // No study has such a name.
    for (const name of ['table1-short%b', 'table1-short%FF']) mkdirSync(join(root(), 'runs', name));
    expect(studyNames(root(), 'table1-short')).to.have.members([
      'table1-short-cifar100',
      'table1-short-folder:a b',
    ]);
  });

  it('tells an unfinished run, a cut line and missing provenance', () => {
    const directory = writeMadeUpRun(root(), { top1: [80] });
    rmSync(join(directory, 'provenance.json'));
    writeFileSync(join(directory, 'metrics.jsonl'), '{"epo', { flag: 'a' });
    const run = readRun(directory);
    expect(isFinished(run)).to.equal(false);
    expect(run.provenance).to.equal(null);
    expect(run.problems).to.have.length(2);
    expect(run.problems[0]).to.include('line 2 was cut');
  });

  for (const ended of ['failed', 'interrupted', 'running'] as const) {
    it(`does not take a run for finished whose record says ${ended}, however many metrics it has`, () => {
      const directory = writeMadeUpRun(root(), { top1: [80, 81], provenance: { ended } });
      writeFileSync(join(directory, 'weights.safetensors'), '');
      expect(isFinished(readRun(directory))).to.equal(false);
      expect(classifierRuns.isFinishedIn(directory)).to.equal(false);
      writeProvenance(directory, madeUpProvenance());
      expect(isFinished(readRun(directory))).to.equal(true);
      expect(classifierRuns.isFinishedIn(directory)).to.equal(true);
      rmSync(join(directory, 'weights.safetensors'));
      expect(classifierRuns.isFinishedIn(directory)).to.equal(false);
    });
  }

  it('names file and field when a record is not what it should be, and writes none like it', () => {
    const directory = writeMadeUpRun(root(), { top1: [80, 81] });
    const path = join(directory, 'config.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"epochs": 2', '"epochs": "two"'));
    expect(() => readRun(directory)).to.throw(LabError, /config\.json\).*epochs/u);
    writeFileSync(path, text.slice(0, 40));
    expect(() => readRun(directory)).to.throw(LabError, 'not valid JSON');
    rmSync(path);
    expect(() => readRuns(root(), 'table1')).to.throw(LabError, 'config.json');

    const provenance = join(directory, 'provenance.json');
    const before = readFileSync(provenance, 'utf8');
    expect(() => {
      writeProvenance(directory, madeUpProvenance({ startedAt: 'yesterday' }));
    }).to.throw(LabError, 'startedAt');
    expect(readFileSync(provenance, 'utf8')).to.equal(before);
    expect(() => {
      writeConfig(join(root(), 'new'), madeUpConfig({ seed: 1.5 }));
    }).to.throw(LabError, 'seed');
  });

  it('refuses a run that lies in the place of another, and more epochs than configured', () => {
    const directory = writeMadeUpRun(root(), { top1: [80, 81] });
    cpSync(directory, join(directory, '..', 'seed-2'), { recursive: true });
    expect(() => readRuns(root(), 'table1')).to.throw(LabError, 'not its own');
    const tooLong = writeMadeUpRun(root(), { config: { seed: 3, epochs: 1 }, top1: [80, 81] });
    expect(() => readRun(tooLong)).to.throw(LabError, '2 epochs instead of 1');
  });

  it('passes over directories that hold no run', () => {
    const directory = writeMadeUpRun(root(), { top1: [80, 81] });
    renameSync(directory, `${directory}-old`);
    mkdirSync(join(directory, 'checkpoints'), { recursive: true });
    expect(readRuns(root(), 'table1')).to.deep.equal([]);
    expect(readProvenance(directory)).to.equal(null);
  });
});
