import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { type FetchedTable, tableNeeds } from '../../lib/data/tables/needs';
import { destinationOf } from '../../lib/data/tables/places';
import { detectorNames } from '../../lib/runs/detection-recipe';
import { parsePairs } from '../../lib/runs/grid';
import { cocoScope } from '../../reproduce/grid/coco';
import { chooseImageNetTeachers, chooseTeachers } from '../../reproduce/grid/teachers';
import { paperPairs as table2Pairs } from '../../reproduce/recipes/table2';
import { paperPairs as table3Pairs } from '../../reproduce/recipes/table3';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

describe('the teachers of table 1', () => {
  const folder = withFolder();
  const pairs = parsePairs('resnet56:resnet20,vgg13:vgg8,resnet20:resnet8');
  const paper = { scale: 'paper', data: 'cifar100', pairs } as const;

  const putTeacher = (name: string): string => {
    const place = join(folder(), 'cifar_teachers', `${name}_vanilla`);
    mkdirSync(place, { recursive: true });
    const file = join(place, 'ckpt_epoch_240.pth');
    writeFileSync(file, 'weights');
    return file;
  };
  const dataDir = (): { dataDir: string } => ({ dataDir: folder() });

  it('are at the paper’s setting the published ones that are there, and it is said which', () => {
    const file = putTeacher('resnet56');
    const { given, notes } = chooseTeachers(dataDir(), paper);
    expect([...given]).to.deep.equal([
      ['resnet56', { weights: file, source: 'published: cifar_teachers/resnet56_vanilla' }],
    ]);
    expect(notes).to.deep.equal([
      'Teacher resnet56: the published one (cifar_teachers/resnet56_vanilla).',
      `Teacher vgg13: trained here (the published one is not in ${folder()}: npm run data -- cifar-teachers).`,
      'Teacher resnet20: trained here.',
    ]);
  });

  it('are trained here at other scales, on other data, or when that is asked for', () => {
    putTeacher('resnet56');
    const settings = [
      [dataDir(), { ...paper, scale: 'short' }],
      [dataDir(), { ...paper, data: 'cifar10' }],
      [{ ...dataDir(), teachers: 'trained' }, paper],
    ] as const;
    for (const [options, setting] of settings) {
      expect(chooseTeachers(options, setting)).to.deep.equal({ given: new Map(), notes: [] });
    }
  });

  it('must be there when the published ones are asked for, at any scale', async () => {
    const one = { scale: 'short', data: 'cifar100', pairs: parsePairs('vgg13:vgg8') } as const;
    const options = { ...dataDir(), teachers: 'published' };
    const absent = await faultOf(() => chooseTeachers(options, one));
    expect(absent.what).to.equal('the published vgg13 is not there');
    expect(absent.fix).to.contain('npm run data -- cifar-teachers');
    putTeacher('vgg13');
    expect([...chooseTeachers(options, one).given.keys()]).to.deep.equal(['vgg13']);
    const never = await faultOf(() =>
      chooseTeachers(options, { ...one, pairs: parsePairs('resnet20:resnet8') }),
    );
    expect(never.what).to.equal('no resnet20 was published');
  });

  it('cannot be chosen in two ways at once, nor for other data, nor by another word', async () => {
    const faults = await Promise.all([
      faultOf(() => chooseTeachers({ teachers: 'published' }, { ...paper, data: 'cifar10' })),
      faultOf(() => chooseTeachers({ teachers: 'trained', teacherWeights: 'a.pth' }, paper)),
      faultOf(() => chooseTeachers({ teachers: 'publishd' }, paper)),
    ]);
    expect(faults.map(({ what }) => what)).to.deep.equal([
      'this choice of teachers does not fit the other options',
      'this choice of teachers does not fit the other options',
      "unknown choice 'publishd'",
    ]);
    expect(faults[2]?.fix).to.contain("Did you mean 'published'?");
  });

  it('take the paper’s own class means where that is asked for and they are there', async () => {
    putTeacher('resnet56');
    const one = { ...paper, pairs: parsePairs('resnet56:resnet20') };
    const options = { ...dataDir(), classMeans: 'released' };
    const missing = await faultOf(() => chooseTeachers(options, one));
    expect(missing.what).to.equal('the released class means of resnet56 are not there');
    mkdirSync(join(folder(), 'class-means'));
    const file = join(folder(), 'class-means', 'resnet56.json');
    writeFileSync(file, '{}');
    expect(chooseTeachers(options, one).given.get('resnet56')?.classMeans).to.equal(file);
    // Not beside a teacher that is trained here: nobody has published its class means.
    for (const setting of [paper, { ...one, scale: 'short' } as const]) {
      const { what } = await faultOf(() => chooseTeachers(options, setting));
      expect(what).to.match(/given or published/);
    }
  });

  it('may be given as a file, with class means, for pairs of one teacher', async () => {
    const one = { ...paper, pairs: parsePairs('vgg13:vgg8') };
    const options = { teacherWeights: 'a.pth', classMeans: 'b.safetensors' };
    expect([...chooseTeachers(options, one).given]).to.deep.equal([
      ['vgg13', { weights: 'a.pth', classMeans: 'b.safetensors' }],
    ]);
    const several = await faultOf(() => chooseTeachers(options, paper));
    expect(several.what).to.equal('one file of weights cannot serve several teachers');
    const alone = await faultOf(() => chooseTeachers({ classMeans: 'b.safetensors' }, one));
    expect(alone.what).to.equal('class means belong to a teacher that is given');
  });
});

