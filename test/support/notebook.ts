import type { Notebook } from '../../lib/notebook/notebook-file';

/** A notebook for this project's kernel with these code cells. */
export function notebookOf(...cells: readonly string[]): Notebook {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' } },
    cells: cells.map((source, index) => ({
      cell_type: 'code' as const,
      id: `cell-${String(index + 1)}`,
      metadata: {},
      source,
      outputs: [],
      execution_count: null,
    })),
  };
}
