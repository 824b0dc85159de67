import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { runProgram } from '../../lib/engine/program';
import { commands } from '../../reproduce/main';
import { runTypeScript, typeScriptArguments } from '../support/child';
import { smallCocoFile, writeCocoFile } from '../support/coco-files';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

const reproduce = join(__dirname, '..', '..', 'reproduce');

describe('a mistake in a command', () => {
  withEngine('native');
  const folder = withFolder();

  /** Title, command, its arguments (FOLDER and FILE stand for real ones), what is said. */
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a results folder in /proc',
      'table1',
      '--results /proc/x',
      /\(--results \/proc\/x\): found \/proc: /,
    ],
    [
      'a results folder in a file',
      'table1',
      '--results FILE/x',
      /--results .*found a file, not a folder/,
    ],
    [
      'a memory of teachers in a file',
      'table1',
      '--teacher-cache FILE/x',
      /\(--teacher-cache .*found a file, not a folder/,
    ],
    [
      'a missing teacher of table 1',
      'table1',
      '--teacher-weights FOLDER/no.pth',
      /--teacher-weights .*no such file/,
    ],
    [
      'a missing teacher of table 2',
      'table2',
      '--teacher-weights FOLDER/no.pth',
      /--teacher-weights .*no such file/,
    ],
    [
      'a missing teacher of table 3',
      'table3',
      '--teacher-weights FOLDER/no.pth',
      /--teacher-weights .*no such file/,
    ],
    [
      'a folder for a teacher',
      'table3',
      '--teacher-weights FOLDER',
      /--teacher-weights .*no regular file/,
    ],
    [
      'a teacher of table 2 that is none',
      'table2',
      '--teacher-weights FILE',
      /not a whole safetensors file/,
    ],
    [
      'a teacher of table 3 that is none',
      'table3',
      '--teacher-weights FILE',
      /not a whole safetensors file/,
    ],
    [
      'another network for a teacher',
      'table1',
      '--teacher-weights FOLDER/other.safetensors',
      /not those of this model/,
    ],
    [
      'notebooks into a file',
      'commands/notebooks',
      '--output FILE',
      /--output .*found a file, not a folder/,
    ],
    [
      'a report into a file',
      'commands/report',
      '--output FILE',
      /--output .*found a file, not a folder/,
    ],
    [
      'pictures into a file',
      'commands/coco-pictures',
      '--shapes --out FILE',
      /--out .*found a file, not a folder/,
    ],
    [
      'a picture of 10¹⁶ pixels',
      'commands/coco-pictures',
      '--shapes --out x --side 100000000',
      /up to 4096/,
    ],
    [
      'curves into a file',
      'commands/coco-eval',
      'a.json b.json --curves FILE/c.svg',
      /--curves .*found a file/,
    ],
    [
      'deep detections',
      'commands/coco-eval',
      'COCO FOLDER/deep.json',
      /201 levels of JSON, the limit is 200/,
    ],
    [
      'a Python that is not there',
      'commands/bench',
      '--pair resnet8:resnet8 --torch FOLDER/no-python',
      /\(--torch \S+no-python\): found spawn .*ENOENT/,
    ],
    [
      'a Python that is none',
      'commands/bench',
      '--coco --python FILE',
      /this is no Python with pycocotools \(--python/,
    ],
    [
      'a batch beyond the data',
      'commands/bench',
      '--surroundings --batch 20000',
      /--batch\): found 20000 images where fashion-mnist has 10000/,
    ],
    [
      'class means of another form',
      'table1',
      '--pairs resnet20:resnet8 --teacher-weights FOLDER/teacher.safetensors --class-means FOLDER/means.safetensors',
      /found means of shape \[2, 2, 1\]/,
    ],
    [
      'a pair of the table in another case',
      'table1',
      '--pairs resnet50:MobileNetV2',
      /\(--pairs\): found 'resnet50:MobileNetV2'\. Did you mean 'ResNet50:MobileNetV2'\?/,
    ],
    [
      'no folder of images in the home',
      'table1',
      '--data folder:~/no-such-folder-of-images',
      /an image folder is not there \((?!\S*~)\/\S*no-such-folder-of-images\): found no such folder/,
    ],
    [
      'the same for table 2',
      'table2',
      '--data folder:~/no-such-folder-of-images',
      /an image folder is not there \((?!\S*~)\/\S*no-such-folder-of-images\): found no such folder/,
    ],
    [
      'no folder of COCO',
      'table3',
      '--data coco:FOLDER/no',
      /no such folder \(--data coco:\S+\/no\): found nothing at \S+\/no\. Give --data coco:FOLDER/,
    ],
    [
      'no COCO among the data sets',
      'table3',
      '--data coco --data-dir FOLDER',
      /\(--data-dir\): found no \S+\/coco\. Run `npm run data -- table3`, or give --data coco:FOLDER/,
    ],
    [
      'the data of table 2 for table 1',
      'table1',
      '--data imagenet',
      /unknown data set 'imagenet'\. (?!.*(table2|cifar-teachers)).*folder:PATH/,
    ],
    [
      'unknown data of table 2',
      'table2',
      '--data imagenette',
      /Did you mean 'imagenet'\? Known: imagenet, fashion-mnist, cifar10, cifar100, (?!.*(table2|cifar-teachers))/,
    ],
    [
      'an unknown teacher',
      'teachers',
      '--teacher-models resnet57',
      /unknown model 'resnet57' \(--teacher-models\)/,
    ],
    [
      'an unknown student',
      'teachers',
      '--students resnet9',
      /unknown model 'resnet9' \(--students\)/,
    ],
    [
      'a memory of teachers for table 2',
      'table2',
      '--teacher-cache off',
      /unknown option '--teacher-cache'/,
    ],
    [
      'two choices of teachers for table 2',
      'table2',
      '--teachers trained --teacher-weights FILE',
      /does not fit the other options \(--teachers\): found 'trained'/,
    ],
    [
      'two choices of teachers for table 3',
      'table3',
      '--teachers published --teacher-weights FILE',
      /does not fit the other options \(--teachers\): found 'published'/,
    ],
    [
      'test images without annotations',
      'commands/detector',
      '--annotations COCO --images FOLDER --test-images FOLDER --out FOLDER/run',
      /\(--test-images\): found no --test-annotations/,
    ],
    [
      'half a channel of a detector',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --width 8.5',
      /a whole number of at least 1 is needed \(--width\): found '8\.5'/,
    ],
    [
      'half an iteration of a detector',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --iterations 1.5',
      /\(--iterations\): found '1\.5'\. Write for example --iterations 2400/,
    ],
    [
      'a seed of a detector below 0',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --seed -1',
      /a whole number of at least 0 is needed \(--seed\): found '-1'/,
    ],
    [
      'a seed of a detector that is empty',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --seed=',
      /\(--seed\): found ''/,
    ],
    [
      'a learning rate of 0',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --learning-rate 0',
      /a number above 0 is needed \(--learning-rate\): found '0'/,
    ],
    [
      'no annotations beside a seed of 0',
      'commands/detector',
      '--annotations FOLDER/no.json --images FOLDER --out FOLDER/run --seed 0 --learning-rate 1e-4',
      /\(\S+no\.json\): found no such file/,
    ],
    [
      'a form of the teachers',
      'commands/data',
      'download cifar-teachers --form python --data-dir FOLDER',
      /for cifar10 and cifar100 \(--form\): found 'python' for cifar-teachers/,
    ],
    [
      'claims on no run',
      'commands/claims',
      '--results FOLDER/no',
      /no run to judge claims on \(\S+\/no\): found no finished run/,
    ],
    [
      'claims on no run, as JSON',
      'commands/claims',
      '--results FOLDER/no --json',
      /no run to judge claims on \(\S+\/no\): found no finished run/,
    ],
    [
      'a loss in bfloat16',
      'commands/bench',
      '--loss nd --precision bf16',
      /'--loss <name>' cannot be used with option '--precision/,
    ],
    [
      'a grid beside PyTorch',
      'commands/bench',
      '--teacher-memory grid --torch FOLDER/python',
      /\(--teacher-memory grid\): found --torch \S+python\. Leave --torch out/,
    ],
  ];
  for (const [title, command, words, expected] of cases) {
    it(`is told before anything is timed or trained, and leaves nothing: ${title}`, async () => {
      const file = join(folder(), 'file');
      writeFileSync(file, '');
      writeFileSync(join(folder(), 'deep.json'), '['.repeat(10_000));
      const one = { shape: [2, 2, 1], data: new Float32Array(4) };
      writeSafetensors(join(folder(), 'other.safetensors'), new Map([['a', one]]));
      writeSafetensors(join(folder(), 'means.safetensors'), new Map([['means', one]]), {
        ...{ kind: 'class means', teacherHash: 'a', datasetHash: 'b', augmented: 'true' },
      });
      writeTeacher(join(folder(), 'teacher.safetensors'));
      const coco = writeCocoFile(folder(), smallCocoFile());
      const before = readdirSync(folder());
      const args = words
        .replaceAll('FOLDER', folder())
        .replaceAll('FILE', file)
        .replaceAll('COCO', coco)
        .split(' ');
      const takesResults = command.startsWith('table') && !args.includes('--results');
      const results = takesResults ? ['--results', join(folder(), 'results')] : [];
      const { status, stderr } = await runHere(join(reproduce, `${command}.ts`), [
        ...args,
        ...results,
      ]);
      expect(stderr).to.match(expected);
      expect(stderr).not.to.match(/^ +at |Timing|defect/m);
      expect(status).to.equal(1);
      expect(readdirSync(folder())).to.deep.equal(before);
    });
  }

  for (const [what, command, words] of [
    ['the data of table 1', 'table1', '--scale paper --data-dir FOLDER --list'],
    ['the data of table 2', 'table2', '--data imagenet --data-dir FOLDER --list'],
    ['the data of table 3', 'table3', '--data coco --data-dir FOLDER --list'],
    [
      'the weights of class means',
      'commands/class-means',
      '--model resnet20 --weights FOLDER/no.pth --data fashion-mnist --out FOLDER/means.json',
    ],
    [
      'the data of class means',
      'commands/class-means',
      '--model resnet20 --weights FOLDER/file --data cifar100 --data-dir FOLDER --out FOLDER/means.json',
    ],
    [
      'the weights to evaluate',
      'commands/evaluate',
      '--model resnet18 --weights FOLDER/no.pth --data FOLDER/images',
    ],
  ] as const) {
    it(`is told before an engine is fetched: ${what} are not there`, async () => {
      writeFileSync(join(folder(), 'file'), '');
      for (const name of ['a', 'b']) {
        mkdirSync(join(folder(), 'images', name), { recursive: true });
        writeFileSync(join(folder(), 'images', name, '1.jpg'), '');
      }
      const args = words.replaceAll('FOLDER', folder()).split(' ');
      const { status, stderr } = await runTypeScript(join(reproduce, `${command}.ts`), args, {
        ...{ NORM_DIRECTION_LAB_ENGINE: '', NORM_DIRECTION_LAB_CACHE: join(folder(), 'cache') },
      });
      expect(stderr)
        .to.match(/^error: .*: found (no|none of) /m)
        .and.not.match(/engine/);
      expect(status).to.equal(1);
    });
  }

  it('is told where GPUs are named and there are none, unless the processor is named too', async () => {
    const table1 = join(reproduce, 'table1.ts');
    const args = ['--gpus', '0', '--list', '--results', join(folder(), 'results')];
    const { status, stderr } = await runTypeScript(table1, args, {
      ...{ NORM_DIRECTION_LAB_ENGINE: '', NORM_DIRECTION_LAB_DEVICE: '', CUDA_VISIBLE_DEVICES: '' },
    });
    expect(stderr).to.match(/^error: a GPU was asked for and there is none \(.*--gpus\)/m);
    expect(status).to.equal(1);
    const plain = { NORM_DIRECTION_LAB_ENGINE: 'plain', NORM_DIRECTION_LAB_DEVICE: 'cpu' };
    expect((await runHere(table1, args, plain)).stderr).to.match(/engine plain on cpu/);
  });

  it('is none where whoever reads the answer has seen enough of it', async () => {
    const detections = join(folder(), 'found.json');
    writeFileSync(detections, '[]');
    const coco = writeCocoFile(folder(), smallCocoFile());
    const program = join(reproduce, 'commands', 'coco-eval.ts');
    const child = spawn(
      process.execPath,
      typeScriptArguments(program, coco, detections, '--json'),
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += String(text)));
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, stderr]).to.deep.equal([0, '']);
  });
});

