import { expect } from 'chai';
import {
  assignLevels,
  clipBoxes,
  decodeBoxes,
  encodeBoxes,
  finalCoding,
  intersectionOverUnion,
  joinBoxes,
  pickBoxes,
  proposalCoding,
  soundBoxes,
} from '../../lib/detection/boxes';
import { levelAnchors } from '../../lib/detection/proposals';
import { expectClose } from '../support/tensors';

const boxes = (...edges: number[]): Float32Array => Float32Array.from(edges);

describe('boxes', () => {
  it('overlap by what they share over what they cover', () => {
    // 10 × 10 and 10 × 10, shifted by 5 in x: 50 shared of 150.
    expect(intersectionOverUnion(boxes(0, 0, 10, 10), 0, boxes(5, 0, 15, 10), 0)).to.equal(1 / 3);
    expect(intersectionOverUnion(boxes(0, 0, 10, 10), 0, boxes(10, 0, 20, 10), 0)).to.equal(0);
    expect(intersectionOverUnion(boxes(3, 3, 3, 3), 0, boxes(3, 3, 3, 3), 0)).to.equal(0);
  });

  it('are cut at the edges of an image', () => {
    const cut = clipBoxes(boxes(-5, 3, 30, 70), { height: 50, width: 20 });
    expect([...cut]).to.deep.equal([0, 3, 20, 50]);
  });

  it('are picked and joined in the order asked for', () => {
    const three = joinBoxes([boxes(1, 1, 2, 2), boxes(3, 3, 4, 4, 5, 5, 6, 6)]);
    expect([...pickBoxes(three, [2, 0])]).to.deep.equal([5, 5, 6, 6, 1, 1, 2, 2]);
  });

  it('are sound with an area and finite numbers', () => {
    const four = boxes(0, 0, 1, 1, 2, 2, 2, 3, 0, 0, NaN, 1, 0, 0, 4, 4);
    expect(soundBoxes(four, [0.5, 0.5, 0.5, Infinity])).to.deep.equal([0]);
  });
});

describe('box coding', () => {
  // Source 20 wide, 10 high around (20, 15); target 40 wide, 10 high around (24, 10).
  const source = boxes(10, 10, 30, 20);
  const target = boxes(4, 5, 44, 15);

  it('gives the shift of the centre in widths and the logarithm of the growth', () => {
    const deltas = [...encodeBoxes(source, target, proposalCoding)];
    expectClose(deltas, [4 / 20, -5 / 10, Math.log(2), 0], 1e-6);
  });

  it('multiplies by the weights', () => {
    const deltas = [...encodeBoxes(source, target, finalCoding)];
    expectClose(deltas, [(10 * 4) / 20, (10 * -5) / 10, 5 * Math.log(2), 0], 1e-5);
  });

  it('is undone by decoding', () => {
    const deltas = encodeBoxes(source, target, finalCoding);
    expectClose([...decodeBoxes(source, deltas, finalCoding)], [4, 5, 44, 15], 1e-4);
  });

  it('lets no side grow more than 62.5 times', () => {
    const [left = 0, top = 0, right = 0, bottom = 0] = decodeBoxes(
      source,
      boxes(0, 0, 100, 0),
      proposalCoding,
    );
    expect(right - left).to.be.closeTo((20 * 1000) / 16, 0.01);
    expect(bottom - top).to.be.closeTo(10, 1e-4);
  });
});

describe('anchors', () => {
  it('lie around the corners of the cells, three ratios a cell, cells row by row', () => {
    const anchors = levelAnchors({ height: 2, width: 2 }, 8, 32);
    expect(anchors.length).to.equal(4 * 3 * 4);
    // Ratio ½: width 32·√2, height 32/√2; ratio 2 the other way round.
    const long = 16 * Math.SQRT2;
    const short = 16 / Math.SQRT2;
    expectClose([...anchors.subarray(0, 4)], [-long, -short, long, short], 1e-5);
    expectClose([...anchors.subarray(4, 8)], [-16, -16, 16, 16], 1e-5);
    expectClose([...anchors.subarray(8, 12)], [-short, -long, short, long], 1e-5);
    expectClose([...anchors.subarray(16, 20)], [8 - 16, -16, 8 + 16, 16], 1e-5);
    expectClose([...anchors.subarray(28, 32)], [-16, 8 - 16, 16, 8 + 16], 1e-5);
  });
});

describe('levels', () => {
  const square = (side: number): number[] => [0, 0, side, side];

  it('follow ⌊4 + log₂(√area / 224)⌋ between 2 and 5, counted from 0', () => {
    const found = assignLevels(
      boxes(
        ...square(224),
        ...square(223),
        ...square(448),
        ...square(111),
        ...square(10),
        ...square(2000),
      ),
    );
    expect([...found]).to.deep.equal([2, 1, 3, 0, 0, 3]);
  });

  it('move with the side of reference', () => {
    expect([...assignLevels(boxes(...square(56)), { side: 56 })]).to.deep.equal([2]);
  });
});
