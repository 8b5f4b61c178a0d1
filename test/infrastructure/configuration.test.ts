import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createApp } from '../../lib/stacks/evenkeel-app.ts';
import { firstOf, ofType, removeAssemblies, synthStage } from '../helpers/stage-template.ts';
import type { ContainerDefinition } from '../helpers/template-parts.ts';

const dir = mkdtempSync(join(tmpdir(), 'evenkeel-stack-config-'));
afterAll(() => {
  removeAssemblies();
  rmSync(dir, { recursive: true });
});

const main = '  - { name: main, account: DU1234567, symbols: [GC] }\n';

function write(streamers: string, more = ''): void {
  writeFileSync(join(dir, 'paper.yml'), `stage: paper\nstreamers:\n${streamers}${more}`);
}

const synth = (streamers: string, more = '') => {
  write(streamers, more);
  return synthStage('paper', { configDir: dir });
};

describe('configuration in the stack', () => {
  it('makes one service, one task and one secret name for each streamer', async () => {
    const made = await synth(
      `${main}  - { name: second, account: DU7654321, symbols: [ES], gateway: { clientId: 2 } }\n`,
      'aws: { architecture: arm64 }\nreconcile: { everyMinutes: 1 }\n',
    );
    const services = ofType(made, 'AWS::ECS::Service').map(([, { Properties }]) => Properties.ServiceName);
    expect(services).toEqual(['evenkeel-paper-streamer-main', 'evenkeel-paper-streamer-second']);
    const tasks = JSON.stringify(ofType(made, 'AWS::ECS::TaskDefinition'));
    expect(tasks).toContain(':secret:evenkeel-paper-gateway-second:TWS_PASSWORD::');
    // The processor by configuration, and the image is built for it.
    made.template.allResourcesProperties('AWS::ECS::TaskDefinition', {
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    });
    expect(imagePlatforms(made.assembly)).toEqual(['linux/arm64']);
    // A rate of one has its unit in the singular, and no call may wait for less than a minute.
    for (const name of ['main', 'second']) {
      made.template.hasResourceProperties('AWS::Scheduler::Schedule', {
        Name: `evenkeel-paper-reconcile-${name}`,
        ScheduleExpression: 'rate(1 minute)',
        Target: { RetryPolicy: { MaximumEventAgeInSeconds: 60 } },
      });
    }
  });

  it('leaves the gateway container out when the gateway runs elsewhere', async () => {
    const made = await synth(
      '  - { name: main, account: DU1234567, symbols: [GC], gateway: { host: gateway.example, port: 7497 } }\n',
    );
    const task = firstOf(made, 'AWS::ECS::TaskDefinition');
    const names = (task[1].Properties.ContainerDefinitions as ContainerDefinition[]).map(({ Name }) => Name);
    expect(names).toEqual(['streamer']);
    expect(imagePlatforms(made.assembly)).toEqual(['linux/amd64']);
  });

  it('refuses a port on the loopback that the gateway container does not have', async () => {
    await expect(
      synth('  - { name: main, account: DU1234567, symbols: [GC], gateway: { port: 7497 } }\n'),
    ).rejects.toThrow(/STREAMER_GATEWAY_UNREACHABLE.*7497.*4002/s);
  });

  it('binds the stack to account and region, and still asks AWS for nothing at synth', async () => {
    const made = await synth(main, 'aws: { region: eu-north-1, accountId: "123456789012" }\n');
    const manifest = JSON.parse(readFileSync(join(made.assembly, 'manifest.json'), 'utf8')) as {
      missing?: unknown;
      artifacts: Record<string, { environment?: string }>;
    };
    expect(manifest.artifacts['evenkeel-paper']?.environment).toBe('aws://123456789012/eu-north-1');
    expect(manifest.missing).toBeUndefined();
    const zones = ofType(made, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.AvailabilityZone);
    expect(zones).toEqual([0, 1].map((index) => ({ 'Fn::Select': [index, { 'Fn::GetAZs': '' }] })));
  });
});

function imagePlatforms(assembly: string): unknown[] {
  const assets = JSON.parse(readFileSync(join(assembly, 'evenkeel-paper.assets.json'), 'utf8')) as {
    dockerImages: Record<string, { source: { platform?: string } }>;
  };
  return [...new Set(Object.values(assets.dockerImages).map(({ source }) => source.platform))];
}

describe('the place of a deployment', () => {
  /** The message of the refusal; it comes before anything is bundled. */
  function refusal(aws: string, credentialsAccount?: string): string {
    write(main, `aws: ${aws}\n`);
    try {
      createApp({ context: { stage: 'paper' }, configDir: dir, credentialsAccount });
    } catch (error) {
      expect((error as { code?: string }).code).toBe('CONFIG_INVALID');
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  }

  it('is a region that exists: a mistyped one is refused with the nearest names', () => {
    const message = refusal('{ region: eu-nort-1 }');
    expect(message).toContain('stage paper cannot be used; nothing was started');
    expect(message).toMatch(/aws\.region is "eu-nort-1"; no such region .*; did you mean eu-north-1, /);
  });

  it('is a region that exists: one that resembles none is refused with all of them', () => {
    expect(refusal('{ region: zz-atlantis-7 }')).toMatch(/"zz-atlantis-7"; .*known: .*eu-west-1.*us-east-1/);
  });

  it('is the account of the configuration: credentials of another are refused with what to do', () => {
    const message = refusal('{ accountId: "123456789012" }', '999999999999');
    expect(message).toContain(
      'aws.accountId is "123456789012"; the credentials in use are of account 999999999999; use those of 123456789012 (AWS_PROFILE',
    );
  });

  it('is said wholly: both mistakes at once', () => {
    const message = refusal('{ region: us-esat-1, accountId: "123456789012" }', '999999999999');
    expect(message).toMatch(/aws\.region is .*us-east-1.*\n.*aws\.accountId is/);
  });

  it('has an account of 12 digits, as text: a number would lose the zeros at its begin', () => {
    for (const wrong of ['123456789012', '"12345"', '"12345678901x"'])
      expect(refusal(`{ accountId: ${wrong} }`)).toContain('allowed: 12 digits in quotes');
  });
});