describe('options without the -- that npm wants before them', () => {
  /** Script, what npm makes of the options as typed, what is said of them; nothing where they are another's. */
  // prettier-ignore
  const cases: readonly (readonly [string, string, Readonly<Record<string, string>>, string | null])[] = [
    ['reproduce:table1 --list', '', { list: 'true' }, '--list'],
    ['reproduce:table1 --scale short --seeds=1,2', 'short', { scale: 'true', seeds: '1,2' }, '--scale <scale> --seeds 1,2'],
    ['reproduce:table1 --no-resume', '', { resume: '' }, '--no-resume'],
    ['reproduce:table1 --data-dir=here', '', { data_dir: 'here' }, '--data-dir here'],
    ['reproduce:table2 --cache 500', '', { cache: '/home/me/500' }, '--cache <MiB>'],
    ['export run --to a.pth', 'run', { token_description: 'a.pth' }, '--to a.pth'],
    ['data check --json', 'check', { json: 'true' }, '--json'],
    ['lab --no-browser', '', { browser: '' }, '--no-browser'],
    // Set for npm or for the compiler of its packages by the user.
    ['reproduce:table2 -- --help', '--help', { cache: '/home/me/.npm', jobs: '8' }, null],
    ['doctor -- --json --help', '--json --help', { json: 'true' }, null],
    ['lab -- --help', '--help', { browser: 'firefox' }, null],
  ];
  for (const [typed, args, settings, expected] of cases) {
    it(`are told, and those of others left alone: npm run ${typed}`, async () => {
      const [script = ''] = typed.split(' ');
      const name = script.replace('reproduce:', '');
      const env = Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [`npm_config_${key}`, value]),
      );
      const { status, stderr } = await runHere(
        join(reproduce, `${commands[name]?.file ?? ''}.ts`),
        args.split(' ').filter((word) => word !== ''),
        { npm_lifecycle_event: script, ...env },
      );
      const said = /^error: npm kept options .* Write (.*)\n$/.exec(stderr)?.[1];
      expect(said, stderr).to.equal(
        expected === null ? undefined : `npm run ${script} -- ${expected}`,
      );
      expect(status).to.equal(expected === null ? 0 : 1);
    });
  }

  it('are told by npm run itself', async () => {
    const npm = ['run', '--silent', 'reproduce:table1', '--scale', 'short', '--list'];
    const { status, stdout, stderr } = await runProgram('npm', npm, { cwd: join(reproduce, '..') });
    expect(stderr).to.match(/error: .* Write npm run reproduce:table1 -- --scale <scale> --list\n/);
    expect([status, stdout]).to.deep.equal([1, '']);
  });
});

function writeTeacher(file: string): void {
  const model = createModel('resnet20', { classes: 10 });
  writeSafetensors(file, model.stateDict());
  model.dispose();
}
