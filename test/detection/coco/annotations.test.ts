import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readAnnotations } from '../../../lib/detection/coco/annotations';
import { loadCoco } from '../../../lib/detection/coco/load';
import {
  readDetections,
  writeAnnotations,
  writeDetections,
} from '../../../lib/detection/coco/results-form';
import {
  type CocoFile,
  smallCocoFile,
  writeCocoFile,
  writeCocoImages,
} from '../../support/coco-files';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';

describe('annotations in COCO’s form', () => {
  const folder = withFolder();

  async function faultFor(change: (file: CocoFile) => void): Promise<string> {
    const content = smallCocoFile();
    change(content);
    // JSON.stringify has no endless numbers, JSON itself has.
    const path = writeCocoFile(folder(), JSON.stringify(content).replace('"WIDTH"', '1e999'));
    const { kind, where, found = '' } = await faultOf(() => readAnnotations(path));
    expect(kind).to.equal('data');
    expect(where).to.equal(path);
    return found;
  }

  it('are read without their outlines', () => {
    const path = writeCocoFile(folder(), JSON.stringify(smallCocoFile(), null, 2));
    const { annotations, categories, notes } = readAnnotations(path);
    expect(annotations).to.deep.equal([
      { id: 1, imageId: 11, categoryId: 7, box: [8, 4, 16, 12], area: 150, crowd: false },
      { id: 2, imageId: 11, categoryId: 3, box: [30, 30, 30, 15], area: 300, crowd: true },
    ]);
    expect(categories[0]).to.deep.equal({ id: 7, name: 'dog' });
    expect(notes).to.deep.equal([]);
  });

  it('are read behind a byte order mark', () => {
    const path = writeCocoFile(folder(), `\uFEFF${JSON.stringify(smallCocoFile())}`);
    expect(readAnnotations(path).annotations).to.have.length(2);
  });

  it('come back as they were written', () => {
    const first = readAnnotations(writeCocoFile(folder(), smallCocoFile()));
    const path = join(folder(), 'again.json');
    writeAnnotations(path, first);
    expect(readAnnotations(path)).to.deep.equal({ ...first, file: path });
  });

  it('take the box for a missing area and no crowd for a missing mark', () => {
    const content = smallCocoFile();
    content.annotations = [{ id: 1, image_id: 11, category_id: 7, bbox: [0, 0, 4, 5] }];
    const [annotation] = readAnnotations(writeCocoFile(folder(), content)).annotations;
    expect(annotation).to.include({ area: 20, crowd: false });
  });

  type Mistake = [string, (file: CocoFile) => void, string];
  const mistakes: Mistake[] = [
    [
      'an annotation without an image',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { image_id: 99 }),
      'annotations without an image (1): annotation 1: image_id 99',
    ],
    [
      'an unknown category',
      ({ annotations: [, second] }) => Object.assign(second ?? {}, { category_id: 4 }),
      'annotations of an unknown category (1): annotation 2: category_id 4',
    ],
    [
      'a box of no area',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { bbox: [8, 4, 16, 0] }),
      'boxes of no area (1): annotation 1 of image 11: [8, 4, 16, 0]',
    ],
    [
      'a box of negative width',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { bbox: [24, 4, -16, 12] }),
      'boxes of no area (1): annotation 1 of image 11',
    ],
    [
      'a box outside of its image',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { bbox: [64, 4, 16, 12] }),
      'boxes outside of their image (1): annotation 1 of image 11',
    ],
    [
      'three numbers for a box',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { bbox: [1, 2, 3] }),
      'boxes that are not x, y, width, height (1): annotation 1: [1,2,3]',
    ],
    [
      'an annotation id twice',
      ({ annotations: [, second] }) => Object.assign(second ?? {}, { id: 1 }),
      'annotations with an id that another one has (1): annotation 1',
    ],
    [
      'an image id twice',
      ({ images: [, second] }) => Object.assign(second ?? {}, { id: 11 }),
      'images with an id that another one has (1): id 11',
    ],
    [
      'a category id twice',
      ({ categories: [, second] }) => Object.assign(second ?? {}, { id: 7 }),
      'categories with an id that another one has (1): id 7',
    ],
    [
      'an image without a size',
      ({ images: [first] }) => Object.assign(first ?? {}, { width: 'wide' }),
      'images without an id, file_name, width or height (1): {"id":11,',
    ],
    [
      'a box of endless width',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { bbox: [8, 4, 'WIDTH', 12] }),
      'annotations without an id, image_id, category_id or bbox (1): {"id":1,"image_id":11,',
    ],
    [
      'an area below 0',
      ({ annotations: [first] }) => Object.assign(first ?? {}, { area: -5 }),
      'annotations whose area is no number from 0 on or whose iscrowd is neither 0 nor 1 (1): annotation 1: {"area":-5,"iscrowd":0}',
    ],
    [
      'two images of one file',
      ({ images: [, second] }) => Object.assign(second ?? {}, { file_name: 'a.png' }),
      'images with the file_name of another one (1): a.png: 11 and 12',
    ],
    ...['../../etc/passwd', '/etc/passwd', 'a/../../b.png', 'C:\\b.png'].map(
      (fileName): Mistake => [
        `the file_name ${fileName}`,
        ({ images: [first] }) => Object.assign(first ?? {}, { file_name: fileName }),
        'images whose file_name leaves their folder (1): {"id":11,"file_name":',
      ],
    ),
    [
      'an annotation without a box',
      ({ annotations: [first] }) => delete first?.['bbox'],
      'annotations without an id, image_id, category_id or bbox (1): {"id":1,',
    ],
  ];
  for (const [title, change, words] of mistakes) {
    it(`are refused with ${title}`, async () => {
      expect(await faultFor(change)).to.contain(words);
    });
  }

  it('name every kind of fault at once', async () => {
    const found = await faultFor((file) => {
      file.annotations.push({ id: 1, image_id: 5, category_id: 6, bbox: [0, 0, 1, 1] });
    });
    expect(found.split('; ')).to.have.length(3);
  });

  it('leave out a faulty box among very many, with a note', () => {
    const content = smallCocoFile();
    content.annotations = Array.from({ length: 100_000 }, (_, index) => ({
      id: index,
      image_id: 11,
      category_id: 3,
      bbox: [1, 1, 9, index === 777 ? 0 : 9],
    }));
    const { annotations, notes } = readAnnotations(writeCocoFile(folder(), content));
    expect(annotations).to.have.length(99_999);
    expect(notes.join()).to.contain('boxes of no area (1): annotation 777 of image 11');
  });

  it('name the file of broken JSON and its place', async () => {
    const text = JSON.stringify(smallCocoFile());
    const path = writeCocoFile(folder(), text.slice(0, -20));
    const { what, where, found } = await faultOf(() => readAnnotations(path));
    expect([what, where]).to.deep.equal(['a file is not valid JSON', path]);
    expect(found).to.match(/position|JSON/);
  });

  it('name a file that is missing, and a list of detections in its place', async () => {
    const missing = await faultOf(() => readAnnotations(join(folder(), 'none.json')));
    expect(missing.found).to.equal('no such file');
    const path = writeCocoFile(folder(), []);
    const { what, found } = await faultOf(() => readAnnotations(path));
    expect(what).to.equal('a file has no list of categories');
    expect(found).to.contain('detections');
  });
});

