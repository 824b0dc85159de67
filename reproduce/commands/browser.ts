import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Whether someone at a display asks; elsewhere the path that is printed must do. */
export function hasReader({
  stdout,
  env,
  platform,
}: {
  readonly stdout: { readonly isTTY?: boolean };
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly platform: NodeJS.Platform;
}): boolean {
  const display = env['DISPLAY'] || env['WAYLAND_DISPLAY'];
  return stdout.isTTY === true && (platform === 'darwin' || platform === 'win32' || !!display);
}

/** Shows a file with the system's own opener; says where it lies when there is none. */
export function openInBrowser(file: string): Promise<void> {
  const address = pathToFileURL(resolve(file)).href;
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };
  return new Promise((done) => {
    const child = spawn(openers[process.platform] ?? 'xdg-open', [address], {
      detached: true,
      stdio: 'ignore',
    });
    child.once('error', () => {
      process.stderr.write(`No browser was found here. Open ${address}\n`);
      done();
    });
    child.once('spawn', () => {
      child.unref();
      done();
    });
  });
}
