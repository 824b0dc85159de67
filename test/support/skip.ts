/**
 * Skips the tests of the suite whose hook this is, for want of something that this machine cannot have. The
 * report counts them and names the reason.
 */
export function skipBecause(context: Mocha.Context, reason: string): never {
  const suite = context.test?.parent;
  if (suite !== undefined) suite.title += ` (skipped: ${reason})`;
  return context.skip();
}
