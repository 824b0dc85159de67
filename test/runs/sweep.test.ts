import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  crossEntropy,
  kd,
  type ModelName,
  normDirection,
  sweep,
  type SweepOptions,
} from '../../lib';
import { LabError } from '../../lib/errors';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const methods = {
  alone: [crossEntropy()],
  kd: [crossEntropy(), kd({ weight: 1, temperature: 4 })],
  'kd++': [crossEntropy(), kd({ weight: 1, temperature: 4 }), normDirection({ weight: 2 })],
};
type Methods = keyof typeof methods;

/** Files whose bytes say whether two runs are the same. */
const compared = ['config.json', 'metrics.jsonl', 'weights.safetensors'];

describe('a sweep', function () {
  this.timeout(120_000);
  withEngine('native');
  const folder = withFolder();
  const quiet = {};

  const small = (
    results = join(folder(), 'results'),
  ): SweepOptions<'resnet8' | 'resnet14', 'resnet8', Methods> => ({
    name: 'small',
    results,
    teachers: ['resnet14', 'resnet8'],
    students: ['resnet8'],
    methods,
    seeds: [1, 2],
    dataset: smallDataset(),
    recipe: { epochs: 2, batchSize: 16, learningRate: 0.02 },
    events: quiet,
  });
  const runFolder = (results: string, ...path: string[]): string =>
    join(results, 'runs', 'sweep-small', ...path);
  /** Top-1 of the last line of a run's metrics. */
  const top1 = (pair: string, method: string, seed: number): number => {
    const file = runFolder(
      join(folder(), 'results'),
      pair,
      method,
      `seed-${seed}`,
      'metrics.jsonl',
    );
    const last: unknown = JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '');
    expect(last).to.have.property('epoch', 2);
    return (last as { testTop1: number }).testTop1;
  };

  it('trains the grid, what needs no teacher once, and gives its statistics over the seeds', async () => {
    const trained: string[] = [];
    const { cells, cell, compare, teacher, trend } = await sweep({
      ...small(),
      events: {
        onRunEnd: ({ pair, method, seed }, outcome) =>
          trained.push(`${pair} ${method} ${seed} ${outcome}`),
      },
    });
    expect(trained).to.have.length(2 + 2 + 8);
    expect(trained.slice(0, 4)).to.eql([
      'resnet14 teacher 0 trained',
      'resnet14:resnet8 alone 1 trained',
      'resnet14:resnet8 kd 1 trained',
      'resnet14:resnet8 kd++ 1 trained',
    ]);
    expect(existsSync(runFolder(join(folder(), 'results'), 'resnet8-resnet8', 'alone'))).to.equal(
      false,
    );

    expect(cells).to.have.length(6);
    const kdOf14 = cell({ teacher: 'resnet14', student: 'resnet8', method: 'kd' });
    const seeds = [top1('resnet14-resnet8', 'kd', 1), top1('resnet14-resnet8', 'kd', 2)] as const;
    expect(kdOf14.top1.values).to.eql([...seeds]);
    expect(kdOf14.top1.mean).to.be.closeTo((seeds[0] + seeds[1]) / 2, 1e-9);
    expect(kdOf14.runs.map(({ metrics }) => metrics.length)).to.eql([2, 2]);
    // The student alone stands beside both teachers; its cosine is to the first one's class means.
    const beside = (name: 'resnet8' | 'resnet14'): ReturnType<typeof cell> =>
      cell({ teacher: name, student: 'resnet8', method: 'alone' });
    expect(beside('resnet8').top1).to.eql(beside('resnet14').top1);
    expect(beside('resnet8').cosine).to.equal(null);
    expect(beside('resnet14').cosine?.n).to.equal(2);

    const difference = compare({ teacher: 'resnet8', student: 'resnet8' }, 'kd++', 'kd');
    const [first, second] = [1, 2].map(
      (seed) => top1('resnet8-resnet8', 'kd++', seed) - top1('resnet8-resnet8', 'kd', seed),
    ) as [number, number];
    expect(difference.mean).to.be.closeTo((first + second) / 2, 1e-9);
    // √2 · half their distance; two seeds have no interval.
    expect(difference.std).to.be.closeTo(Math.abs(first - second) / Math.SQRT2, 1e-9);
    expect(difference.interval).to.equal(null);

    expect(teacher('resnet14').parameters).to.be.greaterThan(teacher('resnet8').parameters);
    // Two sizes are no trend.
    expect(trend({ student: 'resnet8', method: 'kd' })).to.equal(null);
  });

  it('trains nothing twice, and with one seed more what is missing', async () => {
    const outcomes = async (seeds: readonly number[]): Promise<string[]> => {
      const heard: string[] = [];
      const { methods: all, ...rest } = small();
      await sweep({
        ...rest,
        methods: { kd: all.kd },
        teachers: ['resnet8'],
        seeds,
        events: {
          onRunEnd: ({ method, seed }, outcome) => heard.push(`${method} ${seed}: ${outcome}`),
        },
      });
      return heard;
    };
    await outcomes([1]);
    expect(await outcomes([1, 2])).to.eql([
      'teacher 0: finished before',
      'kd 1: finished before',
      'kd 2: trained',
    ]);
  });

  it('saves on Ctrl-C, goes on where it stopped, and ends with the same bytes', async () => {
    const one = (results: string): SweepOptions<'resnet8', 'resnet8', 'kd++'> => ({
      ...small(results),
      teachers: ['resnet8'],
      methods: { 'kd++': methods['kd++'] },
      seeds: [1],
    });
    const [broken, whole] = ['broken', 'whole'].map((name) => join(folder(), name)) as [
      string,
      string,
    ];
    const listeners = process.listenerCount('SIGINT');
    const { kind, what } = await faultOf(() =>
      sweep({
        ...one(broken),
        events: {
          onRun: ({ method }) => ({
            onBatch({ epoch, batch }) {
              if (method === 'kd++' && epoch === 2 && batch === 1) process.emit('SIGINT');
            },
          }),
        },
      }),
    );
    expect([kind, what]).to.eql([
      'interrupted',
      'stopped after epoch 1, batch 1; everything is saved',
    ]);
    expect(process.listenerCount('SIGINT')).to.equal(listeners);
    const notices: string[] = [];
    await sweep({
      ...one(broken),
      events: { onRun: () => ({ onNotice: (text) => notices.push(text) }) },
    });
    expect(notices.join()).to.match(/resumed after epoch 1, batch 1/);
    await sweep(one(whole));
    for (const name of compared) {
      const [first, second] = [broken, whole].map((results) =>
        readFileSync(runFolder(results, 'resnet8-resnet8', 'kd++', 'seed-1', name)),
      );
      expect(first?.equals(second ?? Buffer.alloc(0)), name).to.equal(true);
    }
  });

  it('ends its bar where a signal of the caller’s ends it, so that the program can end', async () => {
    const { stderr } = process;
    const { isTTY, write } = stderr;
    const controller = new AbortController();
    let written = '';
    const hears = (text: unknown): boolean => {
      written += String(text);
      if (written.includes('epoch 1/2')) controller.abort();
      return true;
    };
    Object.assign(stderr, { isTTY: true, write: hears });
    const options = { ...small(), events: undefined, signal: controller.signal };
    const { kind } = await faultOf(() => sweep(options)).finally(() =>
      Object.assign(stderr, { isTTY, write }),
    );
    expect(kind).to.equal('interrupted');
    const [hidden, shown] = ['\x1B[?25l', '\x1B[?25h'].map((code) => written.lastIndexOf(code));
    expect(shown).to.be.above(hidden ?? NaN);
  });

  it('refuses another recipe under the same name', async () => {
    const options = { ...small(), teachers: ['resnet8'] as const, seeds: [1] };
    await sweep(options);
    const { kind, found } = await faultOf(() =>
      sweep({ ...options, recipe: { ...options.recipe, epochs: 3 } }),
    );
    expect(kind).to.equal('results');
    expect(found).to.match(/epochs 2 instead of 3/);
    // What is left of committed runs: their records, which are of these data alone.
    for (const file of readdirSync(folder(), { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('weights.safetensors')) rmSync(join(folder(), file));
    }
    expect((await sweep(options)).cells).to.not.be.empty;
    const dataset = { ...options.dataset, hash: 'of other images' };
    const onOthers = await faultOf(() => sweep({ ...options, dataset }));
    expect(onOthers.found).to.match(/recipe\.datasetHash .* instead of "of other images"/);
  });

  it('checks its lists before anything is written', async () => {
    const faulty: [Partial<SweepOptions<ModelName, ModelName, string>>, RegExp][] = [
      [{ name: 'a/b' }, /name.*'a\/b'/],
      [{ teachers: [] }, /teachers.*an empty list/],
      [{ students: ['resnet8', 'resnet8'] }, /students.*'resnet8' twice/],
      // @ts-expect-error: nor does it compile
      [{ teachers: ['resnet15'] }, /resnet15.*resnet14/],
      [{ seeds: [1.5] }, /seeds.*1\.5/],
      [{ teacherSeed: -1 }, /teacherSeed.*-1/],
      [{ methods: { teacher: [crossEntropy()] } }, /methods.*'teacher'/],
      [{ methods: { none: [] } }, /methods\.none.*no loss/],
      [{ methods: { odd: [{ loss: 'odd', weight: 1 }] } }, /odd/],
      [{ recipe: { epochs: 0 } }, /epochs/],
      [{ recipe: { epochs: 1, batchSize: 1000 } }, /1000/],
      [
        { recipe: { epochs: 1, batchSize: 4, precision: 'tf32' } },
        /only NVIDIA's GPUs compute in TF32/,
      ],
      [
        {
          recipe: { epochs: 1, batchSize: 4, precision: 'tf32' },
          teacherRecipe: { epochs: 1, batchSize: 4 },
        },
        /in all runs.*found f32 and tf32|in all runs.*found tf32 and f32/,
      ],
    ];
    for (const [change, message] of faulty) {
      const options: SweepOptions<ModelName, ModelName, string> = { ...small(), ...change };
      let error: unknown;
      await sweep(options).catch((thrown: unknown) => {
        error = thrown;
      });
      expect(error, String(message)).to.be.instanceOf(LabError);
      expect((error as LabError).message).to.match(message);
    }
    expect(readdirSync(folder())).to.eql([]);
  });

  it('knows the names of its grid as types', () => {
    // Never called: the compiler reads it.
    const typed = async (): Promise<void> => {
      const { cell, compare } = await sweep({ ...small(), teachers: ['resnet14'] });
      // @ts-expect-error: no teacher of this sweep
      cell({ teacher: 'resnet20', student: 'resnet8', method: 'kd' });
      // @ts-expect-error: no method of this sweep
      compare({ teacher: 'resnet14', student: 'resnet8' }, 'dkd', 'kd');
    };
    expect(typed).to.be.a('function');
  });
});
