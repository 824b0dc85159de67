import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Notebook, notebookText, readNotebook } from '../../lib/notebook/notebook-file';
import { notebooksFolder } from '../../lib/notebook/run';
import { temporaryFolder } from '../../lib/processes';
import { startChromium } from '../support/chromium';
import { type RunningLab, startRunningLab } from '../support/lab';
import { notebookOf } from '../support/notebook';

/** Read as they are committed, since `npm run notebooks` executes them: one that trains and one that draws. */
const committed = ['00-quickstart', '03-nd-loss'] as const;
const madeUp = 'made-up.ipynb';
const cells = [
  `import { showCurves, showTable } from 'norm-direction-lab/notebook';
await showCurves([{ name: 'a', x: [1, 2], y: [3, 4] }], { title: 'A plot' });
showTable({ columns: ['a', 'b'], values: [[1.5, 2]] });`,
  'await new Promise(() => undefined);',
];
/** Milliseconds, on a busy machine: the first plot of a kernel takes some seconds on a quiet one. */
const patience = 240_000;
/** What MathJax draws. */
const formula = '.jp-MarkdownOutput mjx-container';
/** So high that the whole notebook is on the page: JupyterLab draws only what can be seen. */
const viewport = { width: 1200, height: 12_000 };

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is on the page of a notebook. */
interface Shown {
  /** Drawn plots, with the cell's width, and how many lines, points and areas are in each. */
  readonly plots: readonly (Size & { readonly cell: number; readonly marks: number })[];
  readonly tables: readonly (readonly (readonly string[])[])[];
  readonly wrongFormulas: number;
  readonly errors: readonly string[];
}

describe('the notebooks in JupyterLab, in a browser', function () {
  this.timeout(600_000);
  const running: { lab?: RunningLab; browser?: Browser; context?: BrowserContext } = {};
  const folder = temporaryFolder('notebooks');
  const outside: string[] = [];
  const faults: string[] = [];

  before(async function () {
    // Before JupyterLab, which takes longer: without a browser all that would be for nothing.
    running.browser = await startChromium(this);
    for (const name of committed) {
      copyFileSync(join(notebooksFolder(), `${name}.ipynb`), join(folder, `${name}.ipynb`));
    }
    writeFileSync(join(folder, madeUp), notebookText(notebookOf(...cells)));
    mkdirSync(join(folder, 'node_modules'));
    const lab = await startRunningLab(folder, this);
    running.lab = lab;
    running.context = await running.browser.newContext({ viewport });
    const isOutside = (url: URL): boolean =>
      url.origin !== lab.address && /^(https?|wss?):/u.test(url.protocol);
    await running.context.route(isOutside, async (route) => {
      outside.push(route.request().url());
      await route.abort();
    });
  });

  after(async () => {
    await running.browser?.close();
    await running.lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a notebook and waits for its kernel. */
  async function open(notebook: string): Promise<Page> {
    const { lab, context } = running;
    if (lab === undefined || context === undefined) throw new Error('JupyterLab did not start');
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(lab.pageOf(notebook));
    await page.waitForSelector('.jp-NotebookPanel .jp-CodeCell', { timeout: patience });
    await untilIdle(page);
    return page;
  }

  for (const name of committed) {
    it(`shows ${name} as it was saved, its plots live without the mouse, and leaves it alone`, async () => {
      const file = join(folder, `${name}.ipynb`);
      const text = readFileSync(file, 'utf8');
      const { tables, plots } = outputsOf(readNotebook(file));
      expect(Math.min(tables, plots.length)).to.be.greaterThan(0);
      const page = await open(`${name}.ipynb`);
      await untilDrawn(page, plots.length);
      await untilTables(page, tables);
      // MathJax is loaded on first use.
      await page.waitForSelector(formula, { state: 'attached', timeout: patience });
      const shown = await contents(page);

      expect(shown.errors, 'error output').to.deep.equal([]);
      expect(shown.plots.map(({ width, height }) => ({ width, height }))).to.deep.equal(plots);
      for (const { width, cell, marks } of shown.plots) {
        expect(width).to.be.at.most(cell);
        expect(marks).to.be.greaterThan(0);
      }
      for (const rows of shown.tables) {
        expect(rows.length, 'rows of a table, with its head').to.be.greaterThan(1);
        for (const row of rows) expect(row).to.have.length(rows[0]?.length ?? 0);
      }
      expect(shown.wrongFormulas).to.equal(0);

      // In a window that is narrower than they are they fit it.
      await page.setViewportSize({ ...viewport, width: 800 });
      await page.waitForFunction(
        `[...document.querySelectorAll('.jp-RenderedPlotly')].every((plot) => plot.scrollWidth <= plot.parentElement.clientWidth)`,
      );
      expect((await contents(page)).plots[0]?.height, 'as high as before').to.equal(
        plots[0]?.height,
      );
      await save(page);
      expect(
        readFileSync(file, 'utf8') === text,
        'opened and saved, the file is the same',
      ).to.equal(true);
      await page.close();
    });
  }

  it('runs cells, shows what they draw, and says that one was interrupted', async () => {
    const page = await open(madeUp);
    expect(await page.locator('.jp-DirListing-itemText').allInnerTexts()).to.have.members([
      ...committed.map((name) => `${name}.ipynb`),
      madeUp,
    ]);
    await page.locator('.jp-NotebookPanel .jp-CodeCell .cm-content').first().click();
    await runAll(page);
    await untilDrawn(page, 1);
    await untilTables(page, 1);
    const { plots, tables } = await contents(page);
    expect(plots[0]).to.include({ width: 760, height: 420 });
    expect(tables).to.deep.equal([
      [
        ['a', 'b'],
        ['1.50', '2'],
      ],
    ]);

    await choose(page, 'Kernel', 'kernelmenu:interrupt');
    // Tests beside this one touch the library, of which a kernel tells on the line before.
    await page
      .locator('[data-mime-type="application/vnd.jupyter.stderr"]', { hasText: 'interrupted' })
      .waitFor({ timeout: patience });
    await untilIdle(page);
    const { errors } = await contents(page);
    const lines = errors.flatMap((error) => error.trim().split('\n'));
    expect(lines.filter((line) => !line.includes('restart the kernel'))).to.deep.equal([
      'interrupted',
    ]);

    await save(page);
    const saved = outputsOf(readNotebook(join(folder, madeUp)));
    expect(saved.plots).to.deep.equal([{ width: 760, height: 420 }]);
    expect(saved.pictureWidths, 'the picture as it was sent').to.deep.equal([1140]);
    await page.close();
  });

  it('asks nothing of the network, and no script of a page fails', () => {
    expect(outside, 'requests beyond the local server').to.deep.equal([]);
    expect(faults).to.deep.equal([]);
  });
});

/** What a notebook's file holds of tables, of plots, by the size of their layouts, and of their pictures. */
function outputsOf({ cells }: Notebook): {
  tables: number;
  plots: Size[];
  pictureWidths: number[];
} {
  interface Data {
    readonly 'application/vnd.plotly.v1+json'?: { readonly layout: Size };
    readonly 'text/html'?: unknown;
    readonly 'image/png'?: string;
  }
  const outputs = cells.flatMap(({ outputs = [] }) => outputs as { readonly data?: Data }[]);
  const data = outputs.flatMap(({ data }) => data ?? []);
  return {
    tables: data.filter((forms) => String(forms['text/html']).startsWith('<table>')).length,
    plots: data.flatMap((forms) => {
      const layout = forms['application/vnd.plotly.v1+json']?.layout;
      return layout === undefined ? [] : [{ width: layout.width, height: layout.height }];
    }),
    // The width stands in the header of a PNG.
    pictureWidths: data.flatMap((forms) => {
      const picture = forms['image/png'];
      return picture === undefined ? [] : [Buffer.from(picture, 'base64').readUInt32BE(16)];
    }),
  };
}

async function untilIdle(page: Page): Promise<void> {
  await page.waitForSelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', {
    timeout: patience,
  });
}