describe('a data set in COCO’s form', () => {
  const folder = withFolder();

  it('has places for labels, corners for boxes, and no crowds', async () => {
    const content = smallCocoFile();
    content.annotations.push({ id: 3, image_id: 11, category_id: 3, bbox: [-4, 40, 10, 20] });
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    expect(dataset.classes).to.deep.equal(['cat', 'dog']);
    expect([...(dataset.entries[0]?.boxes ?? [])]).to.deep.equal([8, 4, 24, 16, 0, 40, 6, 48]);
    expect([...(dataset.entries[0]?.labels ?? [])]).to.deep.equal([1, 0]);
    expect([...dataset.training]).to.deep.equal([0]);
    expect(dataset.groundTruth.annotations).to.have.length(3);
    expect(dataset.notes).to.deep.equal([
      `${join(folder(), 'instances.json')}: without an annotation, for evaluation only: 1 image: b.png (image 12)`,
    ]);
  });

  it('cuts boxes at the edges of a tall image', async () => {
    const content = smallCocoFile();
    content.images = [{ id: 11, file_name: 'a.png', width: 20, height: 60 }];
    content.annotations = [{ id: 1, image_id: 11, category_id: 3, bbox: [5, 40, 30, 30] }];
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    expect([...(dataset.entries[0]?.boxes ?? [])]).to.deep.equal([5, 40, 20, 60]);
  });

  it('changes its hash with a number or a name', async () => {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const hashOf = (changed: CocoFile): string =>
      loadCoco({ annotations: writeCocoFile(folder(), changed), images }).hash;
    const first = hashOf(content);
    expect(hashOf(content)).to.equal(first);
    const changes: ((file: CocoFile) => unknown)[] = [
      ({ annotations: [one] }) => Object.assign(one ?? {}, { bbox: [8, 4, 16, 13] }),
      ({ annotations: [one] }) => Object.assign(one ?? {}, { area: 151 }),
      ({ annotations: [, two] }) => Object.assign(two ?? {}, { iscrowd: 0 }),
      ({ annotations: [one] }) => Object.assign(one ?? {}, { category_id: 3 }),
      ({ categories: [one] }) => Object.assign(one ?? {}, { name: 'wolf' }),
      ({ images: [one] }) => Object.assign(one ?? {}, { width: 65 }),
    ];
    const hashes = changes.map((change) => {
      const changed = structuredClone(content);
      change(changed);
      return hashOf(changed);
    });
    expect(new Set([first, ...hashes]).size).to.equal(1 + changes.length);
  });

  it('names images without a file, and notes files without an image', async () => {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const annotations = writeCocoFile(folder(), content);
    writeFileSync(join(images, 'c.jpg'), '');
    expect(loadCoco({ annotations, images }).notes[1]).to.equal(
      `${images}: not in ${annotations} and not used: 1 image: c.jpg`,
    );
    rmSync(join(images, 'b.png'));
    const fault = await faultOf(() => loadCoco({ annotations, images }));
    expect(fault.where).to.equal(annotations);
    expect(fault.found).to.equal('images without a file (1): b.png (image 12)');
  });

  it('names a folder that is missing or is a file', async () => {
    const annotations = writeCocoFile(folder(), smallCocoFile());
    for (const images of [join(folder(), 'nowhere'), annotations]) {
      expect((await faultOf(() => loadCoco({ annotations, images }))).where).to.equal(images);
    }
  });

  it('names categories that differ from those of the training set', async () => {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const annotations = writeCocoFile(folder(), content);
    const of = 'train.json';
    const categories = [
      { id: 3, name: 'cat' },
      { id: 4, name: 'horse' },
      { id: 7, name: 'wolf' },
    ];
    const fault = await faultOf(() =>
      loadCoco({ annotations, images, categories: { of, categories } }),
    );
    expect(fault.what).to.equal('the categories differ from those of train.json');
    expect(fault.where).to.equal(annotations);
    expect(fault.found).to.equal(
      "missing here (1): 4 'horse'; named otherwise (1): 7 'dog' instead of 'wolf'",
    );
  });

  it('is refused without an object', async () => {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    content.annotations = content.annotations.slice(1);
    const annotations = writeCocoFile(folder(), content);
    const fault = await faultOf(() => loadCoco({ annotations, images }));
    expect(fault.what).to.contain('no image with an object');
  });
});

