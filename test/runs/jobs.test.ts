import { expect } from 'chai';
import { runWorkers } from '../../lib/runs/jobs';
import { faultOf } from '../support/faults';

/** Says which worker it is and what it sees, and saves when it is asked to stop. */
const worker = `
  const number = process.env.NORM_DIRECTION_LAB_WORKER;
  process.on('SIGINT', () => { console.error('saving'); process.exit(130); });
  console.log('worker', number, 'on', process.env.CUDA_VISIBLE_DEVICES);
  const act = process.argv[1];
  if (act === 'end') process.exit(0);
  if (act === 'fail' && number === '2') { console.error('error: no room'); process.exit(1); }
  if (act === 'die' && number === '1') process.kill(process.pid, 'SIGKILL');
  setTimeout(() => undefined, 60000);
`;

describe('several processes of one command', function () {
  this.timeout(30_000);

  const start = (
    act: string,
    { count = 2, gpus = [] as string[], signal = new AbortController().signal } = {},
  ): { lines: string[]; ended: Promise<void> } => {
    const lines: string[] = [];
    const ended = runWorkers({
      command: ['-e', worker, act],
      count,
      gpus,
      signal,
      onLine: (number, line) => lines.push(`${number}: ${line}`),
    });
    return { lines, ended };
  };

  it('see a GPU each, in turn, and hand their lines over', async () => {
    const { lines, ended } = start('end', { count: 3, gpus: ['4', '7'] });
    await ended;
    expect(lines.sort()).to.deep.equal([
      '1: worker 1 on 4',
      '2: worker 2 on 7',
      '3: worker 3 on 4',
    ]);
  });

  it('stop when one fails, and name the first failure', async () => {
    // It comes back at all: the others would go on for longer than this test may take.
    const { kind, what, found } = await faultOf(() => start('fail', { count: 3 }).ended);
    expect([kind, found]).to.deep.equal(['results', 'no room']);
    expect(what).to.include('job 2 failed');
  });

  it('tell of one that was killed', async () => {
    const { found } = await faultOf(() => start('die').ended);
    expect(found).to.equal('its end by SIGKILL');
  });

  it('stop and save when they are interrupted', async () => {
    const stop = new AbortController();
    const { lines, ended } = start('wait', { signal: stop.signal });
    while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    expect((await faultOf(() => ended)).kind).to.equal('interrupted');
    expect(lines).to.include.members(['1: saving', '2: saving']);
  });
});
