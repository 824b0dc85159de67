import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../lib/package-root';
import { documentNames } from '../../lib/report/document';
import { writeDocument } from '../../lib/report/write';
import { reportOf } from '../../reproduce/grid/report';
import { ofCommittedResults } from '../support/committed-results';

describe('the committed tables and studies', function () {
  this.timeout(120_000);

  it('are what the committed runs give, in Markdown and CSV', async () => {
    const kept = (file: string): string =>
      readFileSync(join(packageRoot(), 'results', file), 'utf8');
    const committed = documentNames.filter((name) =>
      existsSync(join(packageRoot(), 'results', `${name}.md`)),
    );
    expect(committed).to.have.length(7);
    await ofCommittedResults(async (results) => {
      await writeDocument(reportOf(results), {
        ...{ name: 'table1', folder: 'table1-reduced-cifar100', color: false },
      });
      for (const rendered of committed.flatMap((name) => [`${name}.md`, `${name}.csv`])) {
        const text = readFileSync(join(results, rendered), 'utf8');
        expect(text, `${rendered}: npm run reproduce:table1 -- --render`).to.equal(kept(rendered));
      }
    });
  });

  it('have each picture below the setting that it is of', () => {
    const results = join(packageRoot(), 'results');
    const placed = documentNames
      .map((name) => join(results, `${name}.md`))
      .filter(existsSync)
      .flatMap((path) => readFileSync(path, 'utf8').split(/^## /mu))
      .flatMap((part) => {
        const [heading = ''] = part.split('\n');
        return [...part.matchAll(/^!\[.*\]\((claims\/.*\.svg)\)$/gmu)].map(([, file = '']) => {
          const svg = readFileSync(join(results, file), 'utf8');
          const length = (text: string): string =>
            /\d+ (?:epochs|iterations)/u.exec(text)?.[0] ?? text;
          return { file, is: length(svg), below: length(heading) };
        });
      });
    expect(placed).to.have.length.above(8);
    for (const { file, is, below } of placed) expect(below, file).to.equal(is);
  });
});
