import { readDetectionRuns } from '../../runs/store';
import type { Block } from '../document';
import type { Evidence } from '../write';
import { oneOfEach, picturesBlock } from './detections';
import { type PicturesOf, table3Document } from './document';
import { labelOf, runsOf, type Table3Group, table3Group, type Table3Pair } from './model';

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
  const document = table3Document(groups, resultsRoot, await drawPictures(groups));
  return { document, json: groups };
}

/** Draws what the detectors of each pair found. */
async function drawPictures(groups: readonly Table3Group[]): Promise<PicturesOf> {
  const drawn = new Map<Table3Pair, readonly Block[]>();
  for (const pair of groups.flatMap(({ pairs }) => pairs)) {
    const named = oneOfEach(runsOf(pair)).map((run) => ({
      label: labelOf(run.config.method),
      run,
    }));
    const block = await picturesBlock(named);
    if (block !== null) drawn.set(pair, [block]);
  }
  return (pair) => drawn.get(pair) ?? [];
}
