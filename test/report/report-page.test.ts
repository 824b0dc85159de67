import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../support/chromium';
import { writeMadeUpRun } from '../support/made-up-runs';
import { withFolder } from '../support/folder';
import { writeTable1 } from '../support/table1-report';

const methods = ['student', 'kd', 'kd-published', 'kd++', 'dkd++', 'reviewkd-published', 'crd'];

describe('REPORT.html', () => {
  const root = withFolder();
  const page = (): string => join(root(), 'REPORT.html');

  beforeEach(async () => {
    for (const [index, method] of methods.entries()) {
      for (const seed of [1, 2]) {
        const top1 = [60, 78 + index, 80 + index + seed / 4];
        writeMadeUpRun(root(), { config: { method, seed, epochs: 3 }, top1 });
      }
    }
    await writeTable1(root());
  });

  it('tells of each plot in words, and of each run where it comes from', () => {
    const text = readFileSync(page(), 'utf8');
    // KD++ ends at 83.25 and 83.5, KD with ND 0 at 81.25 and 81.5.
    expect(text).to.match(/role="img" aria-label="C1: [^"]*KD\+\+ over KD \+2\.0, n = 2/u);
    expect(text).to.match(/aria-label="Top-1 \(%\)\. [^"]*KD\+\+ 83\.4; KD 81\.4/u);
    expect(text).to.match(/aria-label="Norm of the features\. [^"]*KD\+\+ 7\.0[^"]*teacher 9\.0/u);
    expect(text).to.match(/aria-label="Cosine to the class mean\. [^"]*0\.80/u);
    expect(text.match(/<dt>Command<\/dt>/gu)).to.have.length(2 * methods.length);
    expect(text).to.include('<code>runs/table1/resnet20-resnet8/kd++/seed-2</code>');
    expect(text).to.include(`<code>${'e'.repeat(64)}</code>`);
  });

  describe('in a browser', () => {
    const started: { browser?: Browser } = {};

    before(async function () {
      // Unpacking the browser of npm takes as long, once.
      this.timeout(120_000);
      started.browser = await startChromium(this);
    });

    after(async () => {
      await started.browser?.close();
    });

    for (const width of [360, 1280]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        it(`fits ${String(width)} pixels, ${colorScheme}, without faults or a network`, async () => {
          const context = await started.browser?.newContext({
            viewport: { width, height: 800 },
            colorScheme,
          });
          if (context === undefined) throw new Error('the browser was not started');
          try {
            const opened = await context.newPage();
            const { faults, requests } = listen(opened);
            const address = pathToFileURL(page()).href;
            await opened.goto(address);
            await opened.locator('summary').first().click();
            expect(requests).to.deep.equal([address]);
            expect(faults).to.deep.equal([]);
            const widest = await opened.evaluate('document.documentElement.scrollWidth');
            expect(widest).to.be.at.most(width);
            await expectContents(opened);
            expect(await textOnPage(opened)).to.be.greaterThan(4.5);
            await opened.goto(pathToFileURL(join(root(), 'table1.html')).href);
            expect(
              await opened.evaluate('document.documentElement.scrollWidth'),
              'table1.html',
            ).to.be.at.most(width);
          } finally {
            await context.close();
          }
        });
      }
    }
  });
});

function listen(page: Page): { faults: string[]; requests: string[] } {
  const [faults, requests]: [string[], string[]] = [[], []];
  page.on('console', (message) => faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  return { faults, requests };
}

async function expectContents(page: Page): Promise<void> {
  const headings = await page.locator('h1, h2, h3, h4, h5').allInnerTexts();
  expect(headings[0]).to.equal('Table 1: the paper beside measured runs');
  expect(headings).to.include.members([
    'Does ND help? Each ++ method against its two bases',
    'resnet20 → resnet8 (the paper has no such pair)',
    'ND adds 2.0 points to KD, n = 2, so no interval (toy)',
    'How to read it',
  ]);
  const row = page.locator('tr', {
    has: page.getByRole('rowheader', { name: 'KD++', exact: true }),
  });
  expect(await row.innerText()).to.include('83.38 ± 0.18 (2)');
  // Seen, not only there: a plot that collapsed to nothing would be neither.
  const sizes = await page.locator('figure svg').evaluateAll((plots) =>
    plots.map((plot) => {
      const { width, height } = plot.getBoundingClientRect();
      return Math.min(width, height);
    }),
  );
  expect(sizes.length).to.equal(5);
  expect(Math.min(...sizes)).to.be.greaterThan(50);
}

/** The contrast of the plots' text with the page (WCAG 2), from the colours as the browser has them. */
async function textOnPage(page: Page): Promise<number> {
  const colors = await page.evaluate(
    `[getComputedStyle(document.querySelector('figure svg text')).fill, getComputedStyle(document.body).backgroundColor]`,
  );
  const [text = 0, paper = 0] = (Array.isArray(colors) ? colors : []).map((color) =>
    luminance(String(color)),
  );
  return (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/gu) ?? []).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
