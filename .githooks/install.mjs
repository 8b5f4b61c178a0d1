/**
 * Points git at the hooks of this folder; `npm install` and `npm ci` run it as the `prepare` script.
 * It never fails the installation: without git, outside a checkout (an archive, a container image), or where the
 * developer has hooks of their own, it says in one line what it left alone.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = realpathSync(fileURLToPath(new URL('..', import.meta.url)));
const hooks = '.githooks';

/** What git answers, or `undefined` where it refuses or is not there. */
function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

const top = git('rev-parse', '--show-toplevel');
const current = git('config', '--get', 'core.hooksPath');

// An archive unpacked inside another checkout must not change that one's hooks.
if (top === undefined || realpathSync(top) !== root) {
  console.log('git hooks: not a git checkout of its own, so none are installed.');
} else if (current !== undefined && current !== hooks) {
  console.log(
    `git hooks: core.hooksPath is ${current} and stays so. For ours: git config core.hooksPath ${hooks}`,
  );
} else if (current === undefined && git('config', 'core.hooksPath', hooks) === undefined) {
  console.log(`git hooks: git would not store the setting. By hand: git config core.hooksPath ${hooks}`);
}
