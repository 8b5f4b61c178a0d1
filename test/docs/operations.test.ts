import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { logParts } from '../../bin/evenkeel/logs.ts';
import { runEvenkeel } from '../../bin/evenkeel/program.ts';
import { run as applyPlan } from '../../functions/apply-plan/run.ts';
import { run as backup } from '../../functions/backup/run.ts';
import { run as drill } from '../../functions/drill/run.ts';
import { daysOf } from '../../lib/domain/archive/days.ts';
import { parseRequest } from '../../lib/reconcile/request.ts';
import { alarmKinds, describeAlarm } from '../../lib/stacks/alarm-runbook.ts';
import { functionNames } from '../../lib/stacks/bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}/docs/operations.md`, 'utf8');
const arn = 'arn:aws:lambda:us-east-1:123456789012:function:any';
const account = 'DU1234567';

/** Whatever a function asks for first once it has understood what it was asked. */
class Understood extends Error {}
const untouched = new Proxy({}, { get: () => () => fail() }) as never;
function fail(): never {
  throw new Understood();
}
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const publisher = { publish: async () => [{ ok: true }] } as never;
const stage = { stage: 'paper', logger, publisher, nowMs: () => 0 } as const;

/** What each function makes of a payload: throws Understood, or answers, for one that is right. */
const takes: Readonly<Record<string, (payload: unknown) => unknown>> = {
  reconcile: (payload) =>
    parseRequest(payload, [
      { account, streamer: 'main', commandQueueUrl: 'http://queue', timeZone: 'UTC', clientId: 1 },
    ]),
  archive: (payload) => daysOf(payload, Date.UTC(2026, 5, 1)),
  backup: (payload) =>
    backup(payload, arn, { ...stage, tables: { book: 'b', audit: 'a' }, partitions: fail } as never),
  drill: (payload) => {
    const options = {
      ...stage,
      get store() {
        return fail();
      },
    };
    return drill(payload, arn, options as never);
  },
  'apply-plan': (payload) =>
    applyPlan(payload, arn, { ...stage, accounts: [account], approvers: ['*'], book: untouched } as never),
  // It asks for nothing.
  watchdog: () => undefined,
};

async function isTaken(name: string, payload: unknown): Promise<boolean> {
  try {
    await takes[name]!(payload);
    return true;
  } catch (error) {
    return error instanceof Understood;
  }
}

async function help(...command: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const said: string[] = [];
  const output = { write: (text: string) => void said.push(text), isTTY: false, columns: 200 };
  const io = {
    out: output,
    err: output,
    env: {},
    signal: new AbortController().signal,
    nowMs: () => 0,
    sleep: async () => undefined,
    ask: undefined,
  };
  const code = await runEvenkeel([...command, '--help'], io, fail, '0');
  return { code, text: said.join('') };
}

/** `evenkeel plan approve 4be1c2d0 --reason "x"` as words; what is quoted is one. */
function commandsIn(text: string): string[][] {
  const lines = text.matchAll(/(?:npm run ops -- |`evenkeel )([a-z][^`#\n]*)/g);
  return [...lines].map(([, line]) =>
    [...line!.matchAll(/"[^"]*"|[^\s"]+/g)].map(([word]) => word).filter((word) => !/^[;,:.]+$/.test(word)),
  );
}

/** What is wrong with a command: it does not exist, or has no such option. */
async function problemOf(words: readonly string[]): Promise<string[]> {
  const [name = '', second = ''] = words;
  const top = await help();
  const isCommand = (text: string, word: string) =>
    new RegExp(`^  ${word}\\b`, 'm').test(text.split('Commands:')[1] ?? '');
  if (!isCommand(top.text, name)) return [`${words.join(' ')}: there is no command ${name}`];
  const own = await help(name);
  const path = /^[a-z-]+$/.test(second) && isCommand(own.text, second) ? [name, second] : [name];
  const { text } = await help(...path);
  const options = words.map((word) => word.replace(/[:,.;]$/, '')).filter((word) => word.startsWith('--'));
  return options
    .filter((option) => ![...text.matchAll(/(--[a-z-]+)/g)].some(([known]) => known === option))
    .filter((option) => !top.text.includes(`${option} `))
    .map((option) => `${words.join(' ')}: ${path.join(' ')} has no ${option}`);
}