/** Waits for so many plots, each as large as what holds it; nothing moves the mouse. */
async function untilDrawn(page: Page, count: number): Promise<void> {
  const drawn = `[...document.querySelectorAll('.jp-RenderedPlotly')].filter((plot) =>
    plot.querySelector('.main-svg')?.getBoundingClientRect().width === plot.offsetWidth)`;
  try {
    await page.waitForFunction(`${drawn}.length === ${String(count)}`, undefined, {
      timeout: patience,
    });
  } catch (error) {
    const found = await page.evaluate<string>(`JSON.stringify({
      kernel: document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status,
      prompts: [...document.querySelectorAll('.jp-InputPrompt')].map((prompt) => prompt.innerText),
      outputs: [...document.querySelectorAll('.jp-OutputArea-output')].map(({ innerText }) => innerText.slice(0, 300)),
      plots: [...document.querySelectorAll('.jp-RenderedPlotly')].map((plot) => [
        plot.offsetWidth, plot.parentElement.clientWidth, plot.querySelector('.main-svg')?.getBoundingClientRect().width,
      ]),
      dialog: document.querySelector('.jp-Dialog')?.innerText,
    })`);
    throw new Error(`${String(count)} plots were awaited: found ${found}`, { cause: error });
  }
}

/** What is far below, or comes after a plot, is put on the page last. */
async function untilTables(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    `document.querySelectorAll('.jp-OutputArea-output table').length === ${String(count)}`,
    undefined,
    { timeout: patience },
  );
}

async function save(page: Page): Promise<void> {
  await page.locator('.jp-NotebookPanel .jp-CodeCell .cm-content').first().click();
  const [answer] = await Promise.all([
    page.waitForResponse(
      (response) =>
        response.request().method() === 'PUT' && response.url().includes('/api/contents/'),
    ),
    page.keyboard.press('Control+s'),
  ]);
  // Until then the old file is there, or a part of the new one.
  await answer.finished();
}

async function choose(page: Page, menu: string, command: string): Promise<void> {
  await page.click(`.lm-MenuBar-itemLabel:text-is("${menu}")`);
  await page.click(`.lm-Menu li[data-command="${command}"]`);
}

/** Runs all cells; on a busy machine JupyterLab passes over what is chosen in the first moment of a kernel. */
async function runAll(page: Page): Promise<void> {
  const prompt = page.locator('.jp-NotebookPanel .jp-CodeCell .jp-InputPrompt').first();
  const end = Date.now() + patience;
  do {
    await choose(page, 'Run', 'runmenu:run-all');
    await page.waitForTimeout(5000);
  } while ((await prompt.innerText()) === '[ ]:' && Date.now() < end);
}

async function contents(page: Page): Promise<Shown> {
  return page.evaluate<Shown>(`({
    plots: [...document.querySelectorAll('.jp-RenderedPlotly')].map((plot) => {
      const { width, height } = plot.querySelector('.main-svg').getBoundingClientRect();
      const marks = plot.querySelectorAll('.trace path, .contourfill path, .points path, .bars path').length;
      return { width, height, cell: plot.parentElement.clientWidth, marks };
    }),
    tables: [...document.querySelectorAll('.jp-OutputArea-output table')].map((table) =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText)),
    ),
    wrongFormulas: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
    errors: [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]')]
      .map((output) => output.textContent),
  })`);
}
