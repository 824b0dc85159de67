import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { shapesData } from '../../lib/detection/coco/detection-data';
import { createDetector } from '../../lib/detection/detector';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { detectorForm } from '../../lib/runs/detection-recipe';
import {
  detectorFigure,
  imageNetFigures,
  keepMeasured,
  measureClassifier,
  type MeasuredWeights,
  measureDetector,
  readMeasured,
} from '../../lib/runs/measured-weights';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { writePhotoFolder } from '../support/photo-folder';

describe('published weights', () => {
  withEngine('native');
  const folder = withFolder();

  it('have the figures that the paper, timm and detectron2 print of them', () => {
    const figures = (name: string): [string, number, string][] =>
      imageNetFigures(name).map(({ preparedAs, value, whose }) => [preparedAs, value, whose]);
    expect(figures('resnet34')).to.deep.equal([['resnet34', 73.31, 'the paper']]);
    expect(figures('resnet50')).to.deep.equal([['resnet50', 76.16, 'the paper']]);
    expect(figures('resnet101')).to.deep.equal([['resnet101', 77.37, 'the paper']]);
    expect(figures('resnet152')).to.deep.equal([['resnet152', 78.31, 'the paper']]);
    // The paper prepares images for its vision transformers as for its ResNets.
    expect(figures('vit_small_patch16_224')).to.deep.equal([
      ['resnet18', 74.64, 'the paper'],
      ['vit_small_patch16_224', 81.396, 'timm 0.6.12'],
    ]);
    expect(figures('vit_base_patch16_224')).to.deep.equal([
      ['resnet18', 78, 'the paper'],
      ['vit_base_patch16_224', 84.53, 'timm 0.6.12'],
    ]);
    expect(figures('regnety_160')).to.deep.equal([['regnety_160', 82.9, 'the paper']]);
    expect(figures('mobilenet_v1')).to.deep.equal([]);
    expect([detectorFigure('r101-fpn')?.value, detectorFigure('r50-fpn')?.value]).to.deep.equal([
      42, 40.2,
    ]);
    expect(detectorFigure('r18-fpn')).to.equal(undefined);
  });

  it('are measured once for each preparation, kept with their hash, and warned of beyond 0.3', async () => {
    await writePhotoFolder(folder(), { train: 1, val: 1 });
    const model = createModel('resnet18_half', { classes: 2, seed: 3 });
    const state = model.stateDict();
    // It sees the first class everywhere: half of the images are right.
    for (const [name, { data }] of state) if (name.startsWith('fc.')) data.fill(0);
    state.get('fc.bias')?.data.set([1, 0]);
    const file = join(folder(), 'half.safetensors');
    writeSafetensors(file, state);
    model.dispose();
    const weights = { name: 'resnet18_half', file, sha256: 'a'.repeat(64) };
    const figures = [
      { preparedAs: 'resnet18', value: 50.3, whose: 'the paper' },
      { preparedAs: 'vit_tiny_patch16_224', value: 50.31, whose: 'timm' },
    ];
    const results = join(folder(), 'results');
    const measure = (sha256 = weights.sha256, of = figures): Promise<number> =>
      measured(
        (measuring) =>
          measureClassifier(
            { ...weights, sha256 },
            { folder: folder(), dataset: 'imagenet', figures: of },
            measuring,
          ),
        results,
      );
    expect(await measure()).to.equal(2);
    expect(readMeasured(results)).to.deep.equal([
      {
        ...{ name: 'resnet18_half', file: 'half.safetensors', sha256: 'a'.repeat(64) },
        ...{ dataset: 'imagenet', figure: 'top-1', preparedAs: 'resnet18', images: 2 },
        ...{ value: 50, published: 50.3, whose: 'the paper', warning: null },
      },
      {
        ...{ name: 'resnet18_half', file: 'half.safetensors', sha256: 'a'.repeat(64) },
        ...{ dataset: 'imagenet', figure: 'top-1', preparedAs: 'vit_tiny_patch16_224', images: 2 },
        ...{ value: 50, published: 50.31, whose: 'timm' },
        warning:
          "resnet18_half has 50.00 % here, timm's has 50.31 % (−0.31): it is another teacher than timm’s, or the data are not prepared alike",
      },
    ]);
    // Neither the same weights again, but others of that name.
    expect(await measure()).to.equal(0);
    expect(await measure('b'.repeat(64), figures.slice(0, 1))).to.equal(1);
    expect(readMeasured(results)).to.have.length(3);
    const unprepared = { preparedAs: 'resnet20', value: 50, whose: 'nobody' };
    const { what } = await faultOf(() => measure('c'.repeat(64), [unprepared]));
    expect(what).to.contain("unknown model with published preprocessing 'resnet20'");
  });

  it('of a detector are measured by box AP', async () => {
    const { evaluation } = shapesData({ training: 2, evaluation: 2 });
    const form = detectorForm('r18-small');
    const detector = createDetector({ ...form, classes: evaluation.classes.length, seed: 1 });
    const file = join(folder(), 'small.safetensors');
    writeSafetensors(file, detector.stateDict());
    detector.dispose();
    const results = join(folder(), 'results');
    const data = { form, evaluation, dataset: 'coco', shortSide: 64, longest: 100 };
    const figure = { preparedAs: 'r18-small', value: 90, whose: 'detectron2' };
    const weights = { name: 'r18-small', file, sha256: 'c'.repeat(64) };
    const measure = (): Promise<number> =>
      measured((measuring) => measureDetector(weights, { ...data, figure }, measuring), results);
    expect(await measure()).to.equal(1);
    const [found] = readMeasured(results);
    expect(found).to.include({ figure: 'box AP', images: 2, published: 90 });
    // Untrained, it finds next to nothing.
    expect(found?.value).to.be.within(0, 20);
    expect(found?.warning).to.contain("detectron2's has 90.00 %");
    expect(await measure()).to.equal(0);
  });

  it('are measured anew where the record is moved away, and not where it is broken', async () => {
    mkdirSync(folder(), { recursive: true });
    expect(readMeasured(folder())).to.deep.equal([]);
    writeFileSync(join(folder(), 'published-weights.json'), '[{"name": "resnet34"}]');
    const { kind, fix } = await faultOf(() => readMeasured(folder()));
    expect(kind).to.equal('results');
    expect(fix).to.contain('Move it away');
    expect(readFileSync(join(folder(), 'published-weights.json'), 'utf8')).to.contain('resnet34');
  });
});

/** How many figures were measured, each kept as it came. */
async function measured(
  work: (measuring: {
    readonly known: readonly MeasuredWeights[];
    readonly onMeasured: (measured: MeasuredWeights) => void;
  }) => Promise<void>,
  results: string,
): Promise<number> {
  let count = 0;
  await work({
    known: readMeasured(results),
    onMeasured(one) {
      count += 1;
      keepMeasured(results, one);
    },
  });
  return count;
}
