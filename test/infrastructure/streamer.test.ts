import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { firstOf, namedOf, stageTemplates } from '../helpers/stage-template.ts';
import { containerOf } from '../helpers/template-parts.ts';

const templates = await stageTemplates();
const container = (name: string, stage: (typeof stages)[number] = 'paper') =>
  containerOf(templates[stage], name);

describe('the streamer service', () => {
  it.each(stages)('of stage %s never runs two tasks', (stage) => {
    const { template } = templates[stage];
    template.resourceCountIs('AWS::ECS::Service', 1);
    template.hasResourceProperties('AWS::ECS::Service', {
      DesiredCount: 1,
      AvailabilityZoneRebalancing: 'DISABLED',
      DeploymentConfiguration: {
        MinimumHealthyPercent: 0,
        MaximumPercent: 100,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      LaunchType: 'FARGATE',
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } },
    });
  });

  it('gives the streamer 120 s to stop, restarts it in its task, and keeps the outbox on a volume of the task', () => {
    expect(container('streamer')).toMatchObject({
      StopTimeout: 120,
      RestartPolicy: { Enabled: true, RestartAttemptPeriod: 60 },
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/var/lib/evenkeel', ReadOnly: false, SourceVolume: 'outbox' }],
    });
    templates.paper.template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Volumes: [{ Name: 'outbox' }],
      NetworkMode: 'awsvpc',
      Cpu: '1024',
      Memory: '3072',
      RuntimePlatform: { CpuArchitecture: 'X86_64', OperatingSystemFamily: 'LINUX' },
    });
  });

  it('starts the gateway only after the streamer is healthy', () => {
    expect(container('gateway')).toMatchObject({
      DependsOn: [{ ContainerName: 'streamer', Condition: 'HEALTHY' }],
      RestartPolicy: { Enabled: true },
    });
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('its health check, run as it stands, answers %i with exit code %i', async (status, code) => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { spawn } = await import('node:child_process');
    const [kind, command, ...args] = container('streamer').HealthCheck?.Command ?? [];
    expect([kind, command]).toEqual(['CMD', 'node']);
    const check = spawn(process.execPath, args, { env: { HEALTH_PORT: String(address.port) } });
    const [exitCode] = (await once(check, 'exit')) as [number];
    server.close();
    expect({ exitCode, paths }).toEqual({ exitCode: code, paths: ['/healthz'] });
  });

  it('its health check fails when nothing listens', () => {
    const [, , ...args] = container('streamer').HealthCheck?.Command ?? [];
    expect(spawnSync(process.execPath, args, { env: { HEALTH_PORT: '9' } }).status).toBe(1);
  });

  it('is told its stage, its name and where things are, and nothing more', () => {
    const ref = (type: string, name: string) => ({ Ref: namedOf(templates.paper, type, name)[0] });
    expect(container('streamer').Environment).toEqual([
      { Name: 'STAGE', Value: 'paper' },
      { Name: 'STREAMER_NAME', Value: 'main' },
      { Name: 'EVENT_BUS_NAME', Value: ref('AWS::Events::EventBus', 'evenkeel-paper') },
      { Name: 'BOOK_QUEUE_URL', Value: ref('AWS::SQS::Queue', 'evenkeel-paper-book.fifo') },
      { Name: 'COMMAND_QUEUE_URL', Value: ref('AWS::SQS::Queue', 'evenkeel-paper-orders-main.fifo') },
      { Name: 'CONTROL_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-control') },
      { Name: 'SNAPSHOT_BUCKET', Value: { Ref: firstOf(templates.paper, 'AWS::S3::Bucket')[0] } },
      { Name: 'BOOK_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-book') },
      { Name: 'AUDIT_TABLE', Value: ref('AWS::DynamoDB::Table', 'evenkeel-paper-audit') },
    ]);
    expect(container('streamer').Secrets).toBeUndefined();
  });

  it.each(stages)('of stage %s takes the login from Secrets Manager, never from its environment', (stage) => {
    const gateway = container('gateway', stage);
    expect(gateway.Secrets?.map(({ Name }) => Name)).toEqual(['TWS_USERID', 'TWS_PASSWORD']);
    for (const { Name, ValueFrom } of gateway.Secrets ?? []) {
      expect(JSON.stringify(ValueFrom)).toContain(`:secret:evenkeel-${stage}-gateway-main:${Name}::`);
    }
    const names = [...(gateway.Environment ?? []), ...(container('streamer', stage).Environment ?? [])].map(
      ({ Name }) => Name,
    );
    expect(names.filter((name) => /USER|PASS|SECRET|TOKEN|KEY|LOGIN(?!_AFTER)/.test(name))).toEqual([]);
  });

  it.each([
    ['sandbox', 'paper', 'no'],
    ['paper', 'paper', 'no'],
    ['live', 'live', 'no'],
  ] as const)(
    'of stage %s logs in for %s trading, its API read-only: %s, from a pinned image',
    (stage, mode, readOnly) => {
      const gateway = container('gateway', stage);
      expect(gateway.Environment).toEqual(
        expect.arrayContaining([
          { Name: 'TRADING_MODE', Value: mode },
          { Name: 'READ_ONLY_API', Value: readOnly },
        ]),
      );
      expect(gateway.Image).toMatch(/^ghcr\.io\/gnzsnz\/ib-gateway(:\d+\.\d+\.\d+\w*|@sha256:[0-9a-f]{64})$/);
    },
  );
});
