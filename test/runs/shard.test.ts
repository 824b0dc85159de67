import { expect } from 'chai';
import { cellsOfShard, gridOf, parseShard } from '../../lib/runs/grid';
import { gridInWords } from '../../lib/runs/console-reporter';
import { parseGpus, planJobs } from '../../lib/runs/jobs';
import { faultOf } from '../support/faults';

describe('the parts of a grid', () => {
  const pairs = ['a', 'b', 'c'].map((name) => ({ teacher: name, student: name }));
  const grid = gridOf(pairs, ['student', 'kd', 'kd++', 'dkd'], [1, 2]);

  it('are equally long, do not overlap, and make the whole', () => {
    for (const parts of [1, 4, 5, 24, 30]) {
      const cut = Array.from({ length: parts }, (_, index) =>
        cellsOfShard(grid, { part: index + 1, parts }),
      );
      const lengths = cut.map(({ length }) => length);
      expect(Math.max(...lengths) - Math.min(...lengths)).to.be.at.most(1);
      expect(new Set(cut.flat()).size).to.equal(grid.length);
      expect(cut.flat()).to.have.length(grid.length);
    }
  });

  it('are named by number and count', () => {
    expect(parseShard('2/8')).to.deep.equal({ part: 2, parts: 8 });
  });

  for (const text of ['0/4', '5/4', '1', '1/0', 'a/b', '1/2/3', '-1/2']) {
    it(`refuse '${text}'`, async () => {
      expect(await faultOf(() => parseShard(text))).to.include({
        where: '--shard',
        found: `'${text}'`,
      });
    });
  }
});

describe('the jobs of a machine', () => {
  const none = (): Promise<string[]> => Promise.resolve([]);
  const three = (): Promise<string[]> => Promise.resolve(['0', '1', '2']);
  const open = { jobs: undefined, gpus: undefined };

  it('are one unless more are asked for, and then one a GPU', async () => {
    expect(await planJobs(open, three)).to.deep.equal({ jobs: 1, gpus: [] });
    expect(await planJobs({ ...open, jobs: 4 }, none)).to.deep.equal({ jobs: 4, gpus: [] });
    expect(await planJobs({ ...open, jobs: 2 }, three)).to.deep.equal({
      jobs: 2,
      gpus: ['0', '1'],
    });
    const gpus = parseGpus('1, 3');
    expect(await planJobs({ ...open, gpus }, none)).to.deep.equal({ jobs: 2, gpus: ['1', '3'] });
    expect(await planJobs({ jobs: 1, gpus }, none)).to.deep.equal({ jobs: 1, gpus: ['1'] });
  });

  it('share the GPUs where they are more', async () => {
    const all = { jobs: 4, gpus: ['0', '1', '2'] };
    expect(await planJobs({ ...open, jobs: 4 }, three)).to.deep.equal(all);
  });

  it('refuse GPUs that are no list', async () => {
    for (const text of ['', '0,', '0,0', 'all']) {
      expect((await faultOf(() => parseGpus(text))).found).to.equal(`'${text}'`);
    }
  });

  it('tell how far all of them are by the pace since their start', () => {
    const start = { runs: 4, runsDone: 0, units: 20, unitsDone: 4 };
    const now = { ...start, runsDone: 1, unitsDone: 8 };
    // Four epochs in 60 s leave twelve for 180 s.
    expect(gridInWords(start, now, 60, 'epoch')).to.equal(
      '1/4 runs, 8/20 epochs, about 3 min 0 s left',
    );
    expect(gridInWords(start, start, 60, 'iteration')).to.equal('0/4 runs, 4/20 iterations');
  });
});
