import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { createObjective } from '../../lib/distill/objective';
import type { BatchSignals } from '../../lib/distill/term';
import {
  classMeansPlaces,
  crd,
  crossEntropy,
  definitionOf,
  directionCosine,
  directionInfoNce,
  dist,
  dkd,
  fitNet,
  kd,
  type LossTerm,
  mixedNormDirection,
  naiveFeature,
  naiveNorm,
  normDirection,
  normDirectionAt,
  ofd,
  type PartContext,
  pkt,
  reviewKd,
  rkd,
  sifn,
  softCrossEntropy,
  srrl,
  tokenDistillation,
} from '../../lib/distill/terms';
import type { Model } from '../../lib/nn/model';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

const withoutTeacher: PartContext = {
  student: {} as Model,
  teacher: undefined,
  seed: 0,
  samples: 1,
  labels: [0],
};

describe('a term', () => {
  for (const [term, needed] of [
    [crossEntropy(), []],
    [softCrossEntropy(), []],
    [sifn(), []],
    [kd(), ['teacher']],
    [dkd(), ['teacher']],
    [dist(), ['teacher']],
    [tokenDistillation(), ['teacher']],
    [rkd(), ['teacher']],
    [pkt(), ['teacher']],
    [naiveNorm(), ['teacher', 'teacher space']],
    [naiveFeature(), ['teacher', 'teacher space']],
    [normDirection(), ['teacher', 'class means', 'teacher space']],
    [normDirection({ directions: 'classifier' }), ['teacher', 'teacher space']],
    [mixedNormDirection(), ['teacher', 'class means', 'teacher space']],
    [directionCosine(), ['class means', 'teacher space']],
    [directionCosine({ directions: 'classifier' }), ['teacher space']],
    [directionInfoNce(), ['class means', 'teacher space']],
    [normDirectionAt({ place: 'logits' }), ['teacher']],
    [normDirectionAt({ place: 'earlier stage' }), ['teacher', 'features']],
    [fitNet(), ['teacher', 'features']],
    [srrl(), ['teacher', 'features']],
    [reviewKd(), ['teacher', 'features', 'pre-activations']],
    [ofd(), ['teacher', 'teacher batch statistics', 'pre-activations']],
    [crd(), ['teacher', 'samples']],
  ] as const) {
    it(`names what it needs: ${Object.values(term).join(' ')}`, () => {
      const { needs } = definitionOf(term);
      expect(typeof needs === 'function' ? needs(term) : needs).to.deep.equal(needed);
    });
  }

  it('refuses options that it does not have, and values that they cannot be', async () => {
    // As a file of recipes has them, which no compiler has seen.
    const written = (text: string): object => JSON.parse(text) as object;
    for (const [make, found] of [
      [() => kd(written('{ "temprature": 1 }')), /'temprature'.*Did you mean 'temperature'/],
      [
        () => kd(written('{ "temperature": "4" }')),
        /temperature of kd\): found "4"\. Give a number/,
      ],
      [() => kd({ weight: NaN }), /weight of kd\): found NaN\. Give a number/],
      [() => normDirection(written('{ "wieght": 7 }')), /'wieght'.*Did you mean 'weight'/],
      [() => normDirection(written('{ "norm": "maximum" }')), /found "maximum". Give 'max' or/],
      [() => directionCosine(written('{ "directions": "classifer" }')), /found "classifer"/],
      [() => tokenDistillation(written('{ "kind": "Soft" }')), /Give 'hard' or 'soft'/],
      [() => sifn(written('{ "previousNorm": "last" }')), /'detached' or 'lastVisit' or 'exact'/],
      [() => reviewKd(written('{ "mostMiddleChannels": null }')), /found null. Give a number/],
    ] as const) {
      const { kind, message } = await faultOf(make);
      expect([kind, message.match(found) === null]).to.deep.equal(['option', false], message);
    }
    expect(normDirection({ directions: 'classifier', norm: 'student' })).to.include({ weight: 1 });
  });

  it('needs two classes, and DKD three', () => {
    expect(definitionOf(dkd()).fewestClasses).to.equal(3);
    expect(definitionOf(kd()).fewestClasses).to.equal(undefined);
  });

  it('names other places of class means, each once', () => {
    const terms = [
      normDirection(),
      normDirectionAt({ place: 'logits' }),
      normDirectionAt({ place: 'earlier stage' }),
      normDirectionAt({ place: 'logits', weight: 3 }),
    ];
    expect(classMeansPlaces({ name: 'm', terms })).to.deep.equal(['logits', 'earlier stage']);
  });

  it('at another place keeps the warm-up that it is given, and has none in its recipe otherwise', () => {
    const place = 'logits';
    expect(normDirectionAt({ place, weight: 2, warmUpEpochs: 5 })).to.deep.equal({
      ...{ loss: 'normDirectionAt', weight: 2, place, warmUpEpochs: 5 },
    });
    expect(normDirectionAt({ place, warmUpEpochs: undefined })).to.have.keys(
      'loss',
      'weight',
      'place',
    );
  });

  for (const term of [
    fitNet(),
    srrl(),
    reviewKd(),
    ofd(),
    crd(),
    normDirectionAt({ place: 'logits' }),
    normDirection({ directions: 'classifier' }),
  ] as LossTerm[]) {
    it(`of a teacher without one is a mistake of the caller: ${term.loss}`, () => {
      expect(() => definitionOf(term).part?.(term, withoutTeacher)).to.throw(/teacher/);
    });
  }
});

