import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { cdkContext, stageTemplate } from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-npm-synth-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A machine with Node and nothing else: no AWS variable, no AWS folder, no Docker, no instance to ask for a role. */
const bare = {
  cwd: root,
  encoding: 'utf8' as const,
  env: {
    PATH: process.env.PATH,
    HOME: scratch,
    CDK_DOCKER: '/nonexistent/docker',
    AWS_EC2_METADATA_DISABLED: 'true',
  },
};

const synthIn = (out: string, ...args: string[]) => [
  'run',
  '--silent',
  'synth',
  '--',
  '--output',
  join(scratch, out),
  ...args,
];

/** The stack is there, bound to no account, and the synth had nothing to ask AWS for. */
function expectStack(folder: string, stack: string): void {
  expect(existsSync(join(folder, `${stack}.template.json`))).toBe(true);
  const manifest = readFileSync(join(folder, 'manifest.json'), 'utf8');
  expect(manifest).toContain('aws://unknown-account/unknown-region');
  expect((JSON.parse(manifest) as { missing?: unknown }).missing).toBeUndefined();
}

/** The CDK's command line on every stage is for `npm run proof`; the suite asks it for the one that nobody has to name. */
const isProof = process.env.EVENKEEL_PROOF === '1';
const named: [string, string[]][] = [
  ['evenkeel-paper', ['-c', 'stage=paper']],
  ['evenkeel-live', ['-c', 'stage=live']],
];

describe('npm run synth', () => {
  it.concurrent.each([['evenkeel-sandbox', []] as [string, string[]], ...(isProof ? named : [])])(
    'makes %s of %j with neither Docker nor an AWS account',
    async (stack, args) => {
      const { stderr } = await promisify(execFile)('npm', synthIn(stack, ...args), bare);
      expect(stderr).toMatch(/bundled candle-keeper: \d+ KiB/);
      expectStack(join(scratch, stack), stack);
    },
  );

  it.each(stages)('the app alone makes %s, with nothing to ask AWS for', async (stage) => {
    const { assembly } = await stageTemplate(stage);
    expectStack(assembly, `evenkeel-${stage}`);
  });

  it('refuses a stage that does not exist, with one clear message', () => {
    const { status, stderr } = spawnSync('npm', synthIn('none', '-c', 'stage=production'), bare);
    expect(status).not.toBe(0);
    expect(stderr).toContain('stage is "production"; allowed: one of: sandbox, paper, live');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('cdk.json', () => {
  it('runs the app with the pinned Node and has no stage of its own', () => {
    const json = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { app: string };
    expect(json.app).toBe('node_modules/.bin/node bin/app.ts');
    expect(cdkContext()).not.toHaveProperty('stage');
  });

  it('asks for no custom resource', () => {
    expect(cdkContext()['@aws-cdk/aws-ec2:restrictDefaultSecurityGroup']).toBe(false);
  });
});
