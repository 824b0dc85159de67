import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { showCurves } from '../../lib/notebook/draw';
import { showPlot } from '../../lib/notebook/plot';
import { sweepInCell } from '../../lib/notebook/train';
import { bySetting, judgeClaims, summariseResults } from '../../lib/notebook/summary';
import {
  readDetectionResults,
  readEpochs,
  readResults,
  type ResultRow,
} from '../../lib/notebook/results';
import { inWords } from '../../lib/notebook/words';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';

/** Runs of one method on one pair, one for each top-1; seeds from 1. */
function runs(method: string, top1: readonly number[], more: Partial<ResultRow> = {}): ResultRow[] {
  return top1.map((value, index) => ({
    study: 'table1-short-made-up',
    pair: 'resnet20:resnet8',
    method,
    seed: index + 1,
    epochs: 3,
    scale: 'toy',
    top1: value,
    best: value,
    norm: 8 + index,
    cosine: null,
    ...more,
  }));
}

const kd = runs('kd', [50, 52, 54]);
const nd = runs('kd++', [51, 53.5, 54.5]).map((row, index) => ({
  ...row,
  // 0.5, 0.625 and 1.125: mean 0.75.
  cosine: [0.5, 0.625, 1.125][index] ?? null,
}));

describe('the runs of this project', () => {
  it('are read without saying where: classifiers’ and detectors’ apart', () => {
    const studies = new Set(readResults().map(({ study }) => study));
    expect([...studies]).to.include.members(['table1-reduced-cifar100', 'table1-short-cifar100']);
    expect(new Set(readEpochs().map(({ study }) => study))).to.deep.equal(studies);
    const detectors = readDetectionResults().map(({ study }) => study);
    expect(detectors).to.include('table3-quick-shapes');
    expect(detectors.filter((study) => studies.has(study))).to.deep.equal([]);
  });
});

describe('a folder of runs that is not there', () => {
  it('is an error that says where it was looked for, as with the commands', async () => {
    const results = join('no', 'such', 'folder');
    for (const read of [readResults, readEpochs, readDetectionResults]) {
      const { kind, found } = await faultOf(() => read({ results }));
      expect([kind, found]).to.deep.equal(['results', `no folder ${resolve(results)}`]);
    }
  });
});

/** What work in a cell shows, as tslab's kernel is given it: the last of each output. */
async function shownBy(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const kernel = join('tslab', 'dist', 'jupyter.js');
  const shown: Record<string, unknown>[] = [];
  const lastWriteDisplayData = ({ data }: { data: Record<string, unknown> }): void => {
    shown.push(data);
  };
  require.cache[kernel] = { exports: { lastWriteDisplayData } } as unknown as NodeJS.Module;
  try {
    await work();
  } finally {
    Reflect.deleteProperty(require.cache, kernel);
  }
  return shown;
}

describe('a plot in a cell', function () {
  this.timeout(60_000);
  const figureIn = ([shown]: Record<string, unknown>[]): { data: Record<string, unknown>[] } =>
    shown?.['application/vnd.plotly.v1+json'] as { data: Record<string, unknown>[] };

  it('of bars has their deviations and texts', async () => {
    const bars = { name: 'a', x: ['p', 'q'], y: [1, 2], as: 'bars' as const };
    const shown = await shownBy(() =>
      showCurves([{ ...bars, spread: [0.1, 0.2], texts: ['one', 'two'] }], { title: 'Bars' }),
    );
    const [trace] = figureIn(shown).data;
    expect(trace).to.deep.include({ type: 'bar', text: ['one', 'two'] });
    expect(trace?.['error_y'])
      .to.include({ type: 'data' })
      .and.deep.include({ array: [0.1, 0.2] });
  });

  it('has dates where it was given dates', async () => {
    const x = [new Date('2026-11-30T12:00:00Z')];
    const { data } = figureIn(await shownBy(() => showPlot({ data: [{ x, y: [1 / 3] }] })));
    expect(data[0]).to.deep.include({ x: ['2026-11-30T12:00:00.000Z'], y: [0.333333] });
  });

  it('is refused where it would be empty, or asks the network', async () => {
    for (const type of ['heatmap', 'parcoords', 'choropleth', 'scattergeo', 'scattermapbox']) {
      const { kind, what } = await faultOf(() => showPlot({ data: [{ type }] }));
      expect([kind, what]).to.deep.equal([
        'option',
        `no static picture can be drawn of a plot of type '${type}'`,
      ]);
    }
  });
});

