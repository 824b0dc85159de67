import { expect } from 'chai';
import { groupRuns } from '../../lib/report/group';
import type { RunConfig } from '../../lib/runs/schema';
import type { Run } from '../../lib/runs/store';
import { madeUpRun } from '../support/made-up-runs';

interface Named extends Partial<RunConfig> {
  readonly hash?: string;
  /** Whether it has no record of its provenance yet. */
  readonly unrecorded?: boolean;
  readonly finished?: boolean;
}

/** A run of resnet20:resnet8 whose hash of a recipe is that of its method, so that seeds agree. */
function run({ hash = 'a', unrecorded = false, finished = true, ...config }: Named): Run {
  const made = madeUpRun({ config, provenance: { dataHash: hash }, top1: [1, 2] });
  return {
    ...made,
    provenance: unrecorded ? null : made.provenance,
    metrics: finished ? made.metrics : made.metrics.slice(0, 1),
  };
}

function teacher(student: string, changes: Named = {}): Run {
  return run({ method: 'teacher', pair: student, teacher: null, student, ...changes });
}

/** `b64 a: kd 1, kd++ 2 | resnet20`: batch and data, students, teachers of each group. */
function told(...runs: readonly Run[]): string[] {
  return groupRuns(runs).map(({ setting: { batchSize, dataHash }, runs: own, teachers }) => {
    const students = own.map(({ config }) => `${config.method} ${config.seed}`).join(', ');
    const names = teachers.map(({ config }) => config.student).join(', ');
    return `b${batchSize} ${dataHash ?? '?'}: ${students} | ${names}`;
  });
}

describe('runs of one study', () => {
  const published = { method: 'kd-published', batchSize: 64 };

  for (const [title, runs, groups] of [
    [
      'without a record join those of the same setting, given before or after them',
      [run({ method: 'kd', unrecorded: true }), run({ method: 'kd++', seed: 2 })],
      ['b128 a: kd++ 2, kd 1 | '],
    ],
    [
      'without a record join the first of several that they may belong to, and no other',
      [
        run({ method: 'kd', unrecorded: true, seed: 3 }),
        run({ method: 'kd', hash: 'b', seed: 1 }),
        run({ method: 'kd', hash: 'a', seed: 2 }),
      ],
      ['b128 a: kd 2 | ', 'b128 b: kd 1, kd 3 | '],
    ],
    [
      'without any record stand by themselves',
      [run({ method: 'kd', unrecorded: true }), run({ method: 'kd', batchSize: 32 })],
      ['b128 ?: kd 1 | ', 'b32 a: kd 1 | '],
    ],
    [
      'of a published recipe stand beside the ++ rows of their pair, whatever the batch',
      [
        run({ ...published, pair: 'resnet56:resnet8' }),
        run({ method: 'kd++', batchSize: 32 }),
        run({ method: 'kd++', batchSize: 128, pair: 'resnet56:resnet8' }),
      ],
      ['b128 a: kd++ 1, kd-published 1 | ', 'b32 a: kd++ 1 | '],
    ],
    [
      'of a published recipe stand beside each batch of their pair',
      [run(published), run({ method: 'kd++', batchSize: 32 }), run({ method: 'kd++' })],
      ['b128 a: kd++ 1, kd-published 1 | ', 'b32 a: kd++ 1, kd-published 1 | '],
    ],
    [
      'of a published recipe on a pair of their own join the first batch alone',
      [
        run({ ...published, pair: 'resnet56:resnet8' }),
        run({ method: 'kd++', batchSize: 32 }),
        run({ method: 'kd++' }),
      ],
      ['b128 a: kd++ 1 | ', 'b32 a: kd++ 1, kd-published 1 | '],
    ],
    [
      'of a published recipe never stand beside other data',
      [run({ ...published, hash: 'b' }), run({ method: 'kd++' })],
      ['b128 a: kd++ 1 | ', 'b64 b: kd-published 1 | '],
    ],
    [
      'of a published recipe without a record come after those with one',
      [run({ ...published, unrecorded: true, seed: 2 }), run({ ...published, hash: 'b' })],
      ['b64 b: kd-published 1, kd-published 2 | '],
    ],
    [
      'have their teachers beside them, those of other students each setting by itself',
      [
        teacher('resnet56', { seed: 1 }),
        teacher('resnet32', { seed: 2 }),
        teacher('resnet20'),
        run({ method: 'kd' }),
      ],
      ['b128 a:  | resnet56, resnet32', 'b128 a: kd 1 | resnet20'],
    ],
    [
      'of teachers alone are apart by their data',
      [teacher('resnet56'), teacher('resnet56', { hash: 'b' }), teacher('resnet20')],
      ['b128 a:  | resnet56, resnet20', 'b128 b:  | resnet56'],
    ],
  ] as const) {
    it(title, () => {
      expect([...told(...runs)].sort()).to.deep.equal(groups);
    });
  }

  it('stand in an order that does not depend on the files’', () => {
    const runs = [
      run({ method: 'kd', hash: 'b' }),
      run({ method: 'kd', hash: 'c' }),
      run({ method: 'kd', hash: 'a' }),
    ];
    const order = ['b128 a: kd 1 | ', 'b128 b: kd 1 | ', 'b128 c: kd 1 | '];
    expect(told(...runs)).to.deep.equal(order);
    expect(told(...[...runs].reverse())).to.deep.equal(order);
  });

  it('come after all others where none is finished yet, however long', () => {
    const begun = run({ method: 'kd', epochs: 9, hash: 'b', finished: false });
    expect(told(begun, run({ method: 'kd' }))).to.deep.equal([
      ...['b128 a: kd 1 | ', 'b128 b: kd 1 | '],
    ]);
  });

  it('may have had another recipe while they were not finished', () => {
    const other = { recipe: { optimiser: { name: 'adam' } }, seed: 2, finished: false };
    expect(told(run({ method: 'kd' }), run({ method: 'kd', ...other }))).to.deep.equal([
      'b128 a: kd 1, kd 2 | ',
    ]);
    expect(() => told(run({ method: 'kd' }), run({ method: 'kd', ...other, finished: true })))
      .to.throw(/the seeds of kd on resnet20:resnet8 were run with different recipes/)
      .with.property('message')
      .that.matches(/seed-2/);
  });
});
