import { expect } from 'chai';
import {
  type ClaimedDifference,
  claimTable,
  judgeTogether,
} from '../../../lib/report/study/claims';
import { claimScaleOf, claimScaleOfRuns, weakestScale } from '../../../lib/report/verdict';
import type { Run } from '../../../lib/runs/store';
import { summarise } from '../../../lib/statistics/summary';
import { madeUpRun } from '../../support/made-up-runs';

/** A claim with differences on the seeds 1, 2, …. */
const claim = (statement: string, ...values: number[]): ClaimedDifference => ({
  statement,
  difference: summarise(new Map(values.map((value, index) => [index + 1, value]))),
});

describe('the claims of a table', () => {
  // t = 1.1 · √3 / 0.1, t² = 363: alone p = 1 − √(363 / 365) = 0.00274.
  const clear = [1, 1.2, 1.1] as const;
  // Mean 1, s = 0.4, t² = 18.75: p = 1 − √(18.75 / 20.75) = 0.0494.
  const hardly = [0.6, 1, 1.4] as const;

  it('are adjusted for each other', () => {
    const [alone] = judgeTogether([claim('', ...hardly)]);
    expect(alone?.p).to.be.closeTo(1 - Math.sqrt(18.75 / 20.75), 1e-9);
    expect(alone?.outcome).to.equal('reproduced');
    const both = judgeTogether([claim('', ...hardly), claim('', -0.6, -1, -1.4), claim('', 3)]);
    expect(both.map(({ p }) => p?.toFixed(4))).to.deep.equal(['0.0988', '0.0988', undefined]);
    expect(both.map(({ outcome }) => outcome)).to.deep.equal([
      ...['inconclusive', 'inconclusive', 'inconclusive'],
    ]);
  });

  it('stand in a table with interval, seeds, p and scale, and the table says of how many', () => {
    const { caption, head, rows } = claimTable(
      'Claims',
      judgeTogether([
        claim('a', ...clear),
        claim('b', ...hardly),
        claim('c', 0.5),
        { statement: 'd', difference: null },
      ]),
      'toy',
    );
    expect(caption).to.equal('Claims (p: paired t-tests, adjusted by Holm for 2 comparisons)');
    expect(head).to.deep.equal([
      ...['claim', 'difference', '95 %', 'seeds', 'p (Holm)', 'measured here'],
    ]);
    const text = rows.map(({ cells }) =>
      cells.map((cell) =>
        typeof cell === 'string' ? cell : [cell.text, ...(cell.below ?? [])].join(': '),
      ),
    );
    expect(text).to.deep.equal([
      // 1.1 ± 4.303 · 0.1 / √3; p twice 0.00274.
      ['a', '+1.10 ± 0.10 (3)', '+0.85 … +1.35', '3 seeds', '0.005', 'reproduced (toy)'],
      // 1 ± 4.303 · 0.4 / √3.
      ['b', '+1.00 ± 0.40 (3)', '+0.01 … +1.99', '3 seeds', '0.049', 'reproduced (toy)'],
      ['c', '+0.50 (1)', '–', '1 seed', '–', 'inconclusive (toy): one seed: no interval'],
      ['d', '–', '–', '–', '–', 'not run'],
    ]);
    expect(rows.map(({ idle }) => idle)).to.deep.equal([false, false, false, true]);
  });
});

describe('the scale of a claim', () => {
  const paper = { dataset: 'cifar100', scale: 'paper', epochs: 240, batchSize: 128 } as const;
  const rising = Array.from({ length: 240 }, (_, epoch) => epoch);
  const flat = Array.from({ length: 60 }, () => 70);

  for (const [what, setting, curves, scale] of [
    ['the paper’s data, length and batch', paper, [rising], 'full'],
    [
      'the same on ImageNet',
      { ...paper, dataset: 'imagenet', epochs: 100, batchSize: 512 },
      [],
      'full',
    ],
    [
      'DeiT, whose batch and length are its own',
      { ...paper, dataset: 'imagenet', epochs: 300, batchSize: 2048 },
      [],
      'full',
    ],
    [
      'DeiT’s batch over 100 epochs',
      { ...paper, dataset: 'imagenet', epochs: 100, batchSize: 2048 },
      [],
      'toy',
    ],
    [
      'another length, converged',
      { ...paper, scale: 'short', epochs: 60 },
      [flat, flat],
      'reduced',
    ],
    ['one run not converged', { ...paper, scale: 'short', epochs: 60 }, [flat, rising], 'toy'],
    ['another batch, not converged', { ...paper, batchSize: 64 }, [rising], 'toy'],
    ['another length under the paper’s name', { ...paper, epochs: 60 }, [rising], 'toy'],
    // Its batch of 64 is a part of its recipe, and the paper's own.
    ['a published row', { ...paper, batchSize: 64, method: 'kd-published' }, [rising], 'full'],
    ['no run', { ...paper, scale: 'short' }, [], 'toy'],
    ['other data, converged', { ...paper, dataset: 'cifar100-first20' }, [flat], 'toy'],
  ] as const) {
    it(`is ${scale} of ${what}`, () => {
      expect(claimScaleOf(setting, curves)).to.equal(scale);
    });
  }

  it('asks for the batch of runs among which one is in no published recipe', () => {
    const setting = { ...paper, batchSize: 64 };
    const run = (method: string): Run =>
      madeUpRun({ config: { method, ...setting }, top1: rising });
    expect(claimScaleOfRuns(setting, [run('kd-published')])).to.equal('full');
    expect(claimScaleOfRuns(setting, [run('kd-published'), run('kd')])).to.equal('toy');
    expect(claimScaleOfRuns(setting, [])).to.equal('toy');
  });

  it('is the weakest of several', () => {
    expect(weakestScale(['full', 'toy', 'reduced'])).to.equal('toy');
    expect(weakestScale(['reduced', 'full'])).to.equal('reduced');
    expect(weakestScale(['full'])).to.equal('full');
  });
});
