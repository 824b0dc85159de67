import { expect } from 'chai';
import { readNotebook, sourceOf } from '../../lib/notebook/notebook-file';
import { findNotebooks } from '../../lib/notebook/run';

interface CodeCell {
  readonly where: string;
  readonly source: string;
}

const cells = findNotebooks([]).flatMap((file) =>
  readNotebook(file)
    .cells.filter((cell) => cell.cell_type === 'code')
    .map((cell, index): CodeCell => ({
      where: `${file.split(/[\\/]/u).at(-1) ?? ''}, code cell ${String(index + 1)}`,
      source: sourceOf(cell),
    })),
);
/** Where a cell breaks a rule. */
function breaking(rule: (cell: CodeCell) => boolean): string[] {
  return cells.filter((cell) => !rule(cell)).map(({ where }) => where);
}

describe('the committed notebooks', () => {
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
});
