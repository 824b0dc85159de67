import { runCommand } from '../lib/cli';
import { gridCommand } from './grid/command';
import { directionStudy } from './studies/direction';

runCommand(async () => {
  await gridCommand(directionStudy).parseAsync();
});
