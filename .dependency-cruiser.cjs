/**
 * The house: arrows go down only, types included. Each folder of lib may import the folders named beside it, itself,
 * and the files at the root of lib that know nothing of the rest.
 */
const base = [
  'errors',
  'files',
  'limits',
  'records',
  'environment',
  'format-duration',
  'processes',
  'package-root',
  'paper',
];
const networks = ['losses', 'models', 'data', 'nn', 'engine', 'formats'];
const training = ['train', 'distill', ...networks];
const mayImport = {
  engine: [],
  formats: [],
  statistics: [],
  nn: ['engine', 'formats'],
  losses: ['engine'],
  models: ['nn', 'engine'],
  data: ['formats', 'engine'],
  distill: networks,
  train: ['distill', ...networks],
  detection: training,
  runs: ['detection', 'statistics', ...training],
  report: ['runs', 'detection', 'statistics', ...training],
};

const files = (folders) => folders.map((folder) => `^lib/${folder}/`);

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(mayImport).map(([folder, below]) => ({
      name: `${folder}-imports-down-only`,
      severity: 'error',
      from: { path: `^lib/${folder}/` },
      to: {
        path: '^(lib|reproduce|test)/',
        pathNot: [...files([folder, ...below]), `^lib/(${base.join('|')})\\.ts$`],
      },
    })),
    {
      name: 'lib-knows-no-command',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(reproduce|test)/' },
    },
    {
      name: 'base-imports-nothing-above',
      severity: 'error',
      from: { path: `^lib/(${base.join('|')})\\.ts$` },
      to: { path: '^(lib|reproduce|test)/', pathNot: `^lib/(${base.join('|')})\\.ts$` },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
