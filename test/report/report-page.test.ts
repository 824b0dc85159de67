import { expect } from 'chai';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildGlance } from '../../lib/report/claims/glance';
import { renderFirstPage } from '../../lib/report/claims/page';
import { documentNames } from '../../lib/report/document';
import { temporaryFolder } from '../../lib/processes';
import { claimSources } from '../../reproduce/grid/report';
import { startChromium } from '../support/chromium';
import { ofCommittedResults } from '../support/committed-results';
import { writeMadeUpRun } from '../support/made-up-runs';
import { writeTable1 } from '../support/table1-report';

const methods = ['student', 'kd', 'kd-published', 'kd++', 'dkd++', 'reviewkd-published', 'crd'];
const seeds = [1, 2, 3];

/** The first page of the committed runs, as npm run report writes it, without its pictures. */
const committed = 'committed.html';
const pages = ['REPORT.html', committed, 'table1.html', 'table1-runs.html', 'nd-by-hand.html'];

describe('the report', function () {
  this.timeout(60_000);
  // One report for all: they only read it.
  const folder = temporaryFolder('report');
  const pathOf = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(pathOf(name), 'utf8');

  before(async () => {
    for (const [index, method] of methods.entries()) {
      for (const seed of seeds) {
        const top1 = [60, 78 + index, 80 + index + seed / 4 + (method === 'kd++' ? seed / 8 : 0)];
        writeMadeUpRun(folder, { config: { method, seed, epochs: 3 }, top1 });
      }
    }
    writeMadeUpRun(folder, { config: { method: 'kd', seed: 9, epochs: 1 }, top1: [70] });
    writeMadeUpRun(folder, { config: { method: 'kd', seed: 8, epochs: 9 }, top1: [41, 42] });
    await writeTable1(folder);
    const glance = await ofCommittedResults((results) => buildGlance(claimSources(results)));
    const documents = documentNames.map((name) => ({ name, title: name }));
    writeFileSync(pathOf(committed), renderFirstPage(glance, documents));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells of each plot in words, and of each run where it comes from, on a page of its own', () => {
    const text = read('table1.html');
    // KD++ ends at 83.375, 83.75 and 84.125, KD with ND 0 at 81.25, 81.5 and 81.75.
    expect(text).to.match(/role="img" aria-label="C1: [^"]*KD\+\+ over KD \+2\.3 \(/u);
    expect(text).to.match(/aria-label="Top-1 \(%\)\. [^"]*KD\+\+ 83\.8; KD 81\.5/u);
    expect(text).to.match(/aria-label="Norm of the features\. [^"]*KD\+\+ 7\.0[^"]*teacher 9\.0/u);
    expect(text).to.match(/aria-label="Cosine to the class mean\. [^"]*0\.80/u);
    expect(text).not.to.include('<dt>Command</dt>');
    const runs = read('table1-runs.html');
    expect(runs.match(/<dt>Command<\/dt>/gu)).to.have.length(seeds.length * methods.length + 2);
    expect(runs).to.include('<code>runs/table1/resnet20-resnet8/kd++/seed-2</code>');
    expect(runs).to.include(`<code>${'e'.repeat(64)}</code>`);
  });

  it('keeps older settings apart: a line says what they were, a page shows them', () => {
    const words = 'Fashion-MNIST, 1 epoch (1 run)';
    expect(read('REPORT.html')).to.include(words).and.not.include('70.00 (1)');
    expect(read('table1.html')).not.to.include('70.00 (1)');
    expect(read('table1-older.html')).to.include('70.00 (1)').and.not.include('83.75');
  });

  it('shows a run under way on the main page, after what is finished, as a curve and in no number', () => {
    const text = read('table1.html');
    expect(text.indexOf('· 9 epochs ·')).to.be.greaterThan(text.indexOf('· 3 epochs ·'));
    expect(text).to.include('2 of 9 epochs done').and.not.include('42.00');
    expect(text).to.include('>Under way, in no number: KD, ND 0 after 2 epochs<');
    expect(text).to.match(
      /aria-label="Norm of the features\. KD, ND 0 over 2 epochs; teacher over 2 epochs/u,
    );
    expect(read('table1-older.html')).not.to.include('9 epochs');
  });

  it('begins with a table of nine claims, each with its verdict and what it stands on', () => {
    const [row = '', ...others] =
      read('REPORT.html').match(/<tr role="row".*"rowheader".*<\/tr>/gu) ?? [];
    expect(others).to.have.length(8);
    // Differences 2.125, 2.25 and 2.375: ± 4.303 · 0.125 / √3.
    expect(row.replaceAll('\u00a0', ' ')).to.include(
      'KD++ over KD: +2.25 (+1.94 … +2.56), n 3, p 0.001',
    );
    expect(row).to.include('Fashion-MNIST, resnet20 → resnet8, 3 epochs');
    expect(row).to.match(/title="inconclusive: [^"]+; toy: [^"]+"><span class="verdict open">/u);
  });

  for (const name of ['REPORT.html', committed]) {
    it(`has a first page below 300 KB (${name})`, () => {
      expect(statSync(pathOf(name)).size).to.be.below(300_000);
    });
  }

  describe('in a browser', () => {
    const started: { browser?: Browser; context?: BrowserContext } = {};

    before(async function () {
      // Unpacking the browser of npm takes as long, once.
      this.timeout(120_000);
      started.browser = await startChromium(this);
    });

    afterEach(() => started.context?.close());
    after(() => started.browser?.close());

    /** A page as a reader has it; nothing may go wrong on it, or be asked of another machine. */
    async function open(name: string, width = 1280): Promise<{ page: Page; faults: string[] }> {
      const viewport = { width, height: 800 };
      started.context = await started.browser?.newContext({ viewport });
      const page = await started.context?.newPage();
      if (page === undefined) throw new Error('the browser was not started');
      const faults: string[] = [];
      const home = pathToFileURL(folder).href;
      page.on('console', (message) => {
        // The committed page stands here without its pictures.
        if (name !== committed || !message.text().includes('ERR_FILE_NOT_FOUND')) {
          faults.push(message.text());
        }
      });
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('request', (request) => {
        const address = request.url();
        if (!address.startsWith(home) && !address.startsWith('data:')) faults.push(address);
      });
      await page.goto(pathToFileURL(pathOf(name)).href);
      return { page, faults };
    }

    for (const name of pages) {
      for (const width of [390, 1280]) {
        it(`fits ${name} into ${String(width)} pixels, with a contrast of AA in light and dark`, async () => {
          const { page, faults } = await open(name, width);
          await page.evaluate(
            "document.querySelectorAll('details').forEach((each) => { each.open = true; })",
          );
          expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(width);
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            expect(await page.evaluate(faintText), colorScheme).to.deep.equal([]);
          }
          expect(faults).to.deep.equal([]);
        });
      }

      it(`has headings in order on ${name}, heads in its tables and words for its pictures`, async () => {
        const { page } = await open(name);
        const levels = await page
          .locator('h1, h2, h3, h4, h5, h6')
          .evaluateAll((found) => found.map(({ tagName }) => Number(tagName.slice(1))));
        expect(levels.filter((level) => level === 1)).to.have.length(1);
        levels.forEach((level, index) => {
          const before = levels[index - 1] ?? 0;
          expect(level - before, `heading ${String(index)}`).to.be.at.most(1);
        });
        const unnamed = await page.evaluate(`[
          ...document.querySelectorAll('img:not([alt]), img[alt=""], [role="img"]:not([aria-label])'),
          ...document.querySelectorAll('table:not(:has(caption)), th:not([scope])'),
          ...document.querySelectorAll('tbody tr:not(:has(th[scope="row"]))'),
        ].map((each) => each.outerHTML)`);
        expect(unnamed).to.deep.equal([]);
      });
    }

    it('has a first page below 2,000 nodes', async () => {
      const { page } = await open(committed);
      const nodes = await page.evaluate("document.querySelectorAll('*').length");
      expect(nodes).to.be.below(2000).and.above(300);
    });

    it('opens a claim by the keyboard, and by its link in the table', async () => {
      const { page } = await open('REPORT.html');
      const first = page.locator('#C1 table');
      expect(await first.isVisible()).to.equal(false);
      await page.locator('summary').first().focus();
      await page.keyboard.press('Enter');
      expect(await first.isVisible()).to.equal(true);
      const picture = page.locator('#C1 img');
      expect(await picture.getAttribute('alt')).to.include('KD++ over KD: +2.25');
      await picture.scrollIntoViewIfNeeded();
      await page.waitForFunction("document.querySelector('#C1 img').naturalWidth > 0");

      expect(await page.locator('#C9').isVisible()).to.equal(false);
      await page.locator('.glance a[href="#C9"]').focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('#C9').isVisible()).to.equal(true);
    });

    it('lets the student’s feature be dragged, under its loss and gradient', async () => {
      const { page, faults } = await open('nd-by-hand.html');
      const plane = await page.locator('.nd-plane svg').boundingBox();
      if (plane === null) throw new Error('there is no plane');
      const at = async (x: number, y: number): Promise<void> =>
        // The plane is seen to 3.6 on both sides and 2.7 upwards and downwards.
        page.mouse.move(
          plane.x + (plane.width * (1 + x / 3.6)) / 2,
          plane.y + (plane.height * (1 - y / 2.7)) / 2,
        );
      const text = (): Promise<string> => page.locator('.nd-plane p').innerText();
      await at(-0.6, 1.1);
      await page.mouse.down();
      // Shorter than the teacher's 2, which divides: 1 − 1.4 / 2, and a slope of −1 / 2 along the class mean.
      await at(1.4, 1);
      expect(await text())
        .to.include('1 − 1.40 / 2.00 = 0.300')
        .and.to.include('Gradient (−0.50, 0.00)');
      // Longer, at a right angle to the class mean: 1 − 0, and a slope of −1 / 2.5.
      await at(0, 2.5);
      expect(await text())
        .to.include('/ 2.50 = 1.000')
        .and.to.match(/Gradient \(−0\.40, −?0\.00\)/u);
      await page.mouse.up();
      await at(1, 1);
      expect(await text(), 'the button is up').to.include('/ 2.50 = 1.000');

      await page.locator('.nd-plane .handle').focus();
      await page.keyboard.press('ArrowRight');
      const path = await page.locator('.nd-plane .path').getAttribute('points');
      const points = (path ?? '').split(' ').map((point) => point.split(',').map(Number));
      expect(points[0]).to.deep.equal([10, -250]);
      const [x = 0, y = 0] = points.at(-1) ?? [];
      expect(x, 'turned towards the class mean').to.be.greaterThan(200);
      expect(Math.hypot(x, y), 'no shorter').to.be.at.least(250);
      expect(faults).to.deep.equal([]);
    });

    it('shows table 1 with its plots', async () => {
      const { page } = await open('table1.html');
      const headings = await page.locator('h1, h2, h3, h4').allInnerTexts();
      expect(headings[0]).to.equal('Table 1: the paper beside measured runs');
      expect(headings).to.include.members([
        'Does ND help? Each ++ method against its two bases',
        'resnet20 → resnet8 (the paper has no such pair)',
        'ND adds 2.3 points to KD, 95 % 1.9 … 2.6, n = 3 (toy)',
        'How to read it',
      ]);
      const row = page.locator('tr', {
        has: page.getByRole('rowheader', { name: 'KD++', exact: true }),
      });
      expect(await row.innerText()).to.include('83.75 ± 0.38 (3)');
      // Seen, not only there: a plot that collapsed to nothing would be neither.
      const sizes = await page.locator('figure svg').evaluateAll((plots) =>
        plots.map((plot) => {
          const { width, height } = plot.getBoundingClientRect();
          return Math.min(width, height);
        }),
      );
      // Gains, three panels of curves, the paper's numbers, three panels of the run under way.
      expect(sizes.length).to.equal(8);
      expect(Math.min(...sizes)).to.be.greaterThan(50);
    });
  });
});

/** Text whose contrast with what lies behind it is below 4.5 (WCAG 2, AA), by the browser's own colours. */
const faintText = `(() => {
  const parts = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (color) => parts(color).slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((parts(color)[3] ?? 1) > 0.99) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || element.closest('style') !== null) return [];
    const style = getComputedStyle(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    const [one, other] = [luminance(text), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return contrast < 4.5 ? [contrast.toFixed(2) + ' ' + element.textContent.trim()] : [];
  });
})()`;
