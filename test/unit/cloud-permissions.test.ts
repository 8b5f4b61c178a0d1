/** What the local cloud does under a role in AWS's place, and how permissions change while it runs. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type AccessDecision, Iam, type RoleModel } from '../../sandbox/cloud/iam.ts';
import { compilePolicy } from '../../sandbox/cloud/iam-policy.ts';
import { containerEnvironment } from '../../sandbox/cloud/local-environment.ts';
import { LogFile } from '../../sandbox/cloud/log-file.ts';
import { mayWriteLog } from '../../sandbox/cloud/log-writing.ts';
import type { CloudModel, ContainerModel, FunctionModel } from '../../sandbox/cloud/model.ts';
import { Secrets } from '../../sandbox/cloud/secrets.ts';
import { StatsCollector } from '../../sandbox/cloud/stats.ts';
import { temporaryFolder } from '../helpers/cloud-fixture.ts';

const where = { region: 'eu-west-1', account: '000000000000' };
const { folder, remove } = temporaryFolder();
afterAll(remove);

function roleWith(
  ...grants: readonly (readonly [actions: string | readonly string[], resource: string])[]
): RoleModel {
  const Statement = grants.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  return {
    logicalId: 'Role',
    name: 'role',
    arn: 'arn:aws:iam::000000000000:role/role',
    trusted: [],
    statements: compilePolicy({ Statement }, 'test'),
  };
}

function iamOf(role: RoleModel): Iam {
  return new Iam({ roles: [role], resourcePolicies: new Map(), ...where });
}

describe('permissions that change', () => {
  const access = { action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:000000000000:q' };
  const granted = roleWith(['sqs:SendMessage', access.resource]);

  it('hold at once, also for what was decided before', () => {
    const iam = iamOf(granted);
    expect(iam.check('Role', [access])).toBeUndefined();
    iam.deploy({ roles: [roleWith()], resourcePolicies: new Map() });
    expect(iam.check('Role', [access])?.access).toEqual(access);
    iam.deploy({ roles: [granted], resourcePolicies: new Map() });
    expect(iam.check('Role', [access])).toBeUndefined();
  });

  it('are told to who watches, each time, but for what was asked aside', () => {
    const iam = iamOf(granted);
    const seen: AccessDecision[] = [];
    const stop = iam.watch((decision) => seen.push(decision));
    const other = { ...access, action: 'sqs:PurgeQueue' };
    iam.check('Role', [access]);
    iam.check('Role', [access, other]);
    iam.check('Role', [other], 'aside');
    iam.check('operator', [other]);
    stop();
    iam.check('Role', [access]);
    expect(seen).toEqual([
      { role: 'Role', access, allowed: true },
      { role: 'Role', access, allowed: true },
      { role: 'Role', access: other, allowed: false },
    ]);
  });
});

describe('what a function prints', () => {
  const group = 'arn:aws:logs:eu-west-1:000000000000:log-group:/stage/keeper:*';
  const logGroups = [{ name: '/stage/keeper', arn: group, functions: ['keeper'], containers: [] }];
  const writes = (role: RoleModel, name = 'keeper') => {
    const stats = new StatsCollector(() => undefined);
    const fn = { name, role } as FunctionModel;
    const may = mayWriteLog(fn, { logGroups, ...where }, iamOf(role), stats);
    return { may, denied: stats.denied, problem: stats.snapshot(0, 0).problems[0] ?? '' };
  };
  const both = ['logs:CreateLogStream', 'logs:PutLogEvents'];

  it('is written with the permission for its own log group', () => {
    expect(writes(roleWith([both, group]))).toEqual({ may: true, denied: 0, problem: '' });
    const basic = roleWith([both, '*']);
    expect(writes(basic, 'other').may, 'the group that Lambda itself names').toBe(true);
  });

  it.each(both)('is lost without %s, and that is told', (missing) => {
    const { may, denied, problem } = writes(roleWith([both.filter((one) => one !== missing), group]));
    expect({ may, denied }).toEqual({ may: false, denied: 1 });
    expect(problem).toContain(`the output of function keeper is lost: User: `);
    expect(problem).toContain(`not authorized to perform: ${missing} on`);
  });

  it('does not get into the file', async () => {
    const file = path.join(folder, 'lost.log');
    let may = false;
    const log = new LogFile(file, () => may);
    log.line('one');
    await log.flush();
    expect(existsSync(file)).toBe(false);
    may = true;
    log.line('two');
    await log.flush();
    expect(existsSync(file)).toBe(true);
  });
});

describe('the start of a container', () => {
  const secret = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:stage-login';
  const dataDir = path.join(folder, 'data');
  mkdirSync(dataDir);
  writeFileSync(path.join(dataDir, 'secrets.json'), JSON.stringify({ 'stage-login': '{"USER":"anna"}' }));
  const repository = 'arn:aws:ecr:eu-west-1:000000000000:repository/images';
  const grants: readonly (readonly [string, string])[] = [
    ['ecr:GetAuthorizationToken', '*'],
    ['ecr:BatchCheckLayerAvailability', repository],
    ['ecr:GetDownloadUrlForLayer', repository],
    ['ecr:BatchGetImage', repository],
    ['logs:CreateLogStream', 'arn:aws:logs:eu-west-1:000000000000:log-group:/stage/task:*'],
    ['logs:PutLogEvents', 'arn:aws:logs:eu-west-1:000000000000:log-group:/stage/task:*'],
    ['secretsmanager:GetSecretValue', `${secret}-??????`],
  ];
  const start = (of: readonly (readonly [string, string])[], changes: Partial<ContainerModel> = {}) => {
    const executionRole = roleWith(...of);
    const container: ContainerModel = {
      name: 'gateway',
      environment: {},
      secrets: { USER: `${secret}:USER::` },
      image: '000000000000.dkr.ecr.eu-west-1.amazonaws.com/images:abc',
      logGroupArn: 'arn:aws:logs:eu-west-1:000000000000:log-group:/stage/task:*',
      taskRole: executionRole,
      executionRole,
      ...changes,
    };
    return containerEnvironment(
      'gateway',
      {},
      {
        model: { containers: [container] } as unknown as CloudModel,
        iam: iamOf(executionRole),
        secrets: new Secrets({ secrets: [], ...where }, dataDir),
        place: { endpoint: 'http://127.0.0.1:1', region: where.region, dataDir },
      },
    );
  };

  it('pulls the image, opens the log and reads the login, which the stack itself does not make', () => {
    expect(start(grants)).toMatchObject({ USER: 'anna' });
  });

  it.each(grants)('is refused without %s', (missing) => {
    const code = missing.startsWith('secretsmanager') ? 'SECRET_DENIED' : 'TASK_DENIED';
    const starting = () => start(grants.filter(([action]) => action !== missing));
    expect(starting).toThrow(expect.objectContaining({ code, message: expect.stringContaining(missing) }));
  });

  it('asks nobody for an image of another registry', () => {
    const others = grants.filter(([action]) => !action.startsWith('ecr:'));
    expect(start(others, { image: 'ghcr.io/somebody/gateway:stable' })).toMatchObject({ USER: 'anna' });
  });
});
