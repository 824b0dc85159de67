import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { plainBatch } from '../../lib/data/batches';
import { readClassMeans, writeClassMeans } from '../../lib/distill/class-means';
import { crossEntropy, kd, type LossTerm, normDirectionAt } from '../../lib/distill/terms';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { classification } from '../../lib/runs/classification';
import {
  loadTeacher,
  type TeacherOptions,
  type TrainedTeacher,
  withClassMeansFor,
} from '../../lib/runs/classification-teacher';
import type { Teacher } from '../../lib/train/learner';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const dataset = smallDataset();

describe('a teacher', () => {
  withEngine('native');
  const folder = withFolder();
  const loaded: TrainedTeacher[] = [];
  afterEach(() => loaded.splice(0).forEach(({ model }) => model.dispose()));

  async function load(options: Partial<TeacherOptions> = {}): Promise<TrainedTeacher> {
    const weights = join(folder(), 'weights.safetensors');
    const model = createModel('resnet8', { classes: 4, seed: 1 });
    writeSafetensors(weights, model.stateDict());
    model.dispose();
    const teacher = await loadTeacher({
      name: 'resnet8',
      dataset,
      weights,
      source: 'trained here',
      classMeans: join(folder(), 'class-means.safetensors'),
      makeClassMeans: true,
      ...options,
    });
    loaded.push(teacher);
    return teacher;
  }
  const forTerms = (teacher: TrainedTeacher, ...terms: LossTerm[]): Promise<Teacher> =>
    withClassMeansFor({ name: 'm', terms }, teacher);
  const files = (): string[] => readdirSync(folder()).filter((name) => name.startsWith('class'));

  it('gets class means of other places only for a method that asks for them', async () => {
    const teacher = await load();
    expect((await forTerms(teacher, crossEntropy(), kd())).classMeansAt?.size).to.equal(0);
    expect(files()).to.eql(['class-means.safetensors']);
    const { classMeansAt } = await forTerms(
      teacher,
      kd(),
      normDirectionAt({ place: 'logits' }),
      normDirectionAt({ place: 'earlier stage' }),
    );
    expect([...(classMeansAt ?? [])].map(([place, { length }]) => [place, length])).to.eql([
      ['logits', 4 * 4],
      ['earlier stage', 4 * 32],
    ]);
    expect(files()).to.eql([
      'class-means-earlier-stage.safetensors',
      'class-means-logits.safetensors',
      'class-means.safetensors',
    ]);
  });

  it('keeps them in a file, and refuses another teacher’s', async () => {
    const term = normDirectionAt({ place: 'logits' });
    const file = join(folder(), 'class-means-logits.safetensors');
    const first = await forTerms(await load(), term);
    const kept = readClassMeans(file);
    expect(kept.means).to.deep.equal(first.classMeansAt?.get('logits'));
    writeClassMeans(file, { ...kept, means: kept.means.map((mean) => mean + 1) });
    const second = await forTerms(await load(), term);
    expect(second.classMeansAt?.get('logits')?.[0]).to.be.closeTo((kept.means[0] ?? NaN) + 1, 1e-6);
    writeClassMeans(file, { ...kept, teacherHash: 'another' });
    const { what } = await faultOf(async () => forTerms(await load(), term));
    expect(what).to.equal('class means of another teacher');
    writeFileSync(file, 'no means');
    expect((await faultOf(async () => forTerms(await load(), term))).kind).to.equal('file');
  });

  it('writes nothing beside class means that the user gave', async () => {
    await load();
    const { classMeansAt } = await forTerms(
      await load({ makeClassMeans: false }),
      normDirectionAt({ place: 'logits' }),
    );
    expect(classMeansAt?.get('logits')).to.have.length(16);
    expect(existsSync(join(folder(), 'class-means-logits.safetensors'))).to.equal(false);
  });

  it('that the user gives keeps its class means beside those of another', async () => {
    const task = classification(dataset);
    const given = async (seed: number): Promise<TrainedTeacher> => {
      const weights = join(folder(), `given-${seed}.safetensors`);
      const model = createModel('resnet8', { classes: 4, seed });
      writeSafetensors(weights, model.stateDict());
      model.dispose();
      const request = {
        name: 'resnet8',
        directory: join(folder(), 'teacher'),
        given: { weights },
        signal: undefined,
      };
      const teacher = await task.loadTeacher(request);
      loaded.push(teacher);
      return teacher;
    };
    const [first, second, again] = [await given(1), await given(2), await given(1)];
    expect(readdirSync(join(folder(), 'teacher')).sort()).to.eql(
      [first, second]
        .map(({ hash }) => `given-teacher-${hash.slice(0, 12)}.class-means.safetensors`)
        .sort(),
    );
    expect(second.classMeans).to.not.deep.equal(first.classMeans);
    expect(again.classMeans).to.deep.equal(first.classMeans);
  });

  it('is not loaded where Ctrl-C comes while its class means are made, and keeps none', async () => {
    const many = smallDataset({ perClass: 100 });
    const weights = join(folder(), 'given.safetensors');
    const model = createModel('resnet8', { classes: 4 });
    writeSafetensors(weights, model.stateDict());
    model.dispose();
    const directory = join(folder(), 'teacher');
    const stop = new AbortController();
    const { kind, what } = await faultOf(() =>
      classification(many).loadTeacher({
        ...{ name: 'resnet8', directory, given: { weights }, signal: stop.signal },
        // As a signal does: only when the event loop runs.
        onProgress: () => setImmediate(() => stop.abort()),
      }),
    );
    expect([kind, what]).to.deep.equal([
      'interrupted',
      'stopped after 250 of 400 images; class means are kept only when all are done',
    ]);
    expect(existsSync(directory) ? readdirSync(directory) : []).to.deep.equal([]);
  });

  it('is measured against its own class means', async () => {
    const { model, classMeans, cosineToClassMean, embeddingNorm, top1 } = await load();
    const { count, labels } = dataset.test;
    const pixels = plainBatch(dataset, dataset.test, [...Array(count).keys()]);
    const { logits, embedding } = model.forward(tf.tensor4d(pixels, [count, 8, 8, 3]), {
      training: false,
    });
    const scores = logits.arraySync();
    const hits = scores.filter((row, at) => row[labels[at] ?? -1] === Math.max(...row)).length;
    const features = embedding.arraySync();
    const cosines = features.map((f, at) => {
      const label = labels[at] ?? -1;
      const mean = [...classMeans.subarray(label * 64, (label + 1) * 64)];
      const dot = f.reduce((sum, value, j) => sum + value * (mean[j] ?? NaN), 0);
      return dot / (Math.hypot(...f) * Math.hypot(...mean));
    });
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / count;
    expect(classMeans).to.deep.equal(
      readClassMeans(join(folder(), 'class-means.safetensors')).means,
    );
    expect(cosineToClassMean).to.be.closeTo(mean(cosines), 1e-5);
    expect(embeddingNorm).to.be.closeTo(mean(features.map((f) => Math.hypot(...f))), 1e-4);
    expect(top1).to.be.closeTo((100 * hits) / count, 1e-9);
  });
});
