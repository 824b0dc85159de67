import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { glanceTable } from '../../lib/report/claims/blocks';
import { buildClaims, currentSettings } from '../../lib/report/claims/build';
import { type Candidate, type ClaimSources, strongest } from '../../lib/report/claims/candidates';
import { type FullData, fullHours } from '../../lib/report/claims/cost';
import { claimsPage, withClaims } from '../../lib/report/claims/forms';
import { type AtGlance, buildGlance } from '../../lib/report/claims/glance';
import type { ClaimAtGlance, ClaimId } from '../../lib/report/claims/model';
import { buildTable1 } from '../../lib/report/table1/build';
import { summarise } from '../../lib/statistics/summary';
import { claimSources } from '../../reproduce/grid/report';
import { studyMethods } from '../../reproduce/recipes/studies';
import { ofCommittedResults } from '../support/committed-results';
import { madeUpRun } from '../support/made-up-runs';
import { noRuns } from '../support/table1-report';
import { groupsOf, type StudyRun } from './study/made-up-study';

const root = join(__dirname, '..', '..');

/** Runs with this many seeds in a setting, as far as the choice looks at them. */
function candidate(
  scale: Candidate['scale'],
  runScale: string,
  seeds: readonly number[],
  length = 6,
): Candidate {
  return {
    ...{ setting: '', scale, runScale, length },
    ran: `${scale} ${runScale} ${seeds.join('+')} ${String(length)}`,
    comparisons: seeds.map((n) => ({
      ...{ label: '', paper: null, p: null, outcome: 'inconclusive' },
      difference: summarise(new Map(Array.from({ length: n }, (_, seed) => [seed, seed]))),
    })),
    seconds: new Map(),
  };
}

describe('the runs that a claim is judged on', () => {
  const toy = candidate('toy', 'short', [3]);
  const full = candidate('full', 'paper', [3]);
  const reduced = candidate('reduced', 'reduced', [3]);
  for (const [what, candidates, chosen] of [
    ['the strongest scale', [toy, full, reduced], full],
    ['reduced before toy', [toy, reduced], reduced],
    ['the only ones', [candidate('toy', 'quick', [1])], candidate('toy', 'quick', [1])],
    // A campaign that has only begun takes no verdict away.
    ['three seeds before a scale', [candidate('reduced', 'reduced', [2]), toy], toy],
    ['the longer scale', [candidate('toy', 'quick', [6, 6]), toy], toy],
    [
      'the longer schedule before more seeds',
      [candidate('toy', 'short', [6, 6]), candidate('toy', 'short', [3], 20)],
      candidate('toy', 'short', [3], 20),
    ],
    [
      'more comparisons',
      [toy, candidate('toy', 'short', [3, 3])],
      candidate('toy', 'short', [3, 3]),
    ],
    ['more seeds', [toy, candidate('toy', 'short', [4])], candidate('toy', 'short', [4])],
    ['none without runs', [candidate('full', 'paper', [0])], null],
  ] as const) {
    it(`are ${what}`, () => {
      expect(strongest(candidates)?.ran).to.equal(chosen?.ran);
    });
  }
});

/** A seed does to all runs alike what is much more than the methods do, and cancels. */
const withSeeds = (method: string, ...gains: number[]): StudyRun[] =>
  gains.map((gain, index) => ({ method, seed: index + 1, top1: 40 + 7 * index + gain }));

/** Claims of the studies on made-up runs of resnet20 → resnet8. */
function claimsOn(runs: readonly StudyRun[], changes: Partial<ClaimSources> = {}): Claims {
  const study = (name: 'norm' | 'direction' | 'ablation' | 'teachers'): ClaimSources['norm'] =>
    groupsOf(runs, studyMethods[name]);
  const studies = { norm: study('norm'), direction: study('direction') };
  const others = { ablation: study('ablation'), teachers: study('teachers') };
  const claims = buildClaims({ ...noRuns, ...studies, ...others, ...changes });
  return (id) => claims.find((claim) => claim.id === id) ?? expect.fail(id);
}
type Claims = (id: ClaimId) => ClaimAtGlance;
const outcomesOf = ({ comparisons }: ClaimAtGlance): string[] =>
  comparisons.map(({ outcome }) => outcome);

