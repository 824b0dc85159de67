import type { TableBlock } from '../study/document';
import { none } from '../words';
import type { NamedEvaluation } from './curves-block';

/** Rows of a table: the rest of a large data set's categories is told in the caption. */
const most = 80;

/**
 * AP of each category with an object to find, in percent, one column a detector; the most frequent
 * category first.
 */
export function categoryTable(pair: string, detectors: readonly NamedEvaluation[]): TableBlock {
  const [first] = detectors;
  const present = (first?.evaluation.byCategory ?? [])
    .filter(({ objects }) => objects > 0)
    .sort((a, b) => b.objects - a.objects || a.id - b.id);
  const shown = present.slice(0, most);
  const left = present.length - shown.length;
  return {
    kind: 'table',
    caption: `AP by category on ${pair}, percent${left === 0 ? '' : ` (${String(left)} rarer categories left out)`}`,
    head: ['category', 'objects', ...detectors.map(({ label }) => label)],
    rows: shown.map(({ id, name, objects }) => ({
      cells: [
        name,
        String(objects),
        ...detectors.map(({ evaluation }) => {
          const AP = evaluation.byCategory.find((row) => row.id === id)?.AP ?? -1;
          return AP < 0 ? none : (100 * AP).toFixed(1);
        }),
      ],
    })),
  };
}
