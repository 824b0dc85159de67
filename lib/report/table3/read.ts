import { readDetectionRuns } from '../../runs/store';
import type { Block } from '../document';
import type { Evidence } from '../write';
import { picturesBlock } from './detections';
import { table3Document } from './document';
import { runsOf, table3Group, type Table3Pair } from './model';

/** Table 3 from the run files in some folders alone; null where no run belongs to it. */
export async function readTable3({
  resultsRoot,
  folders,
}: {
  readonly resultsRoot: string;
  readonly folders: readonly string[];
}): Promise<Evidence | null> {
  const groups = folders.flatMap((folder) => {
    const group = table3Group(folder, readDetectionRuns(resultsRoot, folder));
    return group === null ? [] : [group];
  });
  if (groups.length === 0) return null;
  const pictures = new Map<Table3Pair, readonly Block[]>();
  for (const pair of groups.flatMap(({ pairs }) => pairs)) {
    const block = await picturesBlock(runsOf(pair));
    if (block !== null) pictures.set(pair, [block]);
  }
  return { document: table3Document(groups, resultsRoot, pictures), json: groups };
}
