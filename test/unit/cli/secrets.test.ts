import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { CliError } from '../../../bin/evenkeel/exit.ts';
import { createPrompts } from '../../../bin/evenkeel/prompts.ts';
import { MemorySecrets } from '../../helpers/memory-secrets.ts';
import { type Person, runOnStage } from '../../helpers/stage-run.ts';

const login = 'evenkeel-paper-gateway-main';
const channels = 'evenkeel-paper-alert-channels';
const password = 'Tr0ub4dor&3';
const hook = 'https://hooks.slack.com/services/T0/B0/abcdefgh';

let secrets: MemorySecrets;
beforeEach(() => {
  secrets = new MemorySecrets();
});

const run = (argv: readonly string[], person?: Person, stage = 'paper') =>
  runOnStage({ secrets }, ['secrets', ...argv, '--stage', stage], person);

describe('secrets set', () => {
  it('asks for the login, the password twice, and shows neither', async () => {
    const ran = await run(['set', 'gateway'], { types: ['trader77', password, password] });
    expect(ran.code).toBe(0);
    expect(secrets.values.get(login)).toEqual({ TWS_USERID: 'trader77', TWS_PASSWORD: password });
    expect(ran.out).toContain(`${login} created: TWS_USERID, TWS_PASSWORD.`);
    expect(ran.out).toContain('npm run ops -- preflight --stage paper');
    for (const text of [ran.out, ran.err, ...ran.asked]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain('trader77');
    }
  });

  it('takes no password that was typed differently, none that is empty, and no placeholder', async () => {
    const types = ['', 'trader77', '<password>', password, 'Tr0ub4dor', password];
    const ran = await run(['set', 'gateway-main'], { types });
    expect(ran.code).toBe(0);
    expect(ran.asked.filter((line) => /^(Is|That)/.test(line))).toEqual([
      'Is empty.',
      'Is a placeholder.',
      'That is not the same; delete it and type it again.',
    ]);
  });

  it('says how a task that runs gets the new login', async () => {
    await run(['set', login], { types: ['a-user', password, password] });
    const again = await run(['set', login], { types: ['b-user', password, password] });
    expect(again.out).toContain(`${login} changed`);
    expect(again.out).toContain(
      'aws ecs update-service --cluster evenkeel-paper --service evenkeel-paper-streamer-main --force-new-deployment',
    );
    expect(secrets.values.get(login)).toMatchObject({ TWS_USERID: 'b-user' });
  });

  it('asks for one alert channel and leaves the others', async () => {
    secrets.values.set(channels, { mail: { url: 'https://hook.example.se/1' } });
    const ran = await run(['set'], { types: ['alert-channels', 'desk-slack', 'http://x.se', hook, ''] });
    expect(ran.code).toBe(0);
    expect(secrets.values.get(channels)).toEqual({
      mail: { url: 'https://hook.example.se/1' },
      'desk-slack': { url: hook },
    });
    expect(ran.asked).toContain('Allowed: a URL that begins with https://.');
    expect(ran.err).toContain('with mail');
    expect(ran.out + ran.err).not.toContain(hook);
  });

  it('reads JSON from standard input, which is then the whole secret', async () => {
    secrets.values.set(channels, { old: { url: hook } });
    const input = JSON.stringify({ desk: { url: hook, key: 'k1-abc' } });
    const ran = await run(['set', 'alert-channels', '--stdin', '--json'], { input });
    expect(JSON.parse(ran.out)).toEqual({
      stage: 'paper',
      name: channels,
      result: 'changed',
      keys: ['desk'],
    });
    expect(secrets.values.get(channels)).toEqual({ desk: { url: hook, key: 'k1-abc' } });
  });

  it.each<[string, string, RegExp]>([
    ['what is no JSON', `TWS_PASSWORD=${password}`, /it is no JSON/],
    ['a list', `["${password}"]`, /it is no object/],
    ['a key too few', `{"TWS_PASSWORD":"${password}"}`, /TWS_USERID is missing/],
    ['a key too many', `{"TWS_USERID":"u1","TWS_PASSWORD":"${password}","PIN":"1"}`, /there is no key PIN/],
    ['a placeholder', '{"TWS_USERID":"u1","TWS_PASSWORD":"..."}', /TWS_PASSWORD is a placeholder/],
    ['a number', '{"TWS_USERID":"u1","TWS_PASSWORD":12345678}', /TWS_PASSWORD is no text/],
  ])('refuses %s and does not repeat it', async (_what, input, why) => {
    const ran = await run(['set', 'gateway', '--stdin'], { input });
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(/^SECRET_INPUT_INVALID: /);
    expect(ran.err).toMatch(why);
    expect(ran.err).not.toContain(password);
    expect(ran.err).not.toContain('12345678');
    expect(secrets.values.size).toBe(0);
  });

  it.each<[string, readonly string[], Person, string]>([
    ['nobody at the terminal', ['set', 'gateway'], {}, 'TERMINAL_NEEDED'],
    ['no name and nobody to ask', ['set', '--stdin'], { input: '{}' }, 'SECRET_NEEDED'],
    [
      'standard input that is the terminal',
      ['set', 'gateway', '--stdin'],
      { types: [] },
      'STDIN_IS_TERMINAL',
    ],
    ['a secret that there is not', ['set', 'gatway'], { types: [] }, 'SECRET_UNKNOWN'],
    // The value must never be an argument.
    ['a value as an argument', ['set', 'gateway', password], { types: [] }, 'USAGE'],
  ])('refuses %s', async (_what, argv, person, code) => {
    const ran = await run(argv, person);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`${code}: `);
    expect(secrets.values.size).toBe(0);
  });

  it('live is said by name and confirmed', async () => {
    const name = 'evenkeel-live-gateway-main';
    const unsaid = await runOnStage({ secrets }, ['secrets', 'set', 'gateway'], {
      types: [],
      env: { STAGE: 'live' },
    });
    expect(unsaid.err).toContain('STAGE_LIVE_UNSAID');
    const input = JSON.stringify({ TWS_USERID: 'u1', TWS_PASSWORD: password });
    const piped = await run(['set', 'gateway', '--stdin'], { input }, 'live');
    expect(piped).toMatchObject({ code: 2, err: expect.stringContaining('CONFIRMATION_NEEDED') });
    expect(secrets.values.size).toBe(0);
    expect((await run(['set', 'gateway', '--stdin', '--yes'], { input }, 'live')).code).toBe(0);
    const typed = await run(['set', 'gateway'], { types: ['yes', name, 'u2', password, password] }, 'live');
    expect(typed.code).toBe(0);
    expect(typed.asked[0]).toContain(`Type ${name} to go on`);
    expect(secrets.values.get(name)).toMatchObject({ TWS_USERID: 'u2' });
  });
});

