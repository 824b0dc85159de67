import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../lib/engine/program';
import { commands } from '../reproduce/main';
import { runHere } from './support/command';

const root = join(__dirname, '..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

const {
  name: packageName,
  scripts,
  version,
} = JSON.parse(read('package.json')) as {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly version: string;
};

/** Pages whose links and commands are held; each is read as GitHub shows it. */
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'results/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** What of a page is text, a line each, and what stands in its code blocks, by the language that they name. */
interface Parts {
  readonly text: readonly string[];
  readonly code: readonly { readonly language: string; readonly line: string }[];
}

function partsOf(page: string): Parts {
  const text: string[] = [];
  const code: { language: string; line: string }[] = [];
  let language: string | undefined;
  for (const line of page.split('\n')) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (fence !== null) language = language === undefined ? (fence[1] ?? '') : undefined;
    else if (language === undefined) text.push(line);
    else code.push({ language, line });
  }
  return { text, code };
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  return partsOf(page)
    .text.flatMap((line) => /^#{1,6} +(.*)$/.exec(line)?.[1] ?? [])
    .map((heading) => {
      const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
      const anchor = words.trim().replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${String(before)}`;
    });
}

/** Links and pictures of a page that lead nowhere. */
function deadLinks(name: string): string[] {
  const lines = partsOf(read(name)).text.map((line) => line.replace(/`[^`]*`/g, ''));
  const targets = lines.flatMap((line) => [
    ...[...line.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
    ...[...line.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target = '']) => target),
  ]);
  return targets.filter((target) => {
    if (/^(https?|mailto):/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? name : join(dirname(name), path);
    if (!existsSync(join(root, file))) return true;
    return (
      anchor !== undefined && !(file.endsWith('.md') && anchorsOf(read(file)).includes(anchor))
    );
  });
}

/** Programs of others behind a script or `npx`, with what makes them list their options. */
const othersHelp: Readonly<Record<string, readonly string[]>> = {
  mocha: ['mocha/bin/mocha.js', '--help'],
  stryker: ['@stryker-mutator/core/bin/stryker.js', 'run', '--help'],
};
const behind: Readonly<Record<string, string>> = {
  test: 'mocha',
  'test:all': 'mocha',
  mutate: 'stryker',
};

const helps = new Map<string, Promise<string>>();

/** What a script of package.json, or a program of others, prints for `--help`, below one of its commands. */
function helpOf(name: string, command?: string): Promise<string> {
  const key = command === undefined ? name : `${name} ${command}`;
  const known = helps.get(key);
  if (known !== undefined) return known;
  const asked = askForHelp(name, command === undefined ? [] : [command]);
  helps.set(key, asked);
  return asked;
}

/** The command of this project behind a script of package.json. */
function commandOf(script: string): (typeof commands)[string] | undefined {
  const name = / reproduce\/main\.ts (\S+)$/.exec(scripts[script] ?? '')?.[1];
  return name === undefined ? undefined : commands[name];
}

async function askForHelp(name: string, command: readonly string[]): Promise<string> {
  const own = commandOf(name);
  const file = / (test\/\S+\.ts)$/.exec(scripts[name] ?? '')?.[1];
  let result: ProgramResult;
  if (own !== undefined) {
    result = await runHere(join(root, 'reproduce', `${own.file}.ts`), [...command, '--help']);
  } else if (file !== undefined) {
    result = await runHere(join(root, file), [...command, '--help']);
  } else {
    const [program, ...args] = othersHelp[behind[name] ?? name] ?? [];
    if (program === undefined) return '';
    result = await runProgram(process.execPath, [join(root, 'node_modules', program), ...args]);
  }
  expect(result.status, `${name} --help: ${result.stderr}`).to.equal(0);
  return result.stdout;
}

/** The options that a help lists; lines that go on with an explanation stand further in. */
function optionsIn(help: string): string[] {
  return help
    .split('\n')
    .flatMap((line) => /^ {1,6}(-[-\w]+(?:, +-[-\w]+)*)/.exec(line)?.[1]?.split(/, +/) ?? [])
    .filter((option) => option.startsWith('--'));
}

/** The commands below a command that its help lists. */
function commandsIn(help: string): string[] {
  const [, list = ''] = help.split('\nCommands:\n');
  return [...list.matchAll(/^ {2}([a-z][-a-z0-9]*)/gm)].map(([, name = '']) => name);
}

/** A call of npm or npx: its words. */
type Call = readonly string[];

/** The calls of npm and npx in a line of a shell; options that its comment tells belong to the last. */
function callsIn(line: string): Call[] {
  const [command = '', ...comment] = line.split(/(?:^|\s)#\s/);
  const calls = command
    .split(/&&|\|\||[;|]/)
    .map((part) => part.trim().split(/\s+/))
    .map((words) => words.slice(words.findIndex((word) => word === 'npm' || word === 'npx')))
    .filter(([first]) => first === 'npm' || first === 'npx');
  const told = comment.join(' ').match(/--[a-z][-\w]*/g) ?? [];
  const last = calls.pop();
  if (last === undefined) return [];
  return [
    ...calls,
    told.length === 0 || last.includes('--') ? [...last, ...told] : [...last, '--', ...told],
  ];
}

const optionOf = (word: string): string | undefined => /^--[a-zA-Z][-\w]*/.exec(word)?.[0];

/** What is wrong with a call: an unknown script or option, an option that npm takes for itself, a file that is not there. */
async function faultsOf(call: Call): Promise<string[]> {
  const [program, first = '', ...others] = call;
  if (program === 'npx' && first === packageName) {
    const [command = '', ...options] = others;
    const script = Object.keys(scripts).find((known) => commandOf(known) === commands[command]);
    if (script === undefined) return [`no command '${command}'`];
    return faultsOf(['npm', 'run', script, '--', ...options]);
  }
  const isScript = program === 'npm' && (first === 'run' || first === 'test');
  if (program === 'npm' && !isScript) {
    return ['audit', 'ci', 'install', 'pack'].includes(first) ? [] : [`npm has no '${first}'`];
  }
  const name = first === 'run' ? (others[0] ?? '') : first;
  const words = first === 'run' ? others.slice(1) : others;
  if (isScript && scripts[name] === undefined) return [`no script '${name}'`];
  if (!isScript && !existsSync(join(root, 'node_modules', '.bin', name))) return [`no '${name}'`];

  const split = isScript ? words.indexOf('--') : -1;
  const passed = words.slice(split + 1);
  const faults = words
    .slice(0, isScript && split < 0 ? words.length : Math.max(split, 0))
    .filter((word) => optionOf(word) !== undefined)
    .map((word) => `npm takes '${word}' for itself: -- is missing`);
  for (const word of passed) {
    const isPath = /^(?:docs|lib|notebooks|reproduce|results|test)\/[-\w./]+$/.test(word);
    if (isPath && !existsSync(join(root, word))) faults.push(`no file '${word}'`);
  }
  const options = passed.flatMap((word) => optionOf(word) ?? []);
  const [command] = passed;
  const mayHaveCommand = name === 'data' && command !== undefined;
  if (options.length === 0 && !mayHaveCommand) return faults;

  let help = await helpOf(name);
  if (mayHaveCommand) {
    if (!commandsIn(help).includes(command)) return [...faults, `no command '${command}'`];
    help = await helpOf(name, command);
  }
  const listed = optionsIn(help);
  const unknown = options.filter((option) => !listed.includes(option));
  return [...faults, ...unknown.map((option) => `no option '${option}'`)];
}

/** Every option of every command of this project. */
async function everyOption(): Promise<string[]> {
  const names = Object.keys(scripts).filter(
    (name) =>
      commandOf(name) !== undefined ||
      / test\/\S+\.ts$/.test(scripts[name] ?? '') ||
      behind[name] !== undefined,
  );
  const lists = await Promise.all(
    names.map(async (name) => {
      const help = await helpOf(name);
      const below = await Promise.all(
        commandsIn(help)
          .filter((command) => command !== 'help')
          .map((command) => helpOf(name, command)),
      );
      return [help, ...below].flatMap(optionsIn);
    }),
  );
  return lists.flat();
}

/** Wrong commands of a page, in blocks and in sentences; and options that stand alone and belong to no command. */
async function wrongCommands(name: string): Promise<string[]> {
  const { text, code } = partsOf(read(name));
  const wrong: string[] = [];
  const hold = async (call: Call): Promise<void> => {
    wrong.push(...(await faultsOf(call)).map((fault) => `${call.join(' ')}: ${fault}`));
  };
  for (const { language, line } of code) {
    if (language !== 'sh') continue;
    for (const call of callsIn(line)) await hold(call);
  }
  for (const line of text) {
    const spans = [...line.matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
      span.replaceAll('\\|', '|'),
    );
    for (const call of spans.flatMap(callsIn)) await hold(call);
    // In a row of a table they are options of the commands that it begins with.
    const row = /^\| *(`npm [^|]*)\|/.exec(line)?.[1] ?? '';
    const owners = [...row.matchAll(/`(npm run [-\w:]+|npm test)/g)].map(([, call = '']) => call);
    for (const span of spans.filter((words) => optionOf(words) !== undefined)) {
      const words = span.split(/\s+/);
      if (owners.length > 0) {
        for (const owner of owners) await hold([...owner.split(' '), '--', ...words]);
      } else {
        const known = await everyOption();
        const unknown = words
          .flatMap((word) => optionOf(word) ?? [])
          .filter((option) => !known.includes(option));
        wrong.push(...unknown.map((option) => `${span}: no command has '${option}'`));
      }
    }
  }
  return wrong;
}

describe('README, CONTRIBUTING, CHANGELOG and docs', function () {
  // The first one asks two dozen commands for their help.
  this.timeout(60_000);

  for (const name of pages) {
    it(`${name}: links lead to files and headings that are there`, () => {
      expect(deadLinks(name)).to.deep.equal([]);
    });

    it(`${name}: commands are there, with the options that their help lists`, async () => {
      expect(await wrongCommands(name)).to.deep.equal([]);
    });
  }

  it('name files of this package that are there, and no lines in them', () => {
    const files = ['lib', 'reproduce', 'test'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (file) => `/${folder}/${file}`,
      ),
    );
    // TypeScript's own, and those that stand for any.
    const others = ['lib.dom.d.ts', 'lib/x/y.ts', 'test/x/y.test.ts'];
    for (const page of pages) {
      const named = partsOf(read(page)).text.flatMap((line) =>
        [...line.matchAll(/`([\w./-]+\.(?:ts|mjs)(?::\d+)?)`/g)].map(([, name = '']) => name),
      );
      const wrong = named.filter(
        (name) => !others.includes(name) && !files.some((file) => file.endsWith(`/${name}`)),
      );
      expect(wrong, page).to.deep.equal([]);
    }
  });

  it('print the files of examples/own, and others of examples, as they are', () => {
    const blocks = pages.flatMap((name) => [
      ...read(name).matchAll(/```ts\n\/\/ (examples\/\S+)\n([^`]*)```/g),
    ]);
    for (const [, file = '', text] of blocks) expect(text, file).to.equal(read(file));
    const own = readdirSync(join(root, 'examples', 'own')).map((name) => `examples/own/${name}`);
    expect(blocks.map(([, file]) => file)).to.include.members(own);
  });

  it('has a script for each command of the package, of its name', () => {
    const expected = Object.keys(commands).map((name) => {
      const table = /^(table[123]|norm|direction|ablation|teachers)$/.test(name);
      return [`${table ? 'reproduce:' : ''}${name}`, commands[name]];
    });
    const found = Object.keys(scripts).flatMap((script) => {
      const command = commandOf(script);
      return command === undefined ? [] : [[script, command]];
    });
    expect(found).to.have.deep.members(expected);
  });

  it('has no command that overlooks what npm kept for want of a --', async () => {
    for (const [name, { file }] of Object.entries(commands)) {
      const script = Object.keys(scripts).find((key) => commandOf(key) === commands[name]) ?? '';
      const listed = optionsIn(await askForHelp(script, []));
      // Those of `data` stand in the help of its own commands; npm has another name for --to.
      const option = listed.find((known) => !['--help', '--to'].includes(known)) ?? '--json';
      const variable = `npm_config_${option.replace(/^--/, '').replaceAll('-', '_')}`;
      const env = { npm_lifecycle_event: script, [variable]: 'true' };
      const { status, stderr } = await runHere(join(root, 'reproduce', `${file}.ts`), [], env);
      expect(stderr, name).to.match(new RegExp(`^error: npm kept options .* found ${option}\\.`));
      expect(status, name).to.equal(1);
    }
  });

  it('has the name of every data set in the helps of what takes one', async () => {
    for (const script of ['data', 'class-means', 'reproduce:table1', 'reproduce:table2']) {
      const words = (await askForHelp(script, [])).replace(/\s+/g, ' ');
      expect(words, script).to.match(
        /fashion-mnist, cifar10, cifar100,.* cifar100-first20, folder:PATH/,
      );
    }
  });

  it('name each command of package.json', () => {
    const all = pages.map(read).join('\n');
    const named = [...all.matchAll(/npm (?:run )?([a-z][-\w:]*)/g)].map(([, script]) => script);
    expect(Object.keys(scripts).filter((script) => !named.includes(script))).to.deep.equal([]);
  });

  it('has a README of at most 200 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).to.be.at.most(200);
  });

  it('has a workflow that runs the first two commands of the README', () => {
    const { code } = partsOf(read('README.md'));
    const commands = code.slice(0, 2).map(({ line }) => line);
    const steps = [...read('.github/workflows/test.yml').matchAll(/- run: (.+)/g)];
    expect(commands).to.deep.equal(['npm ci', 'npm test']);
    expect(steps.map(([, step]) => step)).to.deep.equal(commands);
  });

  it('locks one package alone that gives npx a tsc: tslab keeps the older one of its cells to itself', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, { bin?: object }>>;
    };
    const owners = Object.entries(packages)
      .filter(([, { bin = {} }]) => 'tsc' in bin)
      .map(([place]) => place.split('node_modules/').slice(1));
    expect(owners.filter((place) => place.length === 1)).to.deep.equal([['typescript']]);
    expect(owners).to.deep.include(['tslab/', '@tslab/typescript-for-tslab']);
  });

  it('has one version in package.json, CITATION.cff and CHANGELOG.md', () => {
    expect(/^version: (.*)$/m.exec(read('CITATION.cff'))?.[1]).to.equal(version);
    expect(/^## ([\d.]+)/m.exec(read('CHANGELOG.md'))?.[1]).to.equal(version);
  });
});
