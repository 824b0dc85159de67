import { runCommand } from '../lib/cli';
import { gridCommand } from './grid/command';
import { ablationStudy } from './studies/ablation';

runCommand(async () => {
  await gridCommand(ablationStudy).parseAsync();
});
