import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowedSchema, judge } from './audit/findings.ts';
import { type Lock, lockProblems } from './audit/lock.ts';

/**
 * `npm run audit:dependencies`: known vulnerabilities of what is deployed, checksums, install scripts, licences. Exits 1
 * where something is to be done. Where the registry does not answer it says so in a line, and that is no failure.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const npmTimeoutMs = 90_000;

const { allowScripts = {} } = read('package.json') as { allowScripts?: Record<string, boolean> };
const allowed = allowedSchema.parse(read('.ci/audit-allowed.json'));
const problems = [...lockProblems(read('package-lock.json') as Lock, allowScripts)];

const { stdout, error } = spawnSync(
  'npm',
  ['audit', '--omit=dev', '--audit-level=high', '--json', '--fetch-retries=1', '--fetch-timeout=20000'],
  {
    cwd: root,
    encoding: 'utf8',
    timeout: npmTimeoutMs,
    shell: process.platform === 'win32',
    maxBuffer: 64 * 1024 * 1024,
  },
);
const verdict = judge(
  error === undefined ? stdout : `npm: ${error.message}`,
  allowed,
  new Date().toISOString().slice(0, 10),
);
if (verdict.kind === 'judged') problems.push(...verdict.problems);
else
  console.log(
    `The audit of dependencies was not answered, so nothing is known of vulnerabilities: ${verdict.why}`,
  );

for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log('Dependencies: checksums, install scripts and licences are as they should be.');
process.exitCode = problems.length === 0 ? 0 : 1;

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}
