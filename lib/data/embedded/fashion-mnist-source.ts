import { LabError } from '../../errors';
import { requireFixedSize } from '../image-size';
import type { DataSource } from '../source';
import { fashionFiles, fashionFolder, loadFashionMnist, readFashionArrays } from './fashion-mnist';

const name = 'fashion-mnist';
const side = 32;

/** The embedded Fashion-MNIST as an entry of the registry. */
export const fashionMnistSource: DataSource = {
  name,
  title: 'Fashion-MNIST: 10,000 + 2,000 real images, padded to 32×32, 10 classes',
  downloads: new Map(),
  async status() {
    const place = { name, form: 'idx', path: fashionFolder() };
    try {
      checkFiles();
      return { ...place, state: 'embedded', detail: 'part of this package, SHA-256 as published' };
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      const { what, found = '', remedy } = error.fault;
      return { ...place, state: 'broken', detail: `${what}: ${found}`, mend: remedy };
    }
  },
  async verify() {
    checkFiles();
    const detail = `SHA-256 of ${Object.keys(fashionFiles).length} files as published here`;
    return { official: true, detail, form: 'idx', path: fashionFolder() };
  },
  async load({ imageSize, subset }) {
    requireFixedSize(name, side, imageSize);
    return loadFashionMnist({ subset });
  },
};

function checkFiles(): void {
  readFashionArrays(fashionFolder(), 'train');
  readFashionArrays(fashionFolder(), 'test');
}
