import { z } from 'zod';
import { type Checker, notAvailableCases, readReference } from './checker';

const form = z.object({ cases: z.array(z.object({ file: z.string(), preset: z.string() })) });

/** Resizing and cropping of images before evaluation: `preprocess.json`. */
export const preprocessChecker: Checker = {
  entry: 'preprocess.json',
  cases: (path) =>
    notAvailableCases(
      readReference(path, form).cases.map(({ file, preset }) => `${file}, ${preset}`),
      'preprocessing of ImageNet images',
    ),
};
