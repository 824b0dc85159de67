import { LabError } from '../errors';
import { folderPath, loadFolder } from './folder';
import { readFolderLayout } from './folder-layout';
import type { DataSource } from './source';

/** An image folder, `folder:PATH`, as if it were an entry of the registry. */
export function folderSource(name: string): DataSource {
  const path = folderPath(name);
  const describe = (): string => {
    const { classes, train, test } = readFolderLayout(path);
    const counts = `${train.files.length} + ${test.files.length} images`;
    return `${counts} in ${classes.length} classes (train, ${test.name})`;
  };
  return {
    name,
    title: `Images in ${path}`,
    downloads: new Map(),
    async status() {
      try {
        return { name, state: 'present', form: 'image folder', path, detail: describe() };
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        return { name, state: 'broken', path, detail: error.message, mend: error.fault.remedy };
      }
    },
    async verify() {
      return { official: null, detail: describe(), form: 'image folder', path };
    },
    load: (context) => loadFolder(name, context),
  };
}
