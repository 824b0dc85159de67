import fs, { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { random } from '../../lib/engine/random';
import { executeRun } from '../../lib/runs/execute';
import { readProvenance } from '../../lib/runs/store';
import { readMetrics } from '../../lib/train/metrics';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { smallRequest, smallTask } from '../support/train-run';

const program = join(__dirname, '..', 'support', 'train-run.ts');
/** More by hand: NORM_DIRECTION_LAB_KILLS=100 npx mocha test/runs/faults.test.ts --grep killed */
const kills = Number(process.env['NORM_DIRECTION_LAB_KILLS'] ?? 2);
const results = ['config.json', 'metrics.jsonl', 'weights.safetensors'];

/** What a run leaves, but for clock times. */
function bytesOf(directory: string): string[] {
  return results.map((name) => readFileSync(join(directory, name)).toString('base64'));
}

function filesOf(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).sort();
}

describe('a run whose process or disk fails', function () {
  this.timeout(120_000);
  withEngine('native');
  const folder = withFolder();
  let unbroken: string[] = [];

  const train = async (directory: string, stopAfter?: number): Promise<void> => {
    const stop = new AbortController();
    await executeRun(smallTask(), await smallRequest(directory, { signal: stop.signal }), {
      onEpoch: ({ epoch }) => epoch === stopAfter && stop.abort(),
    });
  };
  const expectUnbroken = (directory: string): void => {
    expect(bytesOf(directory)).to.deep.equal(unbroken);
    expect(filesOf(directory)).to.deep.equal([...results, 'provenance.json'].sort());
    expect(readProvenance(directory)?.ended).to.equal('finished');
  };

  beforeEach(async () => {
    if (unbroken.length > 0) return;
    await train(join(folder(), 'unbroken'));
    unbroken = bytesOf(join(folder(), 'unbroken'));
  });

  it('loses nothing but the epoch that it was in when it is killed, however often', async function () {
    this.timeout(120_000 + 30_000 * kills);
    const draw = random(11, 'kills');
    let [killed, finished, epochs] = [0, 0, 0];
    let run = join(folder(), 'run-0');
    while (killed < kills) {
      // A start writes two files, an epoch four: the records, the metrics and a checkpoint.
      const { stderr } = await runTypeScript(program, [run, String(3 + draw.integer(7))]);
      if (!stderr.includes('SIGKILL')) {
        // It came to its end before that file.
        expectUnbroken(run);
        finished++;
        epochs = 0;
        run = join(folder(), `run-${finished}`);
        continue;
      }
      killed++;
      const now = existsSync(run) ? readMetrics(run).epochs.length : 0;
      expect(now).to.be.at.least(epochs - 1);
      epochs = now;
    }
    await train(run);
    expectUnbroken(run);
    process.stdout.write(`${killed} kills, ${finished + 1} runs, all with the same bytes\n`);
  });

  it('leaves whole files when the disk is full, says so, and goes on when there is room', async () => {
    const run = join(folder(), 'run');
    const write = fs.writeSync;
    const full = (code = 'ENOSPC'): never => {
      throw Object.assign(new Error('no space left'), { code });
    };
    await faultOf(() => train(run, 2));
    const before = filesOf(run);
    for (const [code, words] of [
      ['ENOSPC', 'the disk is full'],
      ['EDQUOT', 'your share of the disk (quota) is used up'],
    ] as const) {
      try {
        fs.writeSync = () => full(code);
        const { message } = await faultOf(() => train(run));
        expect(message).to.include(`${words} (${run}`).and.include('same command');
      } finally {
        fs.writeSync = write;
      }
    }
    expect(filesOf(run)).to.deep.equal(before);
    expect(readMetrics(run).epochs).to.have.length(2);

    // This time it fills up within a checkpoint: the system writes what fits, without an error at first.
    let writes = 0;
    try {
      fs.writeSync = ((file: number, bytes: Uint8Array, from: number) => {
        writes++;
        if (writes > 4) return full();
        const end = writes === 4 ? Math.floor(bytes.length / 2) : bytes.length;
        return write(file, bytes, from, end - from);
      }) as typeof write;
      expect((await faultOf(() => train(run))).where).to.match(/checkpoints.*safetensors$/);
    } finally {
      fs.writeSync = write;
    }
    expect(filesOf(run)).to.deep.equal(before);
    await train(run);
    expectUnbroken(run);
  });

  it('puts back the lines that its metrics have lost', async () => {
    const run = join(folder(), 'run');
    const metrics = join(run, 'metrics.jsonl');
    for (const [epoch, cut] of [
      [2, 100],
      [3, 700],
    ] as const) {
      await faultOf(() => train(run, epoch));
      truncateSync(metrics, readFileSync(metrics).length - cut);
    }
    await train(run);
    expectUnbroken(run);

    truncateSync(metrics, readFileSync(metrics).length - 100);
    const { what, found } = await faultOf(() => train(run));
    expect(what).to.equal('the metrics of a finished run are not whole');
    expect(found).to.equal('3 of 4 epochs');
    expect(existsSync(join(run, 'weights.safetensors'))).to.equal(true);
  });
});
