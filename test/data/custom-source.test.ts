import { expect } from 'chai';
import type { DecodedImages } from '../../lib/data/batches';
import { customSource, registerDataset } from '../../lib/data/registry';
import { faultOf } from '../support/faults';

/** Two classes of 2×1 pixels: class 0 is black, class 1 white. */
function tiny(changes: Partial<DecodedImages['train']> = {}): DecodedImages {
  const labels = Int32Array.from([0, 1, 0, 1]);
  const images = Uint8Array.from({ length: 4 * 6 }, (_, at) => 255 * (Math.floor(at / 6) % 2));
  const train = { images, labels, count: 4, ...changes };
  const test = { images: images.slice(0, 12), labels: labels.slice(0, 2), count: 2 };
  return { classes: ['black', 'white'], height: 1, width: 2, train, test };
}

function source(changes = {}): ReturnType<typeof customSource> {
  return customSource({ name: 'tiny', title: 'Black and white', load: () => tiny(changes) });
}

describe('a data set of one’s own', () => {
  it('is loaded with its name, statistics and hash, and can be cut', async () => {
    const dataset = await source().load?.({ dataDir: '' });
    expect(dataset?.name).to.equal('tiny');
    // Half of the pixels are 0, half are 1.
    expect(dataset?.mean).to.eql([0.5, 0.5, 0.5]);
    expect(dataset?.std).to.eql([0.5, 0.5, 0.5]);
    const cut = await source().load?.({ dataDir: '', subset: { train: 1 } });
    expect([cut?.train.count, cut?.test.count]).to.eql([2, 2]);
    expect(cut?.hash)
      .to.match(/^[0-9a-f]{64}$/)
      .and.not.equal(dataset?.hash);
  });

  it('is divided by 1 where a channel does not vary', async () => {
    // Blue is 51 everywhere, red and green are 0 or 255.
    const images = Uint8Array.of(0, 255, 51, 255, 0, 51);
    const half = { images, labels: Int32Array.from([0]), count: 1 };
    const whole = { classes: ['black', 'white'], height: 1, width: 2, train: half, test: half };
    const flat = customSource({ name: 'flat', title: 'Flat blue', load: () => whole });
    const dataset = await flat.load?.({ dataDir: '' });
    expect(dataset?.mean).to.eql([0.5, 0.5, 0.2]);
    expect(dataset?.std).to.eql([0.5, 0.5, 1]);
  });

  it('says what it holds when it is checked', async () => {
    expect((await source().verify('')).detail).to.equal('4 + 2 images in 2 classes');
    expect((await source().status('')).state).to.equal('present');
  });

  const faults: [string, Partial<DecodedImages['train']>, string][] = [
    [
      'bytes are missing',
      { images: new Uint8Array(23) },
      '23 bytes for 4 images of 2×1 in 3 colours',
    ],
    ['a label has no class', { labels: Int32Array.from([0, 1, 2, 1]) }, 'label 2 of image 2'],
    ['labels are missing', { labels: Int32Array.from([0, 1]) }, '2 labels'],
    [
      'there is no image',
      { images: new Uint8Array(0), count: 0 },
      '0 bytes for 0 images of 2×1 in 3 colours',
    ],
  ];
  for (const [title, changes, found] of faults) {
    it(`is refused when ${title}`, async () => {
      const fault = await faultOf(() => source(changes).load?.({ dataDir: '' }));
      expect([fault.where, fault.found]).to.eql(['tiny, train', found]);
    });
  }

  it('is refused when it holds other arrays, which would be trained on without a word', async () => {
    const floats = new Float32Array(24) as unknown as Uint8Array;
    const plain = [0, 1, 0, 1] as unknown as Int32Array;
    const wrong: [Partial<DecodedImages['train']>, string][] = [
      [{ images: floats }, 'load.train.images'],
      [{ labels: plain }, 'load.train.labels'],
    ];
    for (const [changes, place] of wrong) {
      const { kind, where } = await faultOf(() => source(changes).load?.({ dataDir: '' }));
      expect([kind, where]).to.eql(['data', `tiny, ${place}`]);
    }
    const nothing = undefined as unknown as DecodedImages;
    const empty = customSource({ name: 'tiny', title: 'Nothing', load: () => nothing });
    const { where, fix } = await faultOf(() => empty.load?.({ dataDir: '' }));
    expect([where, fix.slice(0, 13)]).to.eql(['tiny, load', 'Let load give']);
  });

  it('is refused at another size than its images have, and told it where it can choose', async () => {
    const { what, found } = await faultOf(() => source().load?.({ dataDir: '', imageSize: 2 }));
    expect([what, found]).to.eql(["'tiny' has images of 2×1 only", '2']);
    const square = (side: number): DecodedImages => {
      const split = {
        images: new Uint8Array(2 * side * side * 3),
        labels: Int32Array.of(0, 1),
        count: 2,
      };
      return { classes: ['a', 'b'], height: side, width: side, train: split, test: split };
    };
    const any = customSource({
      name: 'any',
      title: 'Any size',
      load: ({ imageSize = 1 }) => square(imageSize),
    });
    expect((await any.load?.({ dataDir: '', imageSize: 3 }))?.height).to.equal(3);
  });

  it('cannot take a name that there is, or one that the command line could not take', async () => {
    for (const name of ['cifar100', 'folder:here', 'a b']) {
      const { found } = await faultOf(() => registerDataset({ ...source(), name }));
      expect(found).to.equal(`'${name}'`);
    }
  });
});
