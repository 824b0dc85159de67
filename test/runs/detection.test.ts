import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDetections } from '../../lib/coco/results-form';
import { shapesDataset } from '../../lib/coco/shapes';
import { type Detection, detection } from '../../lib/runs/detection';
import { smallRecipe } from '../../lib/runs/detection-recipe';
import { executeRun } from '../../lib/runs/execute';
import { readDetectionRun } from '../../lib/runs/store';
import type { RunEvents } from '../../lib/runs/task';
import { startEngine } from '../../lib/engine/load';
import { readWeights } from '../../lib/formats/weights';
import { runTypeScript } from '../support/child';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'detector.ts');

describe('a detector’s run', () => {
  const folder = withFolder();

  describe('on made-up shapes', () => {
    withEngine('native');

    const whole = smallRecipe({ iterations: 4, batchSize: 2, shortSide: 64, width: 8 });
    const recipe = {
      ...whole,
      detector: { ...whole.detector, pyramidChannels: 16, embeddingSize: 32 },
    };
    const training = shapesDataset({ images: 4, seed: 1 });

    const task = detection({
      data: { name: 'shapes', training, evaluation: training },
      firstWeights: new Map(),
      ...{ teacherSeed: 0, teacherRecipeOf: () => recipe, classMeansIterations: 1 },
      estimateStep: () => NaN,
    });

    async function execute(
      directory: string,
      { signal, ...events }: { signal?: AbortSignal } & RunEvents<Detection> = {},
    ): Promise<string> {
      const { student } = recipe;
      return executeRun(
        task,
        {
          study: 'test',
          scale: 'quick',
          run: { student, pair: 'tiny', method: 'student', seed: 1, recipe, directory },
          command: 'test',
          engine: await startEngine(),
          checkpointEvery: 3,
          signal,
        },
        events,
      );
    }

    it('leaves configuration, metrics, figures, provenance, weights and detections in COCO’s results form', async () => {
      const directory = join(folder(), 'run');
      expect(await execute(directory)).to.equal('trained');
      const { config, metrics, evaluation, provenance } = readDetectionRun(directory);
      expect(config).to.include({ student: 'r18-small', iterations: 4, dataset: 'shapes' });
      expect(metrics.map(({ iteration }) => iteration)).to.deep.equal([4]);
      expect(evaluation?.stats.AP50).to.be.within(0, 1);
      expect(provenance).to.include({ ended: 'finished', firstWeights: 'random' });
      expect(provenance?.AP50).to.equal(100 * (evaluation?.stats.AP50 ?? NaN));
      const found = readDetections(join(directory, 'detections.json'));
      expect(found).to.have.length(evaluation?.detections ?? NaN);
      const ids = new Set(training.groundTruth.images.map(({ id }) => id));
      expect(found.every(({ imageId }) => ids.has(imageId))).to.equal(true);
      const weights = await readWeights(join(directory, 'weights.safetensors'));
      expect(weights.get('roi_heads.box_predictor.cls_score.weight')?.shape).to.deep.equal([4, 32]);
      expect(existsSync(join(directory, 'checkpoints'))).to.equal(false);
      expect(await execute(directory)).to.equal('finished before');
    });

    it('gives the same bytes after an interruption', async () => {
      const [straight, broken] = [join(folder(), 'straight'), join(folder(), 'broken')];
      await execute(straight);
      const fault = await faultOf(() => execute(broken, { signal: AbortSignal.abort() }));
      expect(fault.kind).to.equal('interrupted');
      expect(readDetectionRun(broken).provenance?.ended).to.equal('interrupted');
      await execute(broken);
      for (const file of [
        'metrics.jsonl',
        'evaluation.json',
        'detections.json',
        'weights.safetensors',
      ]) {
        expect(
          readFileSync(join(broken, file)).equals(readFileSync(join(straight, file))),
        ).to.equal(true, file);
      }
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
