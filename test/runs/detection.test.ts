import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DetectionData } from '../../lib/detection/coco/detection-data';
import { readDetections } from '../../lib/detection/coco/results-form';
import { shapesDataset } from '../../lib/detection/coco/shapes';
import { createDetector } from '../../lib/detection/detector';
import { detectDataset } from '../../lib/detection/inference';
import { kd, type LossTerm, warmUp } from '../../lib/distill/terms';
import { startEngine } from '../../lib/engine/load';
import { readWeights } from '../../lib/formats/weights';
import { hashStateDict } from '../../lib/nn/state';
import { type Detection, detection, type FirstWeights } from '../../lib/runs/detection';
import { type DetectionRecipe, smallRecipe } from '../../lib/runs/detection-recipe';
import { executeRun } from '../../lib/runs/execute';
import { readDetectionRun } from '../../lib/runs/store';
import type { RunEvents } from '../../lib/runs/task';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { expectClose } from '../support/tensors';

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
    const evaluation = shapesDataset({ images: 3, seed: 2, split: 'val' });

    interface Changes extends RunEvents<Detection> {
      readonly signal?: AbortSignal;
      readonly seed?: number;
      readonly recipe?: DetectionRecipe;
      readonly data?: DetectionData;
      readonly firstWeights?: FirstWeights;
      readonly teacher?: Detection['teacher'];
    }

    async function execute(directory: string, changes: Changes = {}): Promise<string> {
      const { signal, seed = 1, firstWeights, teacher, ...rest } = changes;
      const { data = { name: 'shapes', training, evaluation }, ...others } = rest;
      const { recipe: own = recipe, ...events } = others;
      const { student } = own;
      const task = detection({
        data,
        firstWeights: new Map(firstWeights ? [[student, firstWeights]] : []),
        ...{ teacherSeed: 0, teacherRecipeOf: () => own, classMeansIterations: 1 },
        estimateStep: () => NaN,
      });
      return executeRun(
        task,
        {
          study: 'test',
          scale: 'quick',
          run: { student, pair: 'tiny', method: 'student', seed, recipe: own, directory },
          command: 'test',
          engine: await startEngine(),
          checkpointEvery: 3,
          teacher,
          signal,
        },
        events,
      );
    }

    it('leaves configuration, metrics, figures, provenance, weights and detections in COCO’s results form', async () => {
      const directory = join(folder(), 'run');
      expect(await execute(directory)).to.equal('trained');
      const { config, metrics, evaluation: figures, provenance } = readDetectionRun(directory);
      expect(config).to.include({ student: 'r18-small', iterations: 4, dataset: 'shapes' });
      expect(metrics.map(({ iteration }) => iteration)).to.deep.equal([4]);
      expect(provenance).to.include({
        ended: 'finished',
        firstWeights: 'random',
        dataHash: training.hash,
        evaluationDataHash: evaluation.hash,
      });
      const found = readDetections(join(directory, 'detections.json'));
      expect(figures).to.include({ images: 3, detections: found.length });
      const ids = new Set(evaluation.groundTruth.images.map(({ id }) => id));
      expect(found.every(({ imageId }) => ids.has(imageId))).to.equal(true);
      const weights = await readWeights(join(directory, 'weights.safetensors'));
      expect(weights.get('roi_heads.box_predictor.cls_score.weight')?.shape).to.deep.equal([4, 32]);
      expect(provenance?.checkpointHash).to.equal(hashStateDict(weights));
      expect(existsSync(join(directory, 'checkpoints'))).to.equal(false);
      expect(await execute(directory)).to.equal('finished before');
      // The directory is that of this recipe, these data and no teacher.
      const others: [Changes, RegExp][] = [
        [{ seed: 2 }, /^seed 1 instead of 2$/],
        [
          { recipe: { ...recipe, batchSize: 3 } },
          /^batchSize 2 instead of 3, recipe\.training\.batchSize 2 instead of 3$/,
        ],
        [
          { data: { name: 'shapes', training: evaluation, evaluation: training } },
          /^recipe\.datasetHash "\w+… instead of "\w+…, recipe\.evaluationDatasetHash [^,]+$/,
        ],
        [
          { firstWeights: { file: 'a.pkl', hash: 'abc', source: 'a file' } },
          /^recipe\.firstWeightsHash null instead of "abc"$/,
        ],
      ];
      for (const [changes, found] of others) {
        const fault = await faultOf(() => execute(directory, changes));
        expect(fault).to.include({ kind: 'results', where: directory });
        expect(fault.found).to.match(found);
      }
    });

    it('gives the figures of what its weights find in the images that are evaluated', async () => {
      // With a rate of 0 and fixed norms the weights stay the first ones: what they find is known before. Those
      // of this seed find many boxes of each category.
      const seed = 17;
      const still = {
        ...recipe,
        detector: { ...recipe.detector, norm: 'frozen' as const },
        iterations: 1,
        schedule: { ...recipe.schedule, base: 0 },
      };
      const detector = createDetector({ ...still.detector, classes: 3, seed });
      const options = { batchSize: 1, shortSide: still.sizes.evaluation, longest: 999 };
      const found = await detectDataset(detector, evaluation, options);
      detector.dispose();
      // Of each category every second one, the surest first, is an object, the others are wrong.
      const categories = [1, 2, 4].map((id) =>
        found
          .filter(({ categoryId }) => categoryId === id)
          .sort((a, b) => b.score - a.score || a.imageId - b.imageId),
      );
      const objects = categories.map((of) => of.filter((_, rank) => rank % 2 === 0));
      const annotations = objects.flat().map((object, id) => ({
        ...object,
        id,
        area: object.box[2] * object.box[3],
        crowd: false,
      }));
      const directory = join(folder(), 'run');
      const groundTruth = { ...evaluation.groundTruth, annotations };
      await execute(directory, {
        seed,
        recipe: still,
        data: { name: 'shapes', training, evaluation: { ...evaluation, groundTruth } },
      });
      expect(readDetections(join(directory, 'detections.json'))).to.deep.equal(found);
      // The k-th object is found as the (2k − 1)-th box: precision k / (2k − 1) up to recall k / objects.
      const precisions = objects.map(({ length }) =>
        Array.from({ length: 101 }, (_, recall) => {
          const k = Math.max(1, Math.ceil((recall * length) / 100 - 1e-9));
          return k / (2 * k - 1);
        }),
      );
      const mean = (values: readonly number[]): number =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      const expected = mean(precisions.map(mean));
      const { evaluation: figures, provenance } = readDetectionRun(directory);
      expect(Math.min(...objects.map(({ length }) => length))).to.be.above(20);
      expect(figures?.stats.AP).to.be.closeTo(expected, 1e-9);
      expect(figures?.stats.AP50).to.be.closeTo(expected, 1e-9);
      expect(provenance?.AP).to.be.closeTo(100 * expected, 1e-7);
      expect(provenance?.AP50).to.be.closeTo(100 * expected, 1e-7);
      expect(figures?.byCategory.map(({ objects: count }) => count)).to.deep.equal(
        objects.map(({ length }) => length),
      );
      for (const overlap of ['0.50', '0.75'] as const) {
        const curve = Array.from({ length: 101 }, (_, at) =>
          mean(precisions.map((of) => of[at] ?? NaN)),
        );
        expectClose(figures?.curves[overlap] ?? [], curve, 1e-9);
      }
    });

    it('warms a term up over epochs of its images over those of a batch', async () => {
      // With a rate of 0 both runs see the same two batches with the same weights.
      const detector = createDetector({ ...recipe.detector, classes: 3, seed: 9 });
      const teacher = { name: 'one', hash: 'a', classMeansHash: null, source: 'a file', detector };
      const lossesOf = async (name: string, term: LossTerm): Promise<number[]> => {
        const losses: number[] = [];
        await execute(join(folder(), name), {
          teacher: { ...teacher, dispose: () => undefined },
          recipe: {
            ...recipe,
            method: { name, terms: [term] },
            iterations: 2,
            schedule: { ...recipe.schedule, base: 0 },
          },
          data: { name: 'shapes', training, evaluation: shapesDataset({ images: 1, seed: 2 }) },
          onBatch: ({ losses: found }) => void losses.push(found['kd'] ?? NaN),
        });
        return losses;
      };
      const kdTerm = kd({ weight: 1, temperature: 1 });
      const whole = await lossesOf('whole', kdTerm);
      const warming = await lossesOf('warming', warmUp(4, kdTerm));
      detector.dispose();
      expect(Math.min(...whole)).to.be.above(0);
      // Four images in batches of two: the second step comes after half an epoch of four.
      expectClose(warming, [0, ((whole[1] ?? NaN) * 0.5) / 4], 1e-6);
    });

    it('gives the same bytes after an interruption', async () => {
      const [straight, broken] = [join(folder(), 'straight'), join(folder(), 'broken')];
      await execute(straight);
      const fault = await faultOf(() => execute(broken, { signal: AbortSignal.abort() }));
      expect(fault.kind).to.equal('interrupted');
      const first = readDetectionRun(broken).provenance;
      expect(first?.ended).to.equal('interrupted');
      await execute(broken);
      expect(readDetectionRun(broken).provenance?.startedAt).to.equal(first?.startedAt);
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
    const second = await runHere(command, [...args, '--iterations', 'many']);
    expect(second.status).to.equal(1);
    expect(second.stderr).to.match(
      /^error: a whole number of at least 1 is needed \(--iterations\): found 'many'.*\n$/,
    );
    expect(existsSync(join(folder(), 'run'))).to.equal(false);
  });
});
