import { availableParallelism } from 'node:os';

/** How many images a process decodes at once unless it is told otherwise: libuv's own number. */
const usual = 4;

// sharp decodes in libuv's threads, of which a process has four whatever the machine, unless this variable
// says otherwise when they are started. sharp starts them as soon as it is loaded.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(usual, availableParallelism()));
