import type { ReportDocument } from '../document';
import { escapeHtml } from '../writers/escape-html';
import { blockHtml, cellHtml, pageHtml } from '../writers/html';
import { planePage } from '../plane/page';
import { glanceStyle } from '../writers/page-style';
import {
  claimBlocks,
  claimInWords,
  claimVerdict,
  findingOf,
  glanceHead,
  glanceTable,
  heldInWords,
  olderInWords,
  spentInWords,
} from './blocks';
import { costNote } from './cost';
import type { AtGlance } from './glance';
import type { ClaimAtGlance } from './model';
import { pictureOf } from './pictures';
import { meaningOf, words } from './words';

const title = 'What the paper claims, and how far it held here';

const lead =
  'Improving Knowledge Distillation via Regularizing Feature Norm and Direction (arXiv 2305.17007) pulls a student network towards its teacher’s class means: its feature should point along the mean of its own class and be long. The loss that does both, ND, is added to known methods, whose names then end in ++.';

/**
 * The first page: what the paper claims, what was run and how far it held in a table and a picture, the
 * words, then a folded section a claim. Tables, studies and runs are pages of their own.
 */
export function renderFirstPage(
  glance: AtGlance,
  documents: readonly Pick<ReportDocument, 'name' | 'title'>[],
): string {
  const { claims } = glance;
  return pageHtml({
    title,
    style: glanceStyle,
    links: [
      ['#words', 'Words'],
      ['#each', 'Claim by claim'],
      ['#documents', 'Tables and studies'],
      [planePage, 'The ND loss by hand'],
    ],
    content: `<p class="lead">${escapeHtml(lead)}</p>
<p><strong>${escapeHtml(heldInWords(glance))}</strong> What each word means stands where one points at it, and <a href="#words">below</a>.</p>
<h2 id="claims">At a glance</h2>
${tableHtml(glance)}
${glanceFigure(claims)}
<p class="soft">${[spentInWords(glance), costNote].map(escapeHtml).join(' ')}</p>
${olderInWords(glance)
  .map(
    (line) =>
      `<p class="soft">${escapeHtml(line)} They stand behind <a href="#documents">the tables and studies</a>.</p>`,
  )
  .join('')}
<h2 id="words">Words</h2>
<dl class="words">${words.map(([word, meaning]) => `<div><dt>${escapeHtml(word)}</dt><dd>${escapeHtml(meaning)}</dd></div>`).join('\n')}</dl>
<h2 id="each">Claim by claim</h2>
${claims.map((claim) => claimHtml(claim, documents)).join('\n')}
<h2 id="documents">Tables and studies</h2>
<p>Each with its older settings and its runs, which tell where every number comes from, on pages of their own.</p>
<ul>${documents.map(({ name, title: text }) => `<li><a href="${name}.html">${escapeHtml(text)}</a></li>`).join('')}</ul>`,
  });
}

/** The words that a column is about, told where one points at its head. */
const explained: Readonly<Record<string, readonly string[]>> = {
  [glanceHead[0]]: ['ND', '++', 'class mean', 'norm', 'SIFN', 'cosine, InfoNCE'],
  [glanceHead[1]]: ['resnet20 → resnet8'],
  [glanceHead[2]]: ['effect', 'points', 'interval', 'n', 'p'],
  [glanceHead[3]]: ['reproduced', 'contradicted', 'inconclusive', 'full', 'reduced', 'toy'],
};

/** On a narrow page each row is a block of its own, whose cells say their column; it stays a table to a screen reader. */
function tableHtml(glance: AtGlance): string {
  const { head, rows } = glanceTable(glance);
  const heads = head.map((name) => {
    const tip = (explained[name] ?? []).map((word) => `${word}: ${meaningOf(word)}`).join('; ');
    return `<th role="columnheader" scope="col"${tip === '' ? '' : ` title="${escapeHtml(tip)}"`}>${escapeHtml(name)}</th>`;
  });
  const body = rows.map(({ cells: [, ...others], idle }, index) => {
    const claim = glance.claims[index];
    if (claim === undefined) return '';
    const cells = others.map((cell, column) =>
      cellHtml(cell).replace(
        '<td',
        `<td role="cell" data-head="${escapeHtml(head[column + 1] ?? '')}"`,
      ),
    );
    return `<tr role="row"${idle === true ? ' class="idle"' : ''}><th role="rowheader" scope="row"><a href="#${claim.id}">${escapeHtml(`${claim.id}. ${claim.claim}`)}</a><small>${escapeHtml(claim.says)}</small></th>${cells.join('')}</tr>`;
  });
  return `<table class="glance" role="table"><caption>The paper’s claims and how far they held</caption><thead role="rowgroup"><tr role="row">${heads.join('')}</tr></thead><tbody role="rowgroup">
${body.join('\n')}
</tbody></table>`;
}

/** The one picture above all claims: whether ND helps at all. */
function glanceFigure([first]: readonly ClaimAtGlance[]): string {
  const file = first === undefined ? null : pictureOf(first);
  return first === undefined || file === null ? '' : figureHtml(file, findingOf(first));
}

/** @param finding - what the picture shows, for those who do not see it */
function figureHtml(file: string, finding: string): string {
  return `<figure class="shot"><img src="${escapeHtml(file)}" alt="${escapeHtml(finding)}" loading="lazy"></figure>`;
}

/** A folded section; who follows a link into it finds it open, since browsers open what holds their target. */
function claimHtml(
  claim: ClaimAtGlance,
  documents: readonly Pick<ReportDocument, 'name' | 'title'>[],
): string {
  const name = claim.document;
  const shown = documents.find((document) => document.name === name);
  const picture = pictureOf(claim);
  const links =
    shown === undefined
      ? []
      : [
          `<a href="${name}.html">${escapeHtml(shown.title)}</a>`,
          `<a href="${name}-runs.html">its runs and where they come from</a>`,
        ];
  const { text, tip = '' } = claimVerdict(claim);
  return `<details class="claim"><summary><h3>${escapeHtml(`${claim.id}. ${claim.claim}`)}</h3> <span class="soft" title="${escapeHtml(tip)}">${escapeHtml(text)}</span></summary>
<div id="${claim.id}">
${claimBlocks(claim)
  .map((block) => blockHtml(block, claimInWords(claim), 4))
  .join('\n')}
${picture === null ? '' : figureHtml(picture, findingOf(claim))}
${links.length === 0 ? '' : `<p>${links.join(' · ')}</p>`}
</div></details>`;
}
