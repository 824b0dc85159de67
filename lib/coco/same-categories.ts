import { faultList } from './fault-list';
import type { CocoAnnotations, CocoCategory } from './types';

/**
 * Checks that a file has the categories of another one, by number and name: labels are places among
 * them, so that a detector trained on one would mean other things on the other.
 *
 * @throws LabError of kind `data` that names the categories that differ and both files.
 */
export function requireSameCategories(
  { file, categories }: CocoAnnotations,
  expected: { readonly of: string; readonly categories: readonly CocoCategory[] },
): void {
  const faults = faultList();
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  for (const { id, name } of expected.categories) {
    const found = names.get(id);
    names.delete(id);
    if (found === undefined) faults.add('missing here', `${id} '${name}'`);
    else if (found !== name) faults.add('named otherwise', `${id} '${found}' instead of '${name}'`);
  }
  for (const [id, name] of names) faults.add('only here', `${id} '${name}'`);
  faults.throwIfAny({
    what: `the categories differ from those of ${expected.of}`,
    where: file,
    remedy: 'Give both files the same list of categories, with the same ids and names',
  });
}
