import { MutantTestPlanner } from '../../node_modules/@stryker-mutator/core/dist/src/mutants/mutant-test-planner.js';

// A line that runs while a test file is loaded and in a test as well would be mutated in a process of its own,
// which takes longer than all tests of a folder. With `ignoreStatic` only what it does in tests counts anyway.
const { createMutantRunPlan } = MutantTestPlanner.prototype;
MutantTestPlanner.prototype.createMutantRunPlan = function (...of) {
  const made = createMutantRunPlan.apply(this, of);
  if (this.options.ignoreStatic) made.runOptions.reloadEnvironment = false;
  return made;
};
