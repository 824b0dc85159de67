import {
  baseOf,
  familyOf,
  inRowOrder,
  isOlder,
  printedOf,
  publishedOf,
  shortLabelOf,
} from '../methods';
import type { LineStyle } from '../document';
import type { Family } from '../plots/by-epoch';
import { aloneStyle, kdStyle, palette, styleAt } from '../plots/style';
import type { Table1Pair } from './model';

/** The same role has the same line in every family. */
const roles = {
  plus: styleAt(0),
  base: kdStyle,
  published: styleAt(1),
  student: styleAt(4),
  publishedStudent: aloneStyle,
};

/** For methods that stand together without being each other's base. */
const others: readonly LineStyle[] = [
  ...[roles.plus, roles.base, roles.published],
  { color: palette.purple, dash: [8, 3, 2, 3] },
  styleAt(2),
];

const older = 'Older methods';
const student = 'student';

/** The families of a pair's methods that have an epoch, in the table's order. */
export function familiesOf({ curves }: Pick<Table1Pair, 'curves'>): Family[] {
  const methods = inRowOrder(curves.map(({ method }) => method));
  const isStudent = (method: string): boolean => familyOf(method) === student;
  const members = new Map<string, string[]>();
  for (const method of methods.filter((name) => !isStudent(name))) {
    const family = isOlder(method) ? older : printedOf(familyOf(method));
    const together = members.get(family) ?? [];
    // Of a ++ method and its bases, the ++ row comes first.
    members.set(family, isOlder(method) ? [...together, method] : [method, ...together]);
  }
  const students = methods.filter(isStudent);
  if (members.size === 0 && students.length > 0) members.set('Student alone', []);
  return [...members].map(([label, own]) => ({
    label,
    series: [...own, ...students].map((method, index) => ({
      method,
      label: shortLabelOf(method),
      style: styleOf(method, index, own.length),
      curves: curves.filter((curve) => curve.method === method),
    })),
  }));
}

function styleOf(method: string, index: number, together: number): LineStyle {
  if (method === student) return roles.student;
  if (method === publishedOf(student)) return roles.publishedStudent;
  if (isOlder(method)) return others[index % others.length] ?? roles.base;
  if (method === publishedOf(familyOf(method))) return roles.published;
  return baseOf(method) === null && together > 1 ? roles.base : roles.plus;
}
