import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { type CheckPart, type PartResult, runParts, stepsApart } from '../../lib/bench/gpu-check';

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
});
