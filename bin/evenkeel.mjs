#!/usr/bin/env node
/** The `evenkeel` command: the operator's command line, run by the Node that this project pins, whatever Node is on the path. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import './compile-cache.mjs';

const program = fileURLToPath(new URL('evenkeel.ts', import.meta.url));
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) await import('./evenkeel.ts');
else if (existsSync(pinned)) {
  // Ctrl-C reaches both: the program ends by it in its own way, and this process with its code.
  process.on('SIGINT', () => undefined);
  const { status } = spawnSync(pinned, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  process.stderr.write(
    `Evenkeel needs Node 24 and this is ${process.version}. Run \`npm ci\` in its folder: it brings its own.\n`,
  );
  process.exitCode = 2;
}