describe('a claim at a glance', () => {
  it('C1 takes each ++ row from table 1, with the p values of its column', () => {
    const gains = { kd: [0, 0, 0], 'kd++': [1, 1.1, 0.9], dkd: [0, 0, 0], 'dkd++': [-3, 2, 4] };
    const runs = Object.entries(gains).flatMap(([method, own]) =>
      own.map((gain, index) =>
        madeUpRun({
          config: { method, seed: index + 1 },
          provenance: { secondsPerEpoch: [1000, 800] },
          top1: [1, 40 + 7 * index + gain],
        }),
      ),
    );
    const claim = claimsOn([], { table1: buildTable1({ study: '', runs, root: 'results' }) })('C1');
    expect(claim.comparisons.map(({ label }) => label)).to.deep.equal([
      'KD++ over KD',
      'DKD++ over DKD',
      'DIST++ over DIST',
      'ReviewKD++ over ReviewKD',
    ]);
    expect(outcomesOf(claim)).to.deep.equal(['reproduced', 'inconclusive', 'not run', 'not run']);
    // Mean 1, deviation 0.1: t = 1 / (0.1 / √3) = 17.3, p 0.0033, the smaller of two: twice that.
    expect(claim.comparisons[0]?.p).to.be.closeTo(0.00664, 0.00001);
    // One row shown is not all of them; twelve runs of 1,800 s are 6 h.
    expect(claim).to.include({ outcome: 'inconclusive', scale: 'toy', hours: 6 });
    expect(claim.ran).to.equal('Fashion-MNIST, resnet20 → resnet8, 2 epochs');
    expect(claim.says).to.include('KD++ by +1.05 … +2.45').and.include('DIST++ by +0.34 … +0.74');
  });

  it('C1 takes every pair of its setting: one that contradicts it is not left out', () => {
    const runs = [
      ['resnet20:resnet8', 1],
      ['resnet14:resnet8', -1],
    ].flatMap(([pair, gain]) =>
      ['kd', 'kd++'].flatMap((method) =>
        [-0.1, 0, 0.1].map((apart, index) =>
          madeUpRun({
            config: {
              method,
              seed: index + 1,
              pair: String(pair),
              teacher: String(pair).split(':')[0] ?? '',
            },
            top1: [1, 40 + 7 * index + (method === 'kd++' ? Number(gain) + apart : 0)],
          }),
        ),
      ),
    );
    const claim = claimsOn([], { table1: buildTable1({ study: '', runs, root: 'results' }) })('C1');
    const run = claim.comparisons.filter(({ difference }) => difference !== null);
    expect(run.map(({ label, outcome }) => `${label}: ${outcome}`)).to.have.members([
      'KD++ over KD, resnet20 → resnet8: reproduced',
      'KD++ over KD, resnet14 → resnet8: contradicted',
    ]);
    expect(claim.outcome).to.equal('contradicted');
    expect(claim.ran).to.match(
      /^Fashion-MNIST, resnet\d+ → resnet8; resnet\d+ → resnet8, 2 epochs$/u,
    );
  });

  it('C2 and C3 are read in several ways, which must all be run and agree', () => {
    const runs = [
      ...withSeeds('kd+sifn', 3, 3.1, 2.9),
      ...withSeeds('kd+norm', 1, 1, 1),
      ...withSeeds('kd+feature', 4, 4, 4),
      ...withSeeds('kd+cosine', 2, 2.1, 1.9),
      ...withSeeds('kd+infonce', 0, 0, 0),
      ...withSeeds('kd+infonce-t0.05', 1, 1, 1),
    ];
    const claims = claimsOn(runs);
    expect(outcomesOf(claims('C2'))).to.deep.equal(['reproduced', 'contradicted']);
    expect(claims('C2').outcome).to.equal('inconclusive');
    expect(claims('C2').comparisons[1]?.label).to.equal('SIFN, r = 1 over naive feature');
    expect(outcomesOf(claims('C3'))).to.deep.equal([
      ...['reproduced', 'reproduced', 'not run', 'not run'],
    ]);
    expect(claims('C3').outcome).to.equal('inconclusive');
    const others = ['0.5', '1'].flatMap((t) => withSeeds(`kd+infonce-t${t}`, 1, 1, 1));
    expect(claimsOn([...runs, ...others])('C3').outcome).to.equal('reproduced');
    expect(claims('C7').outcome).to.equal('not run');
  });

  it('C4 holds when norm, direction < both < ND holds as a whole', () => {
    const parts = [
      ...withSeeds('kd', 0, 0, 0),
      ...withSeeds('kd+sifn', 1, 1.1, 0.9),
      ...withSeeds('kd+cosine', 2, 2.1, 1.9),
      ...withSeeds('kd+sifn+cosine', 4, 4, 4),
    ];
    expect(claimsOn([...parts, ...withSeeds('kd++', 6, 6.1, 5.9)])('C4').outcome).to.equal(
      'reproduced',
    );
    expect(claimsOn([...parts, ...withSeeds('kd++', 2, 2.1, 1.9)])('C4').outcome).to.equal(
      'contradicted',
    );
  });

  it('C5 is the slope of the ++ rows over three sizes of teachers', () => {
    const runs = ['resnet14', 'resnet20', 'resnet56'].flatMap((teacher, size) =>
      [1, 2, 3].flatMap((seed) =>
        ['kd', 'kd++'].map((method): StudyRun => ({
          ...{ method, seed, pair: `${teacher}:resnet8` },
          // 2 points for ten times the size, and 0.1 a seed.
          top1: 50 + (method === 'kd++' ? size * (2 + 0.1 * seed) : 0),
          provenance: { teacherParameters: 10 ** (5 + size) },
        })),
      ),
    );
    const claim = claimsOn(runs)('C5');
    expect(claim.comparisons.map(({ label }) => label)).to.deep.equal([
      'KD++, teacher ten times as large',
      'DKD++, teacher ten times as large',
      'ReviewKD++, teacher ten times as large',
    ]);
    expect(claim.comparisons[0]?.difference?.mean).to.be.closeTo(2.2, 1e-9);
    expect(outcomesOf(claim)).to.deep.equal(['reproduced', 'not run', 'not run']);
    // One row of three.
    expect(claim.outcome).to.equal('inconclusive');
    expect(claim.says).to.include('KD++ 71.99 to 72.59');
    expect(claim.document).to.equal('teachers');
    // On table 2's runs it stands in table 2.
    const sources = { ...noRuns, table2: groupsOf(runs, studyMethods.teachers) };
    expect(buildClaims(sources).map(({ document }) => document)[4]).to.equal('table2');
    expect(currentSettings(sources, 'table2').size).to.equal(1);
    expect(currentSettings(sources, 'teachers').size).to.equal(0);
  });

  it('C6 is the norm of networks over their size, and of the teacher over its student', () => {
    const networks = ['resnet8', 'resnet14', 'resnet20'].map((model, size): StudyRun => ({
      ...{ method: 'teacher', seed: 0, pair: model, top1: 60 },
      last: { studentNorm: 4 + size, teacherNorm: null },
      provenance: { parameters: 10 ** (4 + size) },
    }));
    const students = [3.9, 4, 4.1].flatMap((norm, index): StudyRun[] =>
      ['kd', 'kd+sifn', 'student'].map((method) => {
        // Alone they are as long as their teacher's, which they do not know.
        const [studentNorm, teacherNorm] = method === 'student' ? [norm + 2, null] : [norm, 6];
        return { method, seed: index + 1, top1: 50, last: { studentNorm, teacherNorm } };
      }),
    );
    // A network counts as a teacher where a student learns from it.
    const taught = networks.map(({ pair = '' }): StudyRun => ({
      ...{ method: 'kd', seed: 1, pair: `${pair}:resnet8x4`, top1: 50 },
    }));
    const claim = claimsOn([...networks, ...students, ...taught])('C6');
    // 1 for ten times the size, each network trained once; 6 minus 3.9, 4 and 4.1; minus 5.9, 6 and 6.1.
    expect(
      claim.comparisons.map(({ label, difference }) => [label, difference?.mean.toFixed(9)]),
    ).to.deep.equal([
      ['network ten times as large', '1.000000000'],
      ['resnet20 over resnet8 under KD', '2.000000000'],
      ['resnet20 over resnet8 alone', '0.000000000'],
    ]);
    expect(outcomesOf(claim)).to.deep.equal(['inconclusive', 'reproduced', 'inconclusive']);
    expect(claim).to.include({ unit: 'mean norm', outcome: 'inconclusive' });
    // Nothing is named where no network was trained as a teacher here.
    expect(claimsOn(students)('C6').ran).to.match(/^[^,;]*, resnet20 → resnet8, \d+ epochs$/u);
  });

  it('C9 needs the paper’s own setting, and counts from the printed number', () => {
    const run = (method: string, last: number, seed: number, changes = {}): StudyRunInMemory =>
      madeUpRun({
        config: {
          ...{ method, seed, dataset: 'cifar100', scale: 'paper', epochs: 240 },
          ...{ pair: 'resnet56:resnet20', teacher: 'resnet56', student: 'resnet20', ...changes },
        },
        provenance: { teacherSource: 'a file', teacherTop1: 72.34 },
        top1: Array.from({ length: 240 }, () => last),
      });
    const claim = (runs: readonly StudyRunInMemory[]): ClaimAtGlance =>
      claimsOn([], { table1: buildTable1({ study: '', runs, root: 'results' }) })('C9');
    const numbers = claim([72.43, 72.53, 72.63].map((last, at) => run('kd++', last, at)));
    const measured = numbers.comparisons.find(({ label }) => label === 'KD++');
    expect(measured?.difference?.mean).to.be.closeTo(0, 1e-9);
    expect(measured).to.include({ paper: 72.53, outcome: 'reproduced' });
    // One number of fourteen.
    expect(numbers).to.include({ scale: 'full', outcome: 'inconclusive' });
    const row = glanceTable({ claims: [numbers] }).rows[0];
    expect(row?.cells[2]).to.deep.equal({
      text: 'KD++: 0.00\u00a0(−0.25\u00a0…\u00a0+0.25), n\u00a03',
      below: ['13 of 14: not run', 'in points of top-1, measured minus printed'],
    });
    const shorter = [1, 2, 3].map((seed) => run('kd++', 72.5, seed, { scale: 'reduced' }));
    expect(claim(shorter).outcome).to.equal('not run');
  });
});
type StudyRunInMemory = ReturnType<typeof madeUpRun>;