describe('what npm run data -- table2 and table3 fetch', () => {
  const folder = withFolder();
  const put = (table: FetchedTable): Map<string, string> =>
    new Map(
      tableNeeds[table].flatMap((need) => {
        if (need.kind === 'archive' || need.kind === 'on request') return [];
        const path = destinationOf(need, folder());
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, 'weights');
        return [[need.name, path]];
      }),
    );

  it('is what table 2 takes at the paper’s scale, every teacher and its class means', () => {
    const files = put('table2');
    const pairs = table2Pairs.flatMap((pair) => parsePairs(pair));
    const choice = { scale: 'paper', data: 'imagenet', pairs } as const;
    const options = { dataDir: folder(), classMeans: 'released' };
    const { given } = chooseImageNetTeachers(options, choice);
    const teachers = [...new Set(pairs.map(({ teacher }) => teacher))];
    expect([...given.keys()]).to.deep.equal(teachers);
    for (const [name, { weights, classMeans }] of given) {
      expect(weights).to.equal(files.get(name));
      expect(classMeans).to.equal(files.get(`class-means-${name}`));
    }
  });

  it('is what table 3 takes at the paper’s scale, every teacher and every backbone', () => {
    const files = put('table3');
    const pairs = table3Pairs.flatMap((pair) => parsePairs(pair, '--pairs', detectorNames));
    const choice = { scale: 'paper', data: 'coco', precision: 'f32', pairs } as const;
    const settled = cocoScope.settle(
      { scale: 'paper', results: folder(), resume: true, dataDir: folder() },
      { ...choice, methods: ['kd++'] },
    );
    const given = [...settled.givenTeachers].map(([name, { weights }]) => [name, weights]);
    expect(given).to.deep.equal(['r101-fpn', 'r50-fpn'].map((name) => [name, files.get(name)]));
    // Given teachers begin with nothing.
    expect(settled.notes.join()).to.not.match(/r101-fpn (begins|will)/);
    const students = ['r18-fpn', 'r50-fpn', 'mobilenet_v2-fpn'];
    for (const name of students) {
      const file = basename(files.get(`${name}-backbone`) ?? '');
      expect(settled.notes).to.include(`${name} begins with ${file}.`);
    }
  });

  it('a detector that is trained to teach begins with its backbone, or warns that it has none', () => {
    const backbone = put('table3').get('r50-fpn-backbone') ?? '';
    const notesOf = (pair: string): string => {
      const pairs = parsePairs(pair, '--pairs', detectorNames);
      const choice = { scale: 'paper', data: 'coco', precision: 'f32', pairs } as const;
      const options = {
        scale: 'paper',
        results: folder(),
        resume: true,
        dataDir: folder(),
      } as const;
      return cocoScope
        .settle(
          { ...options, teachers: 'trained', studentWeights: 'mine.pth' },
          { ...choice, methods: ['teacher', 'kd'] },
        )
        .notes.join('\n');
    };
    expect(notesOf('r50-fpn:r18-fpn')).to.equal(`r50-fpn begins with ${basename(backbone)}.`);
    expect(notesOf('r101-fpn:r18-fpn')).to.match(/^WARNING: r101-fpn begins with random weights/);
  });

  it('data in COCO’s form are told from COCO and from drawn shapes whatever their folder’s name', () => {
    const pairs = parsePairs('r34-small:r18-small', '--pairs', detectorNames);
    const labelOf = (data: string): string =>
      cocoScope.settle(
        { scale: 'quick', results: folder(), resume: true },
        { scale: 'quick', data, precision: 'f32', pairs, methods: ['kd'] },
      ).dataLabel;
    expect(
      ['coco', 'coco:/x/coco', 'coco:/x/mini', 'shapes:9:9', 'coco:/x/shapes-9-9'].map(labelOf),
    ).to.deep.equal(['coco', 'coco:coco', 'mini', 'shapes-9-9', 'coco:shapes-9-9']);
  });
});
