import { z } from 'zod';
import { dataSources, registerDataset } from '../../lib/data/registry';
import type { DataSource } from '../../lib/data/source';
import { optionError } from '../../lib/errors';
import { definitionsBelow, namingFile } from '../definitions';

const sourceSchema = z.custom<DataSource>(
  (value) =>
    z
      .looseObject({ name: z.string(), title: z.string(), downloads: z.instanceof(Map) })
      .safeParse(value).success,
);

let registered = false;

/**
 * Makes known the data sets of this folder's files, and of the user's own folder: each exports
 * `dataset`, for instance
 *
 *     export const dataset = customSource({ name: 'digits', title: 'My digits', load: ({ dataDir }) => … });
 *
 * @throws LabError that names the file: of kind `option` for one that exports no data set or takes a
 * name that there is, `file` for one that cannot be loaded.
 */
export function registerDatasets(): void {
  if (registered) return;
  for (const { file, datasets } of definitionsBelow(__dirname)) {
    for (const value of datasets) register(value, file);
  }
  registered = true;
}

/** Every data set by name, with `folder:PATH` last, as `--data` takes them: for a help. */
export function datasetNames(): string {
  registerDatasets();
  const loaded = dataSources.filter(({ load }) => load !== undefined);
  return [...loaded.map(({ name }) => name), 'folder:PATH'].join(', ');
}

function register(value: unknown, file: string): void {
  const source = sourceSchema.safeParse(value);
  if (!source.success) {
    throw optionError`this is no data set (dataset in ${file}). Build it with customSource({ name, title, load }) from lib/data`;
  }
  namingFile(file, () => registerDataset(source.data));
}
