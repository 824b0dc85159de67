// Tests do not fill the user's memory of teachers; those of the memory name a folder of their own.
process.env['NORM_DIRECTION_LAB_TEACHER_CACHE'] ??= 'off';

// Where a test makes a tensor before it has chosen an engine, TensorFlow.js advises another package.
const { warn } = console;
console.warn = (...words) => {
  if (!String(words[0]).includes('install our node backend')) warn(...words);
};