describe('docs/operations.md', () => {
  const invocations = [
    ...page.matchAll(/--function-name evenkeel-paper-([a-z-]+)[^`]*?--payload '([^']+)' answer\.json/g),
  ].map(([, name, payload]) => ({ name: name!, payload: JSON.parse(payload!) as object }));

  it('has a payload for each function that can be asked by hand', () => {
    const byEvents = ['alerts', 'book-keeper', 'candle-keeper'];
    const names = invocations.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b));
    expect(names).toEqual(Object.keys(takes).toSorted((a, b) => a.localeCompare(b)));
    // One that is added has to be here, or to be called by events alone.
    expect(functionNames.filter((name) => !names.includes(name) && !byEvents.includes(name))).toEqual([]);
  });

  it.each(invocations)(
    '$name understands the payload, and none with another word in it',
    async ({ name, payload }) => {
      expect(await isTaken(name, payload)).toBe(true);
      const wrong: Readonly<Record<string, object>> = {
        reconcile: { ...payload, triger: 'x' },
        archive: { ...payload, days: '7' },
        backup: { ...payload, triger: 'x' },
        drill: { ...payload, backup: 7 },
        'apply-plan': { ...payload, hash: '4be1c2d0' },
      };
      if (wrong[name] !== undefined) expect(await isTaken(name, wrong[name])).toBe(false);
    },
  );

  it('names commands and options of evenkeel that exist', async () => {
    const commands = commandsIn(page);
    expect(commands.length).toBeGreaterThan(40);
    const problems = await Promise.all(commands.map((words) => problemOf(words)));
    expect(problems.flat()).toEqual([]);
    expect(await problemOf(['reconcile', '--reson', '"x"'])).toHaveLength(1);
    expect(await problemOf(['reconcil'])).toHaveLength(1);
  });

  it('and so do the descriptions of the alarms, for every function that can fail', async () => {
    const described = [
      ...alarmKinds.map((kind) => describeAlarm(kind, 'main', { stage: 'paper' })),
      ...functionNames.map((name) =>
        describeAlarm('function-failing', `evenkeel-paper-${name}`, { stage: 'paper' }),
      ),
    ];
    const commands = described.flatMap((text) => commandsIn(text));
    expect(commands.length).toBeGreaterThan(functionNames.length + 8);
    const problems = await Promise.all(commands.map((words) => problemOf(words)));
    expect(problems.flat()).toEqual([]);
    expect(functionNames.filter((name) => !(logParts as readonly string[]).includes(name))).toEqual([]);
  });

  it('has a runbook for each kind of alarm, of the same form', () => {
    const alarms = page.split(/^## /m).find((text) => text.startsWith('Alarms\n'))!;
    const sections = alarms.split(/^### /m).slice(1);
    expect(sections.map((text) => text.split('\n')[0])).toEqual([...alarmKinds]);
    for (const section of sections)
      for (const part of ['**Means**', '**Look first**', '**Do**', '**Escalate**'])
        expect(section).toContain(part);
  });

  it('is linked to by places that exist, and links to such', () => {
    const anchorsOf = (text: string) =>
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
        title!
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      );
    const read = (name: string) => readFileSync(`${root}/docs/${name}`, 'utf8');
    const links = [...page.matchAll(/\]\(([a-z-]*\.?m?d?)#([^)]+)\)/g)];
    expect(links.length).toBeGreaterThan(10);
    const broken = links.filter(
      ([, file, anchor]) => !anchorsOf(file === '' ? page : read(file!)).includes(anchor!),
    );
    expect(broken.map(([link]) => link)).toEqual([]);
    const here = new Set(anchorsOf(page));
    const others = readdirSync(`${root}/docs`).filter((name) => name.endsWith('.md'));
    const toHere = others.flatMap((name) =>
      [...read(name).matchAll(/operations\.md#([\w-]+)/g)].map(([, at]) => at!),
    );
    expect(toHere.filter((anchor) => !here.has(anchor))).toEqual([]);
  });
});
