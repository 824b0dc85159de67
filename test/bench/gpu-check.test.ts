import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import {
  type CheckPart,
  type PartResult,
  runParts,
  stepsApart,
  type StepsRow,
  stepsSummary,
} from '../../lib/bench/gpu-check';
import { pathVariable } from '../../lib/engine/path';
import { runHere } from '../support/command';

/** What came of each part, without its time. */
async function outcomes(
  runs: readonly CheckPart['run'][],
  { seconds = 10, signal = new AbortController().signal } = {},
): Promise<Omit<PartResult, 'seconds'>[]> {
  const parts = runs.map((run, place) => ({ name: `part ${place + 1}`, most: 0.05, run }));
  const results = await runParts(parts, { seconds, signal });
  return results.map(({ name, state, says }) => ({ name, state, says }));
}

const passes: CheckPart['run'] = () => Promise.resolve({ says: 'right' });
/** As a program that is ended by the signal. */
const hangs: CheckPart['run'] = async ({ signal }) => {
  await wait(10_000, undefined, { signal });
  return { says: 'never' };
};

describe('the parts of the GPU’s check', () => {
  it('go on whatever becomes of those before: a wrong one, one that cannot be tried, one that hangs', async () => {
    const found = await outcomes([
      () => Promise.reject(new Error('wrong')),
      () => Promise.resolve({ says: 'nothing here', skipped: true }),
      hangs,
      passes,
    ]);
    expect(found).to.deep.equal([
      { name: 'part 1', state: 'failed', says: 'wrong' },
      { name: 'part 2', state: 'skipped', says: 'nothing here' },
      { name: 'part 3', state: 'failed', says: 'not done in 0 s' },
      { name: 'part 4', state: 'passed', says: 'right' },
    ]);
  });

  it('are left when they are interrupted, none of them as failed, and when the time is over', async () => {
    const stop = new AbortController();
    const stopping: CheckPart['run'] = (limit) => {
      stop.abort();
      return hangs(limit);
    };
    const left = (place: number, says: string): Omit<PartResult, 'seconds'> => ({
      name: `part ${place}`,
      state: 'skipped',
      says,
    });
    expect(await outcomes([passes, stopping, passes], { signal: stop.signal })).to.deep.equal([
      { name: 'part 1', state: 'passed', says: 'right' },
      left(2, 'interrupted'),
      left(3, 'interrupted'),
    ]);
    expect(await outcomes([passes], { seconds: 0.5 })).to.deep.equal([left(1, 'no time left')]);
  });

  it('compare losses by the largest relative difference; a missing one is infinitely far', () => {
    const change = -1;
    // |2.2 − 2| / 2 and |4 − 5| / 5
    const apart = stepsApart({ losses: [2.2, 4], change }, { losses: [2, 5], change });
    expect(apart).to.be.closeTo(0.2, 1e-12);
    expect(stepsApart({ losses: [2], change }, { losses: [2, 5], change })).to.equal(Infinity);
    expect(stepsApart({ losses: [], change }, { losses: [], change })).to.equal(Infinity);
  });

  it('compare what a step changes to a tenth: gradients that are twice too large count', () => {
    const losses = [2];
    // |−0.8 − −0.4| / 0.4 / 10
    const apart = stepsApart({ losses, change: -0.8 }, { losses, change: -0.4 });
    expect(apart).to.be.closeTo(0.1, 1e-12);
    expect(stepsApart({ losses, change: NaN }, { losses, change: -0.4 })).to.equal(Infinity);
  });

  describe('of pairs and precisions', () => {
    const pair = 'resnet20:resnet8';
    const near: StepsRow = { precision: 'f32', pair, apart: 1e-6 };
    const refused: StepsRow = { precision: 'bf16', pair, apart: null, refused: 'no such kernel' };

    it('pass where all of float32 and some of each other precision lie near the CPU’s', () => {
      const half: StepsRow = { precision: 'bf16', pair: 'vgg13:vgg8', apart: 0.01 };
      expect(stepsSummary([near, refused, half])).to.equal(
        'f32: 1 pairs, up to 1.0e-6 apart; bf16: 1 pairs, up to 1.0e-2 apart',
      );
    });

    for (const [title, rows, words] of [
      ['compare nothing at all', [], /^no pair took a step$/],
      ['compare nothing in a precision', [near, refused], /^resnet20:resnet8 in bf16 .*no such ke/],
      [
        'leave one out in float32',
        [near, { ...refused, precision: 'f32' }],
        /^resnet20:resnet8 in f32 was not compared: no such kernel; f32: 1 pairs/,
      ],
      ['lie too far apart', [{ ...near, apart: 0.002 }], /^resnet20:resnet8 in f32 is 0\.002 from/],
      ['are no numbers', [{ ...near, apart: Infinity }], /^resnet20:resnet8 in f32 is Infinity/],
    ] as const) {
      it(`fail where they ${title}`, () => {
        expect(() => stepsSummary(rows)).to.throw(words);
      });
    }
  });
});

describe('a mistake in the GPU’s check', () => {
  const command = join(__dirname, '../../reproduce/commands/gpu-check.ts');
  for (const [title, words, expected] of [
    ['an unknown network', '--pairs resnet20:resnt8', /unknown model 'resnt8' \(--pairs\)/],
    ['no reference values', '/no-such-folder', /not there \(\/no-such-folder\): found no such fo/],
    ['no place for the record', '--output /dev/null/x.json', /\(--output \/dev\/null\): found /],
  ] as const) {
    it(`is told before anything starts: ${title}`, async () => {
      const args = ['--parts', 'verify', ...words.split(' ')];
      const { status, stderr } = await runHere(command, args, { [pathVariable]: 'gpu' });
      expect(stderr)
        .to.match(expected)
        .and.not.match(/gpu-check: verify/);
      expect(status).to.equal(1);
    });
  }
});