describe('what a full replication would take', () => {
  for (const [data, pairs, rows, hours] of [
    // 144 runs of 12,000,000 images at 4,000 a second.
    ['cifar100', 6, 8, (144 * 3000) / 3600],
    // 128,116,700 images at 1,000 a second: 35.6 h a run.
    ['imagenet', 4, 6, (72 * 128_116.7) / 3600],
    // 1,440,000 images at 16 a second: 25 h a run.
    ['coco', 3, 4, 36 * 25],
  ] as const satisfies readonly (readonly [FullData, number, number, number])[]) {
    it(`is ${hours.toFixed(0)} h for ${String(pairs)} pairs × ${String(rows)} rows on ${data}`, () => {
      expect(fullHours({ data, pairs, rows })).to.be.closeTo(hours, 1e-6);
    });
  }
});

describe('the claims on the committed runs', () => {
  const found: { glance?: AtGlance } = {};
  const glance = (): AtGlance => found.glance ?? expect.fail('not read');
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');

  before(async function () {
    this.timeout(120_000);
    found.glance = await ofCommittedResults((results) => buildGlance(claimSources(results)));
  });

  it('are what README.md and results/README.md say: npm run claims renders both', () => {
    expect(withClaims(read('README.md'), glance(), 'results/README.md')).to.equal(
      read('README.md'),
    );
    expect(claimsPage(glance())).to.equal(read('results/README.md'));
  });

  it('have each a verdict with its scale, or none without runs', () => {
    expect(
      glance()
        .claims.map(({ id }) => id)
        .join(),
    ).to.equal('C1,C2,C3,C4,C5,C6,C7,C8,C9');
    const rows = read('README.md').match(/^\| C\d\. .*$/gmu) ?? [];
    expect(rows).to.have.length(9);
    for (const row of rows) {
      expect(row).to.match(
        /\| (?:(?:reproduced|contradicted|inconclusive) \((?:toy|reduced|full)\) \| [\d.]+ h|not run \| –) \| .*an estimated [\d,]+ h on one NVIDIA A100 \|$/u,
      );
    }
  });

  it('leave alone a page without the two comments', () => {
    expect(withClaims('# Mine\n<!-- claims -->\n', glance(), 'r.md')).to.equal(null);
    expect(withClaims('a <!-- claims -->old<!-- /claims --> b', glance(), '../r.md'))
      .to.match(/^a <!-- claims -->\n/u)
      .and.match(/\n<!-- \/claims --> b$/u)
      .and.include('[results](../r.md)')
      .and.not.include('old');
  });
});