describe('a sweep in a cell', function () {
  this.timeout(60_000);
  withEngine('native');

  it('ends with an interrupt of the cell, also where it has a signal of its own', async () => {
    const { kind } = await faultOf(() =>
      shownBy(() => {
        const swept = sweepInCell({
          ...{ teachers: ['resnet8'], students: ['resnet8'], seeds: [1] },
          methods: { alone: [crossEntropy()] },
          dataset: smallDataset(),
          recipe: { epochs: 1, batchSize: 16 },
          signal: new AbortController().signal,
        });
        process.emit('SIGINT');
        return swept;
      }),
    );
    expect(kind).to.equal('interrupted');
  });
});

describe('runs as rows of a notebook’s tables', () => {
  it('are means over the seeds, with the gain over the base on the same seeds', () => {
    const [base, better] = summariseResults([...nd, ...kd], {
      methods: ['kd', 'kd++', 'dkd'],
      over: 'kd',
    });
    expect(base).to.include({ method: 'kd', seeds: 3, top1: 52, std: 2, gain: null, low: null });
    expect(base).to.include({ norm: 9, cosine: null });
    expect(better).to.include({ method: 'kd++', top1: 53, gain: 1, cosine: 0.75 });
    // Differences 1, 1.5, 0.5: deviation 0.5, Student's t with two degrees of freedom 4.303.
    const half = (4.30265 * 0.5) / Math.sqrt(3);
    expect(better?.low).to.be.closeTo(1 - half, 1e-5);
    expect(better?.high).to.be.closeTo(1 + half, 1e-5);
  });

  it('have no spread and no interval with one seed', () => {
    const [, better] = summariseResults([...kd.slice(0, 1), ...nd.slice(0, 1)], { over: 'kd' });
    expect(better).to.include({ seeds: 1, std: null, gain: 1, low: null, high: null });
  });

  it('are never averaged over studies, pairs or lengths', () => {
    const rows = [...kd, ...runs('kd', [30], { epochs: 9 }), ...runs('kd', [20], { pair: 'a:b' })];
    expect(summariseResults(rows).map(({ top1 }) => top1)).to.deep.equal([52, 30, 20]);
    expect(bySetting(summariseResults(rows)).map(({ caption }) => caption)).to.deep.equal([
      'table1-short-made-up: resnet20 → resnet8, 3 epochs',
      'table1-short-made-up: resnet20 → resnet8, 9 epochs',
      'table1-short-made-up: a → b, 3 epochs',
    ]);
  });

  it('give a verdict on each claim, and say what was not run', () => {
    const claims = [
      { statement: 'ND helps', better: 'kd++', worse: 'kd' },
      { statement: 'cosine helps', better: 'kd+cosine', worse: 'kd' },
      { statement: 'DKD helps', better: 'dkd', worse: 'kd' },
    ];
    const cosine = runs('kd+cosine', [53, 55.1, 56.9]);
    const judged = judgeClaims([...kd, ...nd, ...cosine], claims);
    expect(judged.map(({ verdict, seeds }) => [verdict, seeds])).to.deep.equal([
      ['inconclusive (toy)', 3],
      ['reproduced (toy)', 3],
      ['not run', 0],
    ]);
    // Differences 1, 1.5, 0.5: t² = 12; 3, 3.1, 2.9: t² = 2,700. The smaller p counts twice.
    expect(judged[0]?.p).to.be.closeTo(1 - Math.sqrt(12 / 14), 1e-9);
    expect(judged[1]?.p).to.be.closeTo(2 * (1 - Math.sqrt(2700 / 2702)), 1e-9);
    expect(judged[2]?.p).to.equal(null);
    expect(judgeClaims(runs('teacher', [60], { pair: 'resnet20' }), claims)).to.deep.equal([]);
  });

  it('stand under words, with both ends of an interval in one', () => {
    const row = { method: 'kd++', seeds: 3, top1: 53, std: 2, gain: 1, low: -0.414, high: 1.2 };
    expect(inWords(row, { 'kd++': 'KD and ND' })).to.deep.equal({
      method: 'KD and ND',
      seeds: 3,
      'top-1, %': 53,
      deviation: 2,
      gain: 1,
      '95 % interval': '−0.41 to +1.20',
    });
    expect(inWords({ method: 'kd', low: null, high: null, cosine: 0.5 })).to.deep.equal({
      method: 'kd',
      '95 % interval': null,
      'cosine to class mean': 0.5,
    });
  });
});