describe('secrets list', () => {
  it('shows which there are, their keys, when they changed, and no value', async () => {
    secrets.values.set(login, { TWS_USERID: 'trader77', TWS_PASSWORD: '...' });
    secrets.values.set('evenkeel-paper-gateway-old', { TWS_USERID: 'trader78', TWS_PASSWORD: password });
    for (const argv of [[], ['list']]) {
      const { out, code } = await run(argv);
      expect(code).toBe(0);
      expect(out).toMatch(
        /evenkeel-paper-gateway-main\s+2026-01-05 15:00:00\s+TWS_USERID, TWS_PASSWORD \(placeholder\)/,
      );
      expect(out).toMatch(/evenkeel-paper-alert-channels\s+is not there/);
      expect(out).toMatch(/evenkeel-paper-gateway-old.*nothing in this configuration uses it/);
      expect(out).not.toMatch(/trader7|Tr0ub/);
    }
    const json = JSON.parse((await run(['list', '--json'])).out);
    expect(json.secrets[0]).toEqual({
      name: login,
      what: 'login of IB Gateway for DU1234567',
      exists: true,
      keys: [
        { name: 'TWS_USERID', state: 'filled' },
        { name: 'TWS_PASSWORD', state: 'placeholder' },
      ],
      changedAt: '2026-01-05T14:00:00.000Z',
      problem: '',
    });
  });
});

describe('the questions at a real terminal', () => {
  function terminal() {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
    let shown = '';
    output.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8');
    });
    const prompts = createPrompts(input, output, new AbortController().signal);
    return { input, prompts, shown: () => shown };
  }

  it('what is typed never reaches the screen', async () => {
    const { input, prompts, shown } = terminal();
    const asked = prompts.hidden('TWS_PASSWORD', () => undefined);
    for (const key of password) input.write(key);
    input.write('\r');
    expect(await asked).toBe(password);
    expect(shown()).toContain('TWS_PASSWORD');
    for (let at = 0; at + 3 <= password.length; at += 1)
      expect(shown()).not.toContain(password.slice(at, at + 3));
  });

  it('Ctrl-C is an interruption, exit code 130', async () => {
    const { input, prompts } = terminal();
    const asked = prompts.hidden('TWS_PASSWORD', () => undefined);
    input.write('\u0003');
    const error = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CliError);
    expect(error).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  });
});
