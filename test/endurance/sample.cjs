// Loaded before a command: once a second it writes what its process holds, a line each, to the file that is named.
const { appendFileSync, readdirSync } = require('node:fs');

const file = process.env.NORM_DIRECTION_LAB_SAMPLES;
const start = Date.now();
const count = (folder) => {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
};
setInterval(() => {
  const sample = {
    seconds: Math.round((Date.now() - start) / 1000),
    megabytes: process.memoryUsage.rss() / 2 ** 20,
    files: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
    handles: process.getActiveResourcesInfo().length,
  };
  appendFileSync(file, `${JSON.stringify(sample)}\n`);
}, 1000).unref();
