'use strict';
// mocha's own spec reporter, closed by one line that a script can read.
const { Runner, reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const left = Number(options?.reporterOptions?.left ?? 0);
    // What `skipBecause` has put into the title of a suite.
    const reasons = new Set();
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => {
      const reason = /\(skipped: (.*?)\)(?= |$)/.exec(test.fullTitle())?.[1];
      if (reason !== undefined) reasons.add(reason);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const skipped = pending > 0 ? `, ${pending} skipped` : '';
      for (const reason of reasons) process.stdout.write(`skipped: ${reason}\n`);
      if (left > 0) process.stdout.write(`${left} files of long tests left to npm run test:all\n`);
      process.stdout.write(`${passes} passed, ${failures} failed${skipped}\n`);
    });
  }
};