describe('detections in COCO’s results form', () => {
  const folder = withFolder();
  const detection = { imageId: 3, categoryId: 7, box: [0.1, 0.25, 10, 20], score: 0.625 } as const;

  it('come back as they were written', () => {
    const path = join(folder(), 'detections.json');
    writeDetections(path, [detection, { ...detection, score: 1e-7 }]);
    expect(readDetections(path)).to.deep.equal([detection, { ...detection, score: 1e-7 }]);
    writeDetections(path, []);
    expect(readDetections(path)).to.deep.equal([]);
  });

  it('name entries of another form', async () => {
    const entry = { image_id: 3, category_id: 7, bbox: [0, 0, 1, 1], score: 0.5 };
    const path = writeCocoFile(folder(), [
      entry,
      { ...entry, score: '0.5' },
      { ...entry, bbox: [1] },
    ]);
    const { where, found } = await faultOf(() => readDetections(path));
    expect(where).to.equal(path);
    expect(found).to.match(/^entries of another form \(2\): entry 2: .*, entry 3: /);
  });

  it('name boxes of negative size', async () => {
    const entry = { image_id: 3, category_id: 7, bbox: [0, 0, -4, 1], score: 0.5 };
    const { found } = await faultOf(() => readDetections(writeCocoFile(folder(), [entry])));
    expect(found).to.equal('boxes of negative size (1): entry 1 on image 3: [0,0,-4,1]');
  });

  it('are refused as an annotation file', async () => {
    const path = writeCocoFile(folder(), smallCocoFile());
    expect((await faultOf(() => readDetections(path))).what).to.contain('not a list');
  });
});
