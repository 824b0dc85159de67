import type { Block } from '../document';
import {
  betweenComments,
  blockMarkdown,
  escapeMarkdown,
  markdownList,
  markdownTable,
} from '../writers/markdown';
import { blockText, onTerminal, type TerminalOptions, wrap } from '../writers/terminal';
import {
  claimBlocks,
  claimInWords,
  findingOf,
  glanceTable,
  heldInWords,
  olderInWords,
  spentInWords,
} from './blocks';
import { costNote } from './cost';
import type { AtGlance } from './glance';
import { pictureOf } from './pictures';
import { words } from './words';

/** The claims for a terminal: each with its comparisons. */
export function claimsTerminal(
  glance: AtGlance,
  { color = onTerminal() }: TerminalOptions = {},
): string {
  const blocks = glance.claims.flatMap((claim): Block<never>[] => [
    { kind: 'heading', text: claimInWords(claim) },
    ...claimBlocks(claim),
  ]);
  return [
    wrap(heldInWords(glance)),
    ...blocks.flatMap((block) => blockText(block, color)),
    ...[...olderInWords(glance), spentInWords(glance), costNote].map(wrap),
  ].join('\n\n');
}

/**
 * A page of Markdown with the claims at a glance between its two comments; null for a page without them.
 *
 * @param results - the page of `claimsPage`, as a link from this one
 */
export function withClaims(page: string, glance: AtGlance, results: string): string | null {
  return betweenComments(page, 'claims', [
    `**${escapeMarkdown(heldInWords(glance))}** Rendered from the runs by \`npm run claims\`; what the words mean, and each comparison: [results](${results}).`,
    markdownTable(glanceTable(glance)),
    [...olderInWords(glance), spentInWords(glance), costNote].map(escapeMarkdown).join(' '),
  ]);
}

/** The page of the results directory: the claims at a glance, their words, each claim with its comparisons. */
export function claimsPage(glance: AtGlance): string {
  return `${[
    '# Results',
    'Rendered from the runs by `npm run claims`; do not edit.',
    '## At a glance',
    `**${escapeMarkdown(heldInWords(glance))}**`,
    markdownTable(glanceTable(glance)),
    ...[...olderInWords(glance), spentInWords(glance), costNote].map(escapeMarkdown),
    '## Words',
    markdownList(words.map(([word, meaning]) => `${word}: ${meaning}.`)),
    ...glance.claims.flatMap((claim) => {
      const picture = pictureOf(claim);
      const name = claim.document;
      return [
        `## ${escapeMarkdown(claimInWords(claim))}`,
        ...claimBlocks(claim).flatMap(blockMarkdown),
        ...(picture === null ? [] : [`![${escapeMarkdown(findingOf(claim))}](${picture})`]),
        ...(claim.ran === '' ? [] : [`The runs: [${name}](${name}.md).`]),
      ];
    }),
  ].join('\n\n')}\n`;
}
