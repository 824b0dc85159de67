import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { readNotebook, sourceOf } from '../../lib/notebook/notebook-file';
import { notebooksFolder } from '../../lib/notebook/run';
import { startChromium } from '../support/chromium';
import { type RunningLab, startRunningLab } from '../support/lab';

/** One that trains and one that draws. */
const notebooks = ['00-quickstart', '03-nd-loss'] as const;
/** So high that the whole notebook is on the page: JupyterLab draws only what can be seen. */
const viewport = { width: 1200, height: 12_000 };

/** What is on the page of a notebook. */
interface Shown {
  /** Widths of the static pictures, in their own pixels; 0 for one that is broken. */
  readonly pictures: readonly number[];
  /** Smaller side of each drawn plot, in pixels, and how many lines, points and areas are in it. */
  readonly plots: readonly { side: number; marks: number }[];
  readonly tables: readonly (readonly (readonly string[])[])[];
  readonly formulas: number;
  readonly wrongFormulas: number;
  readonly errors: readonly string[];
}

describe('the notebooks in JupyterLab, in a browser', function () {
  this.timeout(600_000);
  const running: { lab?: RunningLab; browser?: Browser; context?: BrowserContext } = {};
  const folder = mkdtempSync(join(tmpdir(), 'norm-direction-notebooks-'));
  const outside: string[] = [];

  before(async function () {
    // Before JupyterLab, which takes longer: without a browser all that would be for nothing.
    running.browser = await startChromium(this);
    for (const name of notebooks) {
      copyFileSync(join(notebooksFolder(), `${name}.ipynb`), join(folder, `${name}.ipynb`));
    }
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

  for (const name of notebooks) {
    it(`runs ${name}, draws its plots and tables, and asks nothing of the network`, async () => {
      const { lab, context } = running;
      if (lab === undefined || context === undefined) throw new Error('JupyterLab did not start');
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      await page.goto(lab.pageOf(`${name}.ipynb`));
      await runAllCells(page);
      const expected = expectedOf(name);
      const { pictures } = await contents(page);
      expect(pictures).to.have.length(expected.plots);
      expect(Math.min(...pictures)).to.be.greaterThan(500);
      await makeInteractive(page);
      const shown = await contents(page);

      expect(shown.errors, 'error output').to.deep.equal([]);
      expect(shown.plots).to.have.length(expected.plots);
      for (const { side, marks } of shown.plots) {
        expect(side).to.be.greaterThan(200);
        expect(marks).to.be.greaterThan(0);
      }
      expect(shown.tables).to.have.length(expected.tables);
      for (const rows of shown.tables) {
        expect(rows.length, 'rows of a table, with its head').to.be.greaterThan(1);
        for (const cells of rows) expect(cells).to.have.length(rows[0]?.length ?? 0);
      }
      expect(shown.formulas).to.be.greaterThan(0);
      expect(shown.wrongFormulas).to.equal(0);
      await expectSaved(page, name);
      expect(faults).to.deep.equal([]);
      expect(outside, 'requests beyond the local server').to.deep.equal([]);
      await page.close();
    });
  }

  /** JupyterLab writes the outputs that it shows, the interactive plots among them, into the file. */
  async function expectSaved(page: Page, name: string): Promise<void> {
    await page.keyboard.press('Control+s');
    await page.waitForFunction(
      `document.querySelector('.jp-mod-current .jp-DirtyIndicator, .lm-TabBar-tab.jp-mod-dirty') === null`,
    );
    const text = readFileSync(join(folder, `${name}.ipynb`), 'utf8');
    expect(text).to.include('application/vnd.plotly.v1+json').and.to.include('image/png');
  }
});

/** Plots and tables that the cells of a notebook make, as their sources say. */
function expectedOf(name: string): { plots: number; tables: number } {
  const sources = readNotebook(join(notebooksFolder(), `${name}.ipynb`))
    .cells.filter((cell) => cell.cell_type === 'code')
    .map(sourceOf)
    .join('\n');
  const count = (call: RegExp): number => sources.match(call)?.length ?? 0;
  return { plots: count(/^await showPlot\(/gmu), tables: count(/^showTable\(/gmu) };
}

async function runAllCells(page: Page): Promise<void> {
  await page.waitForSelector('.jp-NotebookPanel .jp-CodeCell', { timeout: 120_000 });
  await page.waitForSelector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', {
    timeout: 120_000,
  });
  // So that what is found afterwards was drawn now; and the menu is for the notebook that has the focus.
  await page.locator('.jp-NotebookPanel .jp-CodeCell .cm-content').first().click();
  await choose(page, 'Edit', 'editmenu:clear-all');
  await page.waitForFunction(`document.querySelector('.jp-OutputArea-child') === null`);
  await choose(page, 'Run', 'runmenu:run-all');
  const hasRun = `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
    .every((prompt) => /^\\[\\d+\\]:$/u.test(prompt.textContent.trim()))`;
  const hasFailed = `document.querySelector('[data-mime-type="application/vnd.jupyter.stderr"]') !== null`;
  await page.waitForFunction(`(${hasRun}) || (${hasFailed})`, undefined, { timeout: 240_000 });
}

/** A plot is its picture until the pointer is over it. */
async function makeInteractive(page: Page): Promise<void> {
  for (const picture of await page.locator('.jp-OutputArea-output img.plot-img').all()) {
    // Without playwright's own check that the picture took the pointer: the plot is over it at once.
    await picture.hover({ force: true });
    await picture.waitFor({ state: 'hidden' });
  }
}

async function choose(page: Page, menu: string, command: string): Promise<void> {
  await page.click(`.lm-MenuBar-itemLabel:text-is("${menu}")`);
  await page.click(`.lm-Menu li[data-command="${command}"]`);
}

async function contents(page: Page): Promise<Shown> {
  return page.evaluate<Shown>(`({
    pictures: [...document.querySelectorAll('.jp-OutputArea-output img.plot-img')].map((picture) => picture.naturalWidth),
    plots: [...document.querySelectorAll('.js-plotly-plot .main-svg:first-child')].map((plot) => {
      const { width, height } = plot.getBoundingClientRect();
      const marks = plot.querySelectorAll('.trace path, .contourfill path, .points path, .bars path').length;
      return { side: Math.min(width, height), marks };
    }),
    tables: [...document.querySelectorAll('.jp-OutputArea-output table')].map((table) =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText)),
    ),
    formulas: document.querySelectorAll('.jp-MarkdownOutput mjx-container').length,
    wrongFormulas: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
    errors: [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]')]
      .map((output) => output.textContent),
  })`);
}
