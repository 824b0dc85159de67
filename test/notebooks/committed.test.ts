import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { notebookText, readNotebook, sourceOf } from '../../lib/notebook/notebook-file';
import { findNotebooks } from '../../lib/notebook/run';
import { notebookOf } from '../support/notebook';

/** Names of fields where a table's reader wants words. */
const fieldName = /^(?:low|high|std|p05|[a-z]+[A-Z]\w*|top\d)$/u;

interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface CodeCell {
  readonly where: string;
  readonly source: string;
  readonly executed: unknown;
  readonly outputs: readonly Output[];
}

const cells = findNotebooks([]).flatMap((file) =>
  readNotebook(file)
    .cells.filter((cell) => cell.cell_type === 'code')
    .map((cell, index): CodeCell => ({
      where: `${file.split(/[\\/]/u).at(-1) ?? ''}, code cell ${String(index + 1)}`,
      source: sourceOf(cell),
      executed: cell['execution_count'] === index + 1,
      outputs: cell['outputs'] as readonly Output[],
    })),
);
const heads = cells.map(({ where, outputs }) => ({
  where,
  names: outputs.flatMap(({ data = {} }) =>
    [
      ...[data['text/html'] ?? '']
        .flat()
        .join('')
        .matchAll(/<th [^>]*>([^<]*)<\/th>/gu),
    ].map(([, name = '']) => name),
  ),
}));

/** Where a cell breaks a rule. */
function breaking(rule: (cell: CodeCell) => boolean): string[] {
  return cells.filter((cell) => !rule(cell)).map(({ where }) => where);
}

describe('the committed notebooks', () => {
  it('are written as Jupyter writes them, numbers as Python has them', () => {
    const rewritten = findNotebooks([]).filter(
      (file) => notebookText(readNotebook(file)) !== readFileSync(file, 'utf8'),
    );
    expect(rewritten).to.deep.equal([]);
    const metadata = { numbers: [5.96046e-8, -1e-5, 1.5e-300, 1e-4, 0, -2.5, 1e21], text: '"1e-5' };
    const text = notebookText({ ...notebookOf(), metadata });
    const python = ['5.96046e-08', '-1e-05', '1.5e-300', '0.0001', '0', '-2.5', '1e+21'];
    expect(text).to.include(`[\n   ${python.join(',\n   ')}\n  ]`);
    expect(text).to.include(String.raw`"text": "\"1e-5"`);
  });

  it('have cells of at most 20 lines, none of which is wider than the page', () => {
    expect(cells).to.have.length.greaterThan(100);
    const lines = ({ source }: CodeCell): string[] => source.split('\n');
    expect(breaking((cell) => lines(cell).length <= 20)).to.deep.equal([]);
    expect(breaking((cell) => lines(cell).every(({ length }) => length <= 110))).to.deep.equal([]);
  });

  it('leave the drawing of plots to the library', () => {
    expect(
      breaking(({ source }) => !/\b(?:showPlot|layout|[xy]axis|annotations)\b/u.test(source)),
    ).to.deep.equal([]);
  });

  it('hold what every cell shows, and nothing that went wrong', () => {
    expect(breaking(({ executed }) => executed === true)).to.deep.equal([]);
    const isFine = ({ output_type: type, name }: Output): boolean =>
      type !== 'error' && name !== 'stderr';
    expect(breaking(({ outputs }) => outputs.every(isFine))).to.deep.equal([]);
  });

  it('have words above the columns of their tables', () => {
    expect(heads.flatMap(({ names }) => names)).to.include.members(['seeds', '95 % interval']);
    const wrong = heads.filter(({ names }) => names.some((name) => fieldName.test(name)));
    expect(wrong.map(({ where }) => where)).to.deep.equal([]);
  });
});
