import { spawnSync } from 'node:child_process';
import { expand } from './heart.mjs';

// Runs StrykerJS with the options given; a folder of the heart after --mutate stands for its files that calculate.
const words = process.argv.slice(2).map((word) => word.split(',').flatMap(expand).join(','));
const { status } = spawnSync('stryker', ['run', ...words], { stdio: 'inherit' });
process.exit(status ?? 1);
