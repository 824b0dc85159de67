import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readClassMeans, writeClassMeans } from '../../lib/distill/class-means';
import { crossEntropy, kd, type LossTerm, normDirectionAt } from '../../lib/distill/terms';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { loadTeacher, type TeacherOptions, type TrainedTeacher } from '../../lib/study/teacher';
import { withPlacesOf } from '../../lib/study/teacher-places';
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
    withPlacesOf({ name: 'm', terms }, teacher);
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

  it('is measured against its own class means', async () => {
    const { cosineToClassMean } = await load();
    expect(cosineToClassMean).to.be.within(-1, 1);
  });
});
