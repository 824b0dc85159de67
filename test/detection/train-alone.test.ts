import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDetections } from '../../lib/coco/results-form';
import { shapesDataset } from '../../lib/coco/shapes';
import { type AloneRecipe, smallRecipe, trainAlone } from '../../lib/detection/train-alone';
import { readWeights } from '../../lib/formats/weights';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'detector.ts');

describe('training a detector alone', () => {
  const folder = withFolder();

  describe('on made-up shapes', () => {
    withEngine('native');

    it('leaves weights, metrics and detections in COCO’s results form, and the twelve figures', async () => {
      const recipe: AloneRecipe = {
        ...smallRecipe,
        detector: { ...smallRecipe.detector, width: 8, pyramidChannels: 16, embeddingSize: 32 },
        iterations: 3,
        shortSides: [64],
        longest: 96,
      };
      const training = shapesDataset({ images: 4, seed: 1 });
      const directory = folder();
      const train = (): ReturnType<typeof trainAlone> =>
        trainAlone({ recipe, seed: 1, training, evaluation: training, directory });
      const { stats } = await train();
      expect(stats.AP50).to.be.within(0, 1);
      const found = readDetections(join(directory, 'detections.json'));
      const ids = new Set(training.groundTruth.images.map(({ id }) => id));
      expect(found.every(({ imageId }) => ids.has(imageId))).to.equal(true);
      expect(existsSync(join(directory, 'metrics.jsonl'))).to.equal(true);
      const weights = await readWeights(join(directory, 'weights.safetensors'));
      expect(weights.get('roi_heads.box_predictor.cls_score.weight')?.shape).to.deep.equal([4, 32]);
      // Done already: the same figures without a step.
      expect((await train()).stats).to.deep.equal(stats);
    });
  });

  it('refuses a missing file and an option that is no number in one line, with status 1', async () => {
    const missing = join(folder(), 'instances.json');
    const args = ['--annotations', missing, '--images', folder(), '--out', join(folder(), 'run')];
    const first = await runTypeScript(command, args);
    expect(first.status).to.equal(1);
    expect(first.stderr).to.match(/^error: .*instances\.json.*\n$/);
    const second = await runTypeScript(command, [...args, '--iterations', 'many']);
    expect(second.status).to.equal(1);
    expect(second.stderr).to.match(
      /^error: --iterations is not a number above 0: found 'many'.*\n$/,
    );
    expect(existsSync(join(folder(), 'run'))).to.equal(false);
  });
});