describe('a term’s value', () => {
  withEngine('plain');

  /** A right angle with legs 3 and 4 against an equilateral triangle; the adapter would turn all to 0. */
  const signals = (): BatchSignals => {
    const output = (...rows: number[][]) => ({
      logits: matrix(rows),
      embedding: matrix(rows),
      features: [],
      preActivations: [],
    });
    return {
      student: output([0, 0], [3, 0], [0, 4]),
      studentEmbedding: tf.zeros([3, 2]),
      labels: tf.tensor1d([0, 1, 0], 'int32'),
      teacher: output([0, 0], [1, 0], [0.5, Math.sqrt(0.75)]),
    };
  };
  // Distances 3, 4, 5 over their mean against 1 each; cosines 0, 3/5 and 4/5 against 1/2 each.
  const distances = (2 * (0.5 * 0.25 ** 2 + 0.5 * 0.25 ** 2)) / 9;
  const angles = (2 * 0.5 * (0.5 ** 2 + 0.1 ** 2 + 0.3 ** 2)) / 27;
  // Of the teacher's norms 0, 1, 1 in two numbers a sample; the student's adapted ones are 0.
  const gap = 0 + 1 + 1;

  for (const [title, term, value] of [
    ['RKD weighs distances', rkd({ distance: 9, angle: 0 }), 9 * distances],
    ['RKD weighs angles', rkd({ distance: 0, angle: 27 }), 27 * angles],
    ['the naive norm is of the adapted embedding', naiveNorm(), gap / 3],
    ['the naive feature is of the adapted embedding', naiveFeature(), gap / 6],
    [
      'cross entropy is of the logits',
      crossEntropy(),
      (Math.log(2) + Math.log(1 + Math.exp(3)) + Math.log(1 + Math.exp(4))) / 3,
    ],
  ] as const) {
    it(title, () => {
      const found = definitionOf(term).compute?.(term, signals()) ?? tf.scalar(NaN);
      expectClose(found, [value]);
    });
  }

  it('PKT is of the embedding before an adapter: 0 for a student that is the teacher, enlarged', () => {
    const own = signals();
    const teacher = { ...own.student, embedding: own.student.embedding.mul<tf.Tensor2D>(3) };
    const term = pkt();
    expectClose(definitionOf(term).compute?.(term, { ...own, teacher }) ?? tf.scalar(NaN), [0]);
    expect(definitionOf(term).compute?.(term, own).dataSync()[0]).to.be.greaterThan(1e-3);
  });

  for (const [missing, term] of [
    ['teacher', kd()],
    ['class means', directionInfoNce()],
  ] as const) {
    it(`that its signals lack the ${missing} for is a mistake of the caller`, () => {
      const { student, studentEmbedding, labels } = signals();
      const lacking = { student, studentEmbedding, labels };
      expect(() => definitionOf(term).compute?.(term, lacking)).to.throw(missing);
    });
  }
});

describe('SIFN against the norm of the last visit', () => {
  withEngine('plain');

  const method = { name: 'm', terms: [sifn({ step: 0.5, previousNorm: 'lastVisit' })] };
  const started = () => createObjective(method, { ...withoutTeacher, samples: 4 });
  type Objective = ReturnType<typeof started>;
  /** The value on samples whose embeddings have these norms. */
  const visit = (objective: Objective, norms: Record<number, number>, keep: boolean): number => {
    const embedding = matrix(Object.values(norms).map((norm) => [0, -norm]));
    const { total } = objective.value(
      {
        student: { logits: embedding, embedding, features: [], preActivations: [] },
        studentEmbedding: embedding,
        labels: tf.tensor1d([0, 1], 'int32'),
        indices: Int32Array.from(Object.keys(norms), Number),
      },
      { epoch: 0, mode: { training: true } },
    );
    const value = total.dataSync()[0] ?? NaN;
    objective.endPart(keep, keep);
    return value;
  };

  it('asks for r more than it was then, and at the first visit than it is', () => {
    const objective = started();
    expect(visit(objective, { 1: 2, 3: 5 }, true)).to.be.closeTo(0.5 ** 2, 1e-6);
    // 4 where 2.5 is wanted, and 5 where 5.5 is.
    const again = (1.5 ** 2 + 0.5 ** 2) / 2;
    expect(visit(objective, { 1: 4, 3: 5 }, false)).to.be.closeTo(again, 1e-6);
    expect(visit(objective, { 1: 4, 3: 5 }, false), 'not kept').to.be.closeTo(again, 1e-6);
    const resumed = started();
    resumed.restore(objective.save(), 'here');
    expect(visit(resumed, { 1: 4, 3: 5 }, true), 'saved').to.be.closeTo(again, 1e-6);
    // 0 is seen for the first time; 1 was 4.
    expect(visit(resumed, { 0: 9, 1: 4 }, true)).to.be.closeTo(0.5 ** 2, 1e-6);
  });

  it('refuses a checkpoint without the norms, and a batch that does not name its samples', async () => {
    const objective = started();
    const missing = await faultOf(() => {
      objective.restore(new Map(), 'here');
    });
    expect(missing.found).to.equal('0 bytes for 4 samples, which take 16');
    const embedding = matrix([[1, 2]]);
    const unnamed = await faultOf(() =>
      objective.value(
        {
          student: { logits: embedding, embedding, features: [], preActivations: [] },
          studentEmbedding: embedding,
          labels: tf.tensor1d([0], 'int32'),
        },
        { epoch: 0, mode: { training: true } },
      ),
    );
    expect(unnamed.kind).to.equal('data');
  });
});
