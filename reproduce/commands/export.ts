import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { exportWeights } from '../../lib/runs/export';
import { print } from './common';

const command = new Command('npm run export --')
  .description(
    'Writes trained weights for use in PyTorch, under the names of mdistiller’s models. A .pth opens with ' +
      'torch.load(file, weights_only=True), a .safetensors with safetensors.torch.load_file(file).',
  )
  .argument('<run-or-weights>', 'directory of a finished run, or a file of weights (either form)')
  .requiredOption('--to <file>', 'what to write: a name that ends in .safetensors or .pth')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .addHelpText(
    'after',
    `
Example:
  npm run export -- results/runs/table1-quick-fashion-mnist/resnet20-resnet8/kd++/seed-1 --to student.pth`,
  )
  .action(async (source: string, { to, json }: { to: string; json?: true }) => {
    const exported = await exportWeights(source, to);
    const { file, tensors, bytes, hash } = exported;
    const size = `${tensors} tensors, ${(bytes / 1e6).toFixed(1)} MB`;
    print(json, exported, `${file}: ${size}, hash ${hash.slice(0, 12)}`);
  });

runCommand(() => parseCommand(command));
