import type {
  Block,
  DocumentPart,
  Drawing,
  DrawnDocument,
  Figure,
  ReportDocument,
} from './document';
import { renderSvg } from './plots/style';

/** Draws the plots of a document; a block without any is left out. */
export async function drawDocument(document: ReportDocument): Promise<DrawnDocument> {
  const parts: DocumentPart<Figure>[] = [];
  for (const part of document.parts) {
    const blocks: Block<Figure>[] = [];
    for (const block of part.blocks) {
      const drawn =
        block.kind === 'plots' ? { ...block, plots: await drawAll(block.plots) } : block;
      if (drawn.kind !== 'plots' || drawn.plots.length > 0) blocks.push(drawn);
    }
    parts.push({ ...part, blocks });
  }
  return { ...document, parts };
}

/** Draws those that have something to show. */
export async function drawAll(drawings: readonly Drawing[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { title, says, spec } of drawings) {
    if (spec === null) continue;
    figures.push({ title, label: `${title}. ${says}.`, svg: await renderSvg(spec) });
  }
  return figures;
}
