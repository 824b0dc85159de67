import { paperTable } from '../paper';

/**
 * How the rows of table 1 belong together. The paper's number of KD was made in another recipe than
 * its KD++, so KD has two rows: `kd-published`, the recipe behind the paper's number, and `kd`, the
 * recipe of `kd++` with the ND weight 0. The student alone has two rows alike.
 */

const publishedEnding = '-published';
const plusEnding = '++';

/** The method that a `++` method adds the ND loss to: `kd` for `kd++`; null for the others. */
export function baseOf(method: string): string | null {
  return stem(method, plusEnding);
}

/** The row of a method in its published recipe: `kd-published` for `kd`. */
export function publishedOf(method: string): string {
  return `${method}${publishedEnding}`;
}

/** What a `++` method is compared with: its recipe with ND 0, then its base's published recipe. */
export function basesOf(method: string): string[] {
  const base = baseOf(method);
  return base === null ? [] : [base, publishedOf(base)];
}

/** The method without its recipe: `kd` of `kd`, `kd-published` and `kd++`. */
export function familyOf(method: string): string {
  return stem(method, plusEnding) ?? stem(method, publishedEnding) ?? method;
}

/** Whether a method runs in a published recipe of its own, with its own batch, not in that of a `++` row. */
export function isPublished(method: string): boolean {
  return stem(method, publishedEnding) !== null || isOlder(method);
}

/** Whether it is a row of the paper that never had a `++`: FitNet, RKD, … */
function isOlder(method: string): boolean {
  return (
    inPaper(method) && method !== 'teacher' && baseOf(method) === null && !hasTwoRecipes(method)
  );
}

/** Whose number in the paper's table belongs to a row; null for rows that the paper does not have. */
export function paperMethodOf(method: string): string | null {
  return hasTwoRecipes(method) ? null : (stem(method, publishedEnding) ?? method);
}

/** The student alone in the same recipe as a method; null for the teacher and for students alone. */
export function studentOf(method: string): string | null {
  if (method === 'teacher' || familyOf(method) === 'student') return null;
  return isPublished(method) ? publishedOf('student') : 'student';
}

/** A row's name: as the paper writes it, with its recipe where it has two. */
export function labelOf(method: string): string {
  if (method === 'student') return 'Student (recipe of the ++ rows)';
  const published = stem(method, publishedEnding);
  if (published !== null) return `${printedOf(published)} (published recipe)`;
  const printed = printedOf(method);
  return hasTwoRecipes(method)
    ? `${printed} (recipe of ${printedOf(`${method}${plusEnding}`)}, ND 0)`
    : printed;
}

/** A row's name where there is little room: `KD, ND 0`. */
export function shortLabelOf(method: string): string {
  const published = stem(method, publishedEnding);
  if (published !== null) return `${printedOf(published)}, published`;
  const printed = printedOf(method);
  return hasTwoRecipes(method) && method !== 'student' ? `${printed}, ND 0` : printed;
}

/** A family's name as the paper writes it. */
export function printedOf(method: string): string {
  return paperTable('table1').rows.find((row) => row.method === method)?.printed ?? method;
}

/** The rows of table 1 in the paper's order; of two recipes the published one comes first. */
export function rowOrder(): string[] {
  return paperTable('table1').rows.flatMap(({ method }) =>
    hasTwoRecipes(method) ? [publishedOf(method), method] : [method],
  );
}

/** Each name once, in the order of a list; names that it does not have follow by name. */
export function inOrder(names: Iterable<string>, order: readonly string[]): string[] {
  const place = (name: string): number =>
    order.includes(name) ? order.indexOf(name) : order.length;
  return [...new Set(names)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/** Methods in the table's order. */
export function inRowOrder(methods: Iterable<string>): string[] {
  return inOrder(methods, rowOrder());
}

function hasTwoRecipes(method: string): boolean {
  return method === 'student' || inPaper(`${method}${plusEnding}`);
}

function inPaper(method: string): boolean {
  return paperTable('table1').rows.some((row) => row.method === method);
}

function stem(method: string, ending: string): string | null {
  return method.endsWith(ending) && method.length > ending.length
    ? method.slice(0, -ending.length)
    : null;
}
