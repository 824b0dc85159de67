import { expect } from 'chai';
import { proposalTargets } from '../../lib/detection/box-head';
import { anchorTargets } from '../../lib/detection/proposals';
import {
  anchorMatching,
  matchBoxes,
  proposalMatching,
  sampleLabels,
} from '../../lib/detection/sampling';
import { random } from '../../lib/engine/random';
import { expectClose } from '../support/tensors';

const boxes = (...edges: number[]): Float32Array => Float32Array.from(edges);

describe('matching', () => {
  const truth = boxes(0, 0, 10, 10, 20, 20, 40, 40);
  const candidates = boxes(
    ...[0, 0, 10, 8], // 0.8 of the first
    ...[0, 0, 10, 5], // 0.5 of the first
    ...[0, 0, 5, 4], // 0.2 of the first
    ...[20, 20, 30, 40], // 0.5 of the second, its best
    ...[50, 50, 60, 60], // nothing
  );

  it('of anchors: an object from 0.7, nothing between 0.3 and 0.7, and the best of each true box', () => {
    const { labels, targets } = matchBoxes(truth, candidates, anchorMatching);
    expect([...labels]).to.deep.equal([1, -1, 0, 1, 0]);
    expect([...targets]).to.deep.equal([0, 0, 0, 1, 0]);
  });

  it('of anchors: just 0.7 is an object, just 0.3 is left out, and so are all best ones of a true box', () => {
    const edge = boxes(0, 0, 10, 7, 0, 0, 10, 3, 20, 20, 30, 40, 30, 20, 40, 40, 20, 20, 40, 25);
    const { labels, targets } = matchBoxes(truth, edge, anchorMatching);
    // The halves of the second object are its best ones alike; a quarter of it is background.
    expect([...labels]).to.deep.equal([1, -1, 1, 1, 0]);
    expect([...targets]).to.deep.equal([0, 0, 1, 1, 1]);
  });

  it('of proposals: an object from 0.5, background below', () => {
    const { labels } = matchBoxes(truth, candidates, proposalMatching);
    expect([...labels]).to.deep.equal([1, 1, 0, 1, 0]);
  });

  it('keeps the true box that a candidate overlaps most, though it is the best of another', () => {
    // The second true box touches the only candidate a little; the first covers it by half.
    const two = boxes(0, 0, 10, 20, 9, 0, 30, 20);
    const { labels, targets } = matchBoxes(two, boxes(0, 0, 10, 10), anchorMatching);
    expect([...labels]).to.deep.equal([1]);
    expect([...targets]).to.deep.equal([0]);
  });

  it('takes everything for background in an image without objects', () => {
    expect([...matchBoxes(boxes(), candidates, anchorMatching).labels]).to.deep.equal([
      0, 0, 0, 0, 0,
    ]);
  });

  it('makes no objects of all candidates for a true box that none touches', () => {
    const { labels } = matchBoxes(boxes(90, 90, 99, 99), candidates, anchorMatching);
    expect([...labels]).to.deep.equal([0, 0, 0, 0, 0]);
  });
});

