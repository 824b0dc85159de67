import { expect } from 'chai';
import { table3Recipe, table3TeacherRecipe } from '../../../reproduce/recipes/table3';

const kd = { loss: 'kd', weight: 1, temperature: 1 };
const dkd = { loss: 'dkd', weight: 1, alpha: 1, beta: 0.25, temperature: 1 };
const nd = (weight: number): object => ({ loss: 'normDirection', weight });
const review = (weight: number): object => ({ loss: 'reviewPyramid', weight });

describe('the recipes of table 3', () => {
  for (const [pair, own] of [
    ['r101-fpn:r18-fpn', { plus: 1.5, review: 1.2, reviewPlus: [1.2, 1.5] }],
    ['r101-fpn:r50-fpn', { plus: 1, review: 1, reviewPlus: [1.4, 1] }],
    ['r50-fpn:mobilenet_v2-fpn', { plus: 1, review: 2, reviewPlus: [2.2, 1.5] }],
    // The small pair borrows the first one's.
    ['r34-small:r18-small', { plus: 1.5, review: 1.2, reviewPlus: [1.2, 1.5] }],
  ] as const) {
    it(`have the released weights of ${pair}`, () => {
      const [teacher = '', student = ''] = pair.split(':');
      const [withReview, withDirection] = own.reviewPlus;
      for (const [method, terms] of [
        ['student', []],
        ['kd', [kd]],
        ['dkd', [dkd]],
        ['kd++', [kd, nd(own.plus)]],
        ['reviewkd', [review(own.review)]],
        ['reviewkd++', [review(withReview), nd(withDirection)]],
      ] as const) {
        const recipe = table3Recipe({ teacher, student }, method);
        expect(recipe.method, method).to.deep.equal({ name: method, terms });
      }
    });
  }

  it('train students on 180,000 batches of 8, teachers on 270,000 of 16', () => {
    const { student, detector, method, ...recipe } = table3Recipe(
      { teacher: 'r50-fpn', student: 'mobilenet_v2-fpn' },
      'kd',
    );
    expect([student, method.name]).to.deep.equal(['mobilenet_v2-fpn', 'kd']);
    expect(detector).to.deep.equal({ backbone: 'mobilenetv2', freezeAt: 0 });
    const common = {
      optimiser: { momentum: 0.9, weightDecay: 0.0001, nesterov: false },
      sizes: { training: [640, 672, 704, 736, 768, 800], evaluation: 800, longest: 1333 },
      flip: true,
    };
    const warmUp = { iterations: 1000, factor: 0.001 };
    expect(recipe).to.deep.equal({
      iterations: 180_000,
      batchSize: 8,
      schedule: { base: 0.01, milestones: [120_000, 160_000], warmUp },
      ...common,
    });
    expect(table3TeacherRecipe('r101-fpn')).to.deep.equal({
      student: 'r101-fpn',
      detector: { backbone: 'resnet101' },
      method: { name: 'teacher', terms: [] },
      iterations: 270_000,
      batchSize: 16,
      schedule: { base: 0.02, milestones: [210_000, 250_000], warmUp },
      ...common,
    });
  });
});
