import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exit } from '../../../bin/evenkeel/exit.ts';
import { fillEvent, orderEvent, positionEvent } from '../../helpers/book-events.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { commandPaths, examplesIn, helpOf } from '../../helpers/program-help.ts';
import { account, createDesk, nowMs, type Ran, type TestDesk } from './desk.ts';
import { ReconcileCliDesk } from './reconcile-cli-desk.ts';

const paths = await commandPaths();
const helps = new Map(
  await Promise.all(paths.map(async (path) => [path.join(' '), await helpOf(...path)] as const)),
);
const examples = new Map([...helps].map(([name, help]) => [name, examplesIn(help)] as const));
/** With `--json` they write a line for each thing that comes. */
const streams = (words: readonly string[]) => words[0] === 'logs' || words.includes('--watch');
const withoutJson = new Set(['console', 'completion']);

it('the program itself shows commands that there are', async () => {
  const shown = examplesIn(await helpOf()).map(([name]) => name);
  expect(shown.length).toBeGreaterThan(2);
  expect(paths.map(([name]) => name)).toEqual(expect.arrayContaining(shown));
});

describe.each([...helps])('%s', (name, help) => {
  it('says what it does, and shows how', () => {
    const [, described = ''] = help.split('\n\n');
    expect(described).toMatch(/^\S.{4,}/);
    const own = examples.get(name)!.filter((example) => example.join(' ').startsWith(name));
    expect(own.length).toBeGreaterThan(0);
    expect(help).toMatch(/^Exit codes: 0 ok, 1 fault, 2 .+, 3 .+, 4 .+, 130 interrupted\.$/m);
  });

  it('shows how JSON comes without the banner of npm', () => {
    for (const line of help.split('\n').filter((each) => /^ {2}npm run .*(--json| > )/.test(each)))
      expect(line).toContain('npm run -s ops --');
  });
});

describe.skipIf(!engineIsHere)(
  `--json of every command${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;
    let reconcileDesk: ReconcileCliDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
      desk = await createDesk(engine);
      reconcileDesk = await ReconcileCliDesk.open(engine, 'every-command');
      await prepare();
    });
    afterAll(async () => {
      desk.stop();
      reconcileDesk.stop();
      await engine.stop();
    });

    /** What the examples speak of. */
    async function prepare(): Promise<void> {
      const at = (seq: number) => ({ account, epoch: 7, seq });
      const execution = { execBase: '0000e1a7.6960a1b2.01', revision: 1 };
      await desk.tell(
        orderEvent('order.placed', 1873465, { orderRef: 'my-reference' }, at(1)),
        fillEvent(
          1873465,
          { ...execution, orderRef: 'my-reference', quantity: '1', price: '1323.4' },
          at(812),
        ),
        positionEvent(98765432, '1', at(813)),
      );
      for (const part of ['streamer-main', 'book-keeper'])
        desk.world.logs[`/evenkeel-sandbox/${part}`] = ['streamer', 'gateway'].map((stream) => ({
          // The desk's clock goes on whenever a command waits.
          atMs: nowMs + 86_400_000,
          stream,
          id: stream,
          message: '{"level":30,"msg":"up"}',
        }));
      await desk.run('backup', '--reason', 'there is one');
    }

    /** As it stands in the help, but in the sandbox; what follows something is interrupted after a while. */
    function runExample(example: readonly string[], ...more: string[]): Promise<Ran> {
      let sleeps = 0;
      desk.world.onSleep = () => {
        sleeps += 1;
        if (sleeps > (streams(example) ? 3 : 200)) desk.world.interrupt();
      };
      const words = example.filter(
        (word, at) => ![word, example[at - 1]].includes('--stage') && word !== '--json',
      );
      // A run of reconcile needs a broker.
      const isRun = words[0] === 'reconcile' && (words.length === 1 || words[1]!.startsWith('--'));
      return (isRun ? reconcileDesk : desk).run(...words, ...more);
    }

    it.each([...examples])(
      '%s: each example gives JSON and nothing else, or says in JSON why not',
      async (name, all) => {
        for (const example of all) {
          const { code, out, err } = await runExample(example, '--json');
          const told = `${example.join(' ')}: ${code}\n${out}\n${err}`;
          expect(Object.values(exit), told).toContain(code);
          const results = jsonLines(out, told);
          const errors = jsonLines(err, told);
          if (!streams(example)) expect(results.length, told).toBeLessThanOrEqual(1);
          if (code === exit.ok) expect([results.length > 0, err], told).toEqual([true, '']);
          if (results.length === 0 && code !== exit.interrupted) expect(errors, told).toHaveLength(1);
          for (const each of errors) {
            expect(each, told).toEqual({
              error: {
                code: expect.stringMatching(/^[A-Z]+(_[A-Z0-9]+)*$/),
                message: expect.stringMatching(/^[^\n]+[.?)]/),
                exitCode: code,
              },
            });
            // An example is no wrong command line.
            expect(each, told).not.toMatchObject({ error: { code: 'USAGE' } });
            const isRefused = JSON.stringify(each).includes('Leave --json out.');
            expect(isRefused, told).toBe(withoutJson.has(name));
          }
        }
      },
    );

    it.each([
      'status',
      'alerts',
      'alerts list',
      'flags',
      'flags set',
      'flags preset',
      'halt',
      'reduce-only',
      'resume',
      'orders',
      'orders show',
      'fills',
      'positions',
      'balances',
      'candles',
      'audit',
      'audit verify',
      'trace',
      'logs',
      'reconcile',
      'reconcile runs',
      'reconcile pause',
      'reconcile resume',
      'plan',
      'plan show',
      'backup',
      'backups',
      'backups list',
      'verify',
      'restore',
      'drill',
      'secrets',
      'secrets list',
      'doctor',
    ])('%s has a result here', async (name) => {
      const { code, out, err } = await runExample(examples.get(name)![0]!, '--json');
      expect([exit.ok, exit.problem], err).toContain(code);
      expect(jsonLines(out, out)).not.toEqual([]);
    });

    it.each([...examples].filter(([name]) => !withoutJson.has(name)))(
      '%s: for a person, an error is off standard output and names its code',
      async (_, all) => {
        for (const example of all) {
          const { code, out, err } = await runExample(example);
          const told = `${example.join(' ')}: ${code}\n${out}\n${err}`;
          expect(Object.values(exit), told).toContain(code);
          if ([exit.fault, exit.input, exit.unreachable].includes(code as 1)) {
            expect(out, told).toBe('');
            expect(err, told).toMatch(/^[A-Z]+(_[A-Z0-9]+)*: \S/m);
          }
          expect(err, told).not.toContain('Unexpected');
        }
      },
    );
  },
);

function jsonLines(text: string, told: string): unknown[] {
  if (text === '') return [];
  expect(text.endsWith('\n'), told).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      expect(() => JSON.parse(line), told).not.toThrow();
      return JSON.parse(line);
    });
}
