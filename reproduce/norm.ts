import { runCommand } from '../lib/cli';
import { gridCommand } from './grid/command';
import { normStudy } from './studies/norm';

runCommand(async () => {
  await gridCommand(normStudy).parseAsync();
});