describe('sampling', () => {
  const labels = Int8Array.from({ length: 100 }, (_, i) => (i < 40 ? 1 : i < 50 ? -1 : 0));
  const draw = (count: number, seed = 1): ReturnType<typeof sampleLabels> =>
    sampleLabels(labels, { count, objectShare: 0.25 }, random(seed, 'test'));

  it('takes objects up to their share and fills up with background, none twice', () => {
    const { objects, background } = draw(40);
    expect(objects.length).to.equal(10);
    expect(background.length).to.equal(30);
    expect(new Set(objects).size).to.equal(10);
    expect(new Set(background).size).to.equal(30);
    expect(objects.every((place) => place < 40)).to.equal(true);
    expect(background.every((place) => place >= 50)).to.equal(true);
  });

  it('takes fewer where there are not so many', () => {
    const { objects, background } = draw(400);
    expect([objects.length, background.length]).to.deep.equal([40, 50]);
  });

  it('follows its random numbers', () => {
    expect([...draw(40).background]).to.deep.equal([...draw(40).background]);
    expect([...draw(40).background]).not.to.deep.equal([...draw(40, 2).background]);
  });

  it('trains a proposal network on the anchors of each image, counted on over the batch', () => {
    // Anchors: one on each of two objects, and one far from both.
    const anchors = boxes(0, 0, 10, 10, 20, 20, 40, 40, 90, 90, 99, 99);
    const truths = [boxes(21, 20, 41, 40), boxes(0, 0, 10, 10, 20, 22, 40, 42)];
    const targets = anchorTargets(anchors, truths, (image) => random(image), {
      count: 6,
      objectShare: 0.5,
    });
    // Image 0: anchor 1; image 1: anchors 0 and 1, which are 3 + 0 and 3 + 1.
    const order = [...targets.objects];
    expect([...order].sort()).to.deep.equal([1, 3, 4]);
    expect(order[0]).to.equal(1);
    expect([...targets.background].sort()).to.deep.equal([0, 2, 5]);
    // 1 of 20 to the right; none; 2 of 20 down.
    const deltasOf: Record<number, number[]> = {
      1: [0.05, 0, 0, 0],
      3: [0, 0, 0, 0],
      4: [0, 0.1, 0, 0],
    };
    expectClose(
      [...targets.deltas],
      order.flatMap((place) => deltasOf[place] ?? []),
      1e-6,
    );
    expect(targets.divisor).to.equal(12);
  });

  it('trains the box head on proposals and true boxes of each image, objects before background', () => {
    const far = [90, 90, 99, 99];
    const { regions, labels, objects, deltas } = proposalTargets(
      [boxes(...far, 0, 0, 10, 10), boxes(...far)],
      [
        // The proposal is 2 of 10 to the left of the first object: it overlaps by 8 / 12.
        { boxes: boxes(2, 0, 12, 10, 50, 50, 60, 60), labels: Int32Array.of(5, 6) },
        { boxes: boxes(0, 0, 4, 4), labels: Int32Array.of(7) },
      ],
      { classes: 80, randomOf: (image) => random(image), sampling: { count: 8, objectShare: 0.5 } },
    );
    // Objects of image 0: the proposal and two true boxes; of image 1 its true box; each then one background.
    expect([...labels]).to.have.members([5, 5, 6, 80, 7, 80]);
    expect([...labels].map((label) => label === 80)).to.deep.equal([
      ...[false, false, false, true, false, true],
    ]);
    expect([...objects]).to.deep.equal([0, 1, 2, 4]);
    const [first = boxes(), second = boxes()] = regions;
    expect([...first.subarray(12)]).to.deep.equal(far);
    expect([...second]).to.deep.equal([0, 0, 4, 4, ...far]);
    // dx = 10 · 2 / 10 of the proposal; nothing of the true boxes.
    const moved = [0, 1, 2].map((place) => (first[4 * place] === 0 ? [2, 0, 0, 0] : [0, 0, 0, 0]));
    expectClose([...deltas], [...moved.flat(), 0, 0, 0, 0], 1e-5);
    expect(moved.flat().filter((delta) => delta === 2)).to.have.length(1);
    const classes = [0, 1, 2].map((place) => (first[4 * place] === 50 ? 6 : 5));
    expect([...labels.subarray(0, 3)]).to.deep.equal(classes);
  });

  it('trains the box head on 512 proposals an image, at most a quarter of them objects', () => {
    // 300 proposals on the true box and 700 far from it: 128 and 384 are drawn.
    const proposals = boxes(
      ...Array.from({ length: 1000 }, (_, i) =>
        i < 300 ? [0, 0, 10, 10] : [50, 50, 60, 60],
      ).flat(),
    );
    const truth = { boxes: boxes(0, 0, 10, 10), labels: Int32Array.of(3) };
    const { labels, objects } = proposalTargets([proposals], [truth], {
      classes: 80,
      randomOf: () => random(1, 'test'),
    });
    expect([labels.length, objects.length]).to.deep.equal([512, 128]);
    expect(labels.filter((label) => label === 3)).to.have.length(128);
    expect(labels.filter((label) => label === 80)).to.have.length(384);
  });
});
