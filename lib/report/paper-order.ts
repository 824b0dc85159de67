import { paperTable } from '../results/paper';

/** A method's name as the paper writes it; its own name where the paper has it not. */
export function labelOf(method: string): string {
  return paperTable('table1').rows.find((row) => row.method === method)?.printed ?? method;
}

/** The place of a name in a list; behind all of them when it is not there. */
export function place(list: readonly string[], name: string): number {
  const index = list.indexOf(name);
  return index < 0 ? list.length : index;
}
