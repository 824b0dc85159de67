// Mutation testing, `npm run mutate`: see docs/testing.md.
import './test/mutation/mocha-extension.cjs';
import './test/mutation/no-restarts.mjs';
import './test/mutation/number-mutators.mjs';
import { choose } from './test/mutation/heart.mjs';

/** What --mutate asks for on the command line, without what it leaves out by a leading `!`. */
function askedPatterns() {
  const words = process.argv.slice(2);
  const values = words.flatMap((word, place) => {
    if (word === '--mutate' || word === '-m') return [words[place + 1] ?? ''];
    return word.startsWith('--mutate=') ? [word.slice('--mutate='.length)] : [];
  });
  const patterns = values.flatMap((value) => value.split(','));
  return patterns.filter((pattern) => pattern !== '' && !pattern.startsWith('!'));
}

const { name, mutate, tests, quick } = choose(askedPatterns());
const nodeArguments = ['--require', './test/mutation/mocha-extension.cjs'];

export default {
  mutate,
  testRunner: 'mocha',
  plugins: ['@stryker-mutator/mocha-runner', './test/mutation/error-texts.mjs'],
  mochaOptions: {
    require: ['./lib/typescript.cjs'],
    spec: tests,
    // What another process does is seen by no mutant; it would only take time.
    ignore: ['test/**/*command.test.ts'],
  },
  testRunnerNodeArgs: nodeArguments,
  checkerNodeArgs: nodeArguments,
  // Only the tests that run the mutated line run on a mutant.
  coverageAnalysis: 'perTest',
  ignoreStatic: !quick,
  // The compiler is not asked: tsx strips the types, in the sandbox as in `npm test`.
  disableTypeChecks: false,

  // Words change no number: those in messages and in names of terms, options and columns.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignorers: ['error-texts'],

  // Each of the two processes computes natively with threads of its own. A test takes milliseconds, so
  // that a quarter of a minute more than usual tells an endless loop from a busy machine.
  concurrency: 2,
  timeoutMS: 15_000,
  timeoutFactor: 4,
  dryRunTimeoutMinutes: 20,

  // What was found stays beside the report, so that the next run tries only what changed.
  incremental: true,
  incrementalFile: `reports/mutation/${name}.json`,
  htmlReporter: { fileName: `reports/mutation/${name}.html` },
  reporters: ['clear-text', 'html', 'progress-append-only'],
  clearTextReporter: { allowEmojis: false, logTests: false, reportTests: false },
  thresholds: { high: 95, low: 85, break: null },
  ignorePatterns: ['/reports', '*.log'],
};
