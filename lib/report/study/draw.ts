import { drawAll, type Drawing, type Figure } from '../figures';
import type { Block, DrawnStudy, StudyDocument, StudyPart } from './document';

/** Draws the plots of a study; a block without any is left out. */
export async function drawStudy(study: StudyDocument): Promise<DrawnStudy> {
  const parts: StudyPart<Figure>[] = [];
  for (const part of study.parts) {
    const blocks: Block<Figure>[] = [];
    for (const block of part.blocks) blocks.push(...(await drawBlock(block)));
    parts.push({ ...part, blocks });
  }
  return { ...study, parts };
}

async function drawBlock(block: Block<Drawing>): Promise<Block<Figure>[]> {
  if (block.kind !== 'plots') return [block];
  const plots = await drawAll(block.plots);
  return plots.length === 0 ? [] : [{ ...block, plots }];
}
