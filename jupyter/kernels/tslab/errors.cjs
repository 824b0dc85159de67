// What a cell shows of an error: of one that the library words for its reader the message, of an interrupt that
// it was one, of anything else what Node shows of it, with the lines that it came from.
const ofTheLibrary = 'LabError';

/** An error as a cell shows it; anything else as it is. */
function inACell(value) {
  if (!(value instanceof Error)) return value;
  const isInterrupt =
    value.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED' ||
    value.message === 'Interrupted asynchronously' ||
    (value.name === ofTheLibrary && value.kind === 'interrupted');
  if (isInterrupt) return 'interrupted';
  return value.name === ofTheLibrary ? value.message : value;
}

/** Makes `console.error`, by which the kernel tells what a cell threw, show errors so. */
function showErrorsInWords(console) {
  const { error } = console;
  console.error = (...values) => error.apply(console, values.map(inACell));
}

module.exports = { showErrorsInWords };
