import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { cdkContext } from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-npm-synth-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A machine with Node and nothing else: no AWS variable, no AWS folder, no Docker, no instance to ask for a role. */
function npmRunSynth(...args: string[]) {
  return spawnSync('npm', ['run', '--silent', 'synth', '--', '--output', join(scratch, 'out'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: scratch,
      CDK_DOCKER: '/nonexistent/docker',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
}

describe('npm run synth', () => {
  it('works with neither Docker nor an AWS account, and makes the sandbox without a stage', () => {
    const { status, stderr } = npmRunSynth();
    expect(stderr).toMatch(/bundled candle-keeper: \d+ KiB/);
    expect(status).toBe(0);
    expect(existsSync(join(scratch, 'out', 'evenkeel-sandbox.template.json'))).toBe(true);
    const manifest = readFileSync(join(scratch, 'out', 'manifest.json'), 'utf8');
    expect(manifest).toContain('aws://unknown-account/unknown-region');
    expect((JSON.parse(manifest) as { missing?: unknown }).missing).toBeUndefined();
  });

  it('refuses a stage that does not exist, with one clear message', () => {
    const { status, stderr } = npmRunSynth('-c', 'stage=production');
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
