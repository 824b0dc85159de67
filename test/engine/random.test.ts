import { expect } from 'chai';
import { random } from '../../lib/engine/random';

describe('seeded random numbers', () => {
  const draws = (generator: ReturnType<typeof random>, count: number): number[] =>
    Array.from({ length: count }, () => generator.uniform());

  it('gives the same stream for the same seed and name, and another one for any other', () => {
    const first = draws(random(1, 'order', 3), 5);
    expect(draws(random(1, 'order', 3), 5)).to.deep.equal(first);
    for (const other of [random(2, 'order', 3), random(1, 'order', 4), random(1, 'orders', 3)]) {
      expect(draws(other, 5)).to.not.deep.equal(first);
    }
  });

  it('is uniform in [0, 1) and normal with mean 0 and variance 1', () => {
    const generator = random(7);
    const uniform = draws(generator, 20_000);
    const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    expect(Math.min(...uniform)).to.be.at.least(0);
    expect(Math.max(...uniform)).to.be.below(1);
    // Standard errors at 20,000 draws: 0.002 of the uniform mean, 0.007 of the normal one; 4 of them allowed.
    expect(mean(uniform)).to.be.closeTo(0.5, 0.0082);
    const normal = Array.from({ length: 20_000 }, () => generator.normal());
    expect(mean(normal)).to.be.closeTo(0, 0.028);
    expect(mean(normal.map((value) => value * value))).to.be.closeTo(1, 0.04);
  });

  it('draws whole numbers below a bound, every one of them', () => {
    const generator = random(3);
    const seen = new Set(Array.from({ length: 200 }, () => generator.integer(4)));
    expect([...seen].sort()).to.deep.equal([0, 1, 2, 3]);
  });
});
