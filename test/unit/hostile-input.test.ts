/** What comes from outside and is no tick: events, commands, manifests, parts of backups, tapes, what a person types. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CliError } from '../../bin/evenkeel/exit.ts';
import { parseWhen } from '../../bin/evenkeel/when.ts';
import { discordBody } from '../../lib/alerts/discord.ts';
import { mailOf } from '../../lib/alerts/mail.ts';
import { slackBody } from '../../lib/alerts/slack.ts';
import { BackupError } from '../../lib/backup/backup-error.ts';
import { parseManifest } from '../../lib/backup/manifest-schema.ts';
import { readPartBytes } from '../../lib/backup/part-reader.ts';
import type { ToldAlert } from '../../lib/domain/alerts/types.ts';
import { isBackupId } from '../../lib/domain/backup/backup-id.ts';
import { eventNames } from '../../lib/events/catalogue.ts';
import { commandSchema, intentKey } from '../../lib/events/command.ts';
import { EventError, parseEnvelope, parseNotice } from '../../lib/events/envelope.ts';
import type { ChannelMessage } from '../../lib/ports/alert-channel.ts';
import { loadTape } from '../../sandbox/tapes/tape.ts';
import { TapeError } from '../../sandbox/tapes/tape-error.ts';
import { checkCommand } from '../../streamer/command-check.ts';
import { readExample } from '../helpers/render-event-docs.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const account = 'DU1234567';
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    1e308,
    0.1,
    '',
    'NaN',
    '1e999',
    '-0',
    '\u001b[2J\u0007',
    '\u202eevil',
    '<script>alert(1)</script>',
    '<!channel> <@U1> <https://evil.example|here>',
    '../../etc/passwd',
    'x'.repeat(20_000),
    [],
    {},
    [[[[]]]],
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  ),
  fc.jsonValue(),
);

/** One value of a document, at any depth, in the place of which stands something else. */
function spoilt(value: unknown, path: readonly number[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const names = Object.keys(value);
  if (names.length === 0) return by;
  const name = names[step % names.length]!;
  const inner = spoilt((value as Record<string, unknown>)[name], rest, by);
  return Array.isArray(value) ? value.with(Number(name), inner) : { ...value, [name]: inner };
}

const spoiling = fc.array(fc.nat(30), { minLength: 1, maxLength: 5 });

function expectNothingPolluted(): void {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

describe('events', () => {
  it('spoilt anywhere they are taken by their schema or refused by it, in few words, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.constantFrom(...eventNames), spoiling, nasty, (name, path, by) => {
        const event = spoilt(readExample(name), path, by);
        for (const parse of [parseEnvelope, parseNotice]) {
          try {
            parse(event);
          } catch (error) {
            expect(error).toBeInstanceOf(EventError);
            expect((error as Error).message.length).toBeLessThan(6_000);
          }
        }
        expectNothingPolluted();
      }),
      { numRuns: 400 },
    );
  });

  it('what is no event at all is refused with a code', () => {
    const others = [
      null,
      undefined,
      1,
      'x',
      [],
      {},
      JSON.parse(deep(5_000)),
      { type: 'x'.repeat(1e6), version: 1 },
    ];
    for (const other of [
      ...others,
      { type: 'order.placed', version: 1e9 },
      { type: '__proto__', version: 1 },
    ]) {
      expect(() => parseEnvelope(other)).toThrow(EventError);
      expect(() => parseEnvelope({ ...(readExample('order.placed') as object), data: other })).toThrow(
        EventError,
      );
    }
  });

  it('a thousand mistakes in one event are a few words', () => {
    const example = readExample('plan.staged') as { data: Record<string, unknown> };
    const list = Object.keys(example.data).find((name) => Array.isArray(example.data[name]));
    const data =
      list === undefined ? {} : { ...example.data, [list]: Array.from({ length: 100_000 }, () => 5) };
    try {
      parseEnvelope({ ...example, data });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(6_000);
    }
  });
});

describe('commands', () => {
  const place = {
    id: '2f1c6f5e-6a0e-4f0b-9f3e-0d6f1c1f0a11',
    version: 1,
    account,
    issuedAt: '2026-01-05T15:00:00.000Z',
    issuedBy: 'arn:aws:iam::111122223333:user/desk',
    validUntil: '2026-01-05T15:00:30.000Z',
    type: 'place-bracket',
    by: 'person',
    conId: 101,
    legs: [
      { leg: 'entry', action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice: '2700' },
      { leg: 'stop-loss', action: 'SELL', quantity: '1', orderType: 'STP', stopPrice: '2690' },
    ],
  };

  it('the one that is spoilt is a good one', () => {
    expect(commandSchema.safeParse(place).success).toBe(true);
  });

  it('spoilt anywhere they are what the schema says, or an alert of a few words; never for another account', () => {
    fc.assert(
      fc.property(spoiling, nasty, (path, by) => {
        const judged = checkCommand(
          JSON.stringify(spoilt(place, path, by)),
          account,
          Date.parse(place.issuedAt),
        );
        if (judged.ok) {
          expect(judged.command.account).toBe(account);
          expect(commandSchema.parse(judged.command)).toEqual(judged.command);
        } else expect(judged.alert.message.length).toBeLessThan(3_000);
        expectNothingPolluted();
      }),
      { numRuns: 400 },
    );
  });

  it('bodies that are no JSON, too deep, or hundreds of thousands of legs', () => {
    const many = JSON.stringify({ ...place, legs: Array.from({ length: 50_000 }, () => ({ leg: 'x' })) });
    const foreign = JSON.stringify({ ...place, account: 'x'.repeat(100_000), issuedBy: 'y'.repeat(100_000) });
    for (const body of [
      '',
      '{',
      deep(50_000),
      many,
      foreign,
      'x'.repeat(1e6),
      '\u0000',
      '{"__proto__":{"ok":true}}',
    ]) {
      const judged = checkCommand(body, account, 0);
      if (judged.ok) expect.unreachable();
      else expect(judged.alert.message.length).toBeLessThan(3_000);
    }
  });

  it.each(['../x', 'a/b', 'a b', '-flag', '', 'a'.repeat(65), 'a\u001b[2J', 'a#b', 'á', 'a\n'])(
    'the key %j is none',
    (key) => {
      expect(intentKey.safeParse(key).success).toBe(false);
    },
  );
});

describe('backups', () => {
  it.each([
    'db_backup_20260105_031400/../x',
    '../db_backup_20260105_031400',
    'db_backup_20260105_031400\n',
    'db_backup_２０260105_031400',
    '',
  ])('the id %j is none', (id) => {
    expect(isBackupId(id)).toBe(false);
  });

  it('a manifest of any bytes is one, or is refused by name', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      nasty.map((value) =>
        Buffer.from(JSON.stringify({ format: 'evenkeel-backup', schemaVersion: 1, parts: value })),
      ),
      fc.constant(Buffer.from(deep(20_000))),
    );
    fc.assert(
      fc.property(bytes, (content) => {
        expect(() => parseManifest('manifests/1.json', content)).toThrow(BackupError);
        expectNothingPolluted();
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['says little', 10],
    ['says as much as there is, and more than there can be', 2 ** 40],
  ])('a part that would fill the memory, of a manifest that %s, is refused', async (_, bytes) => {
    const bomb = zstdCompressSync(Buffer.alloc(70 * 1024 * 1024, 0x61));
    const sha256 = createHash('sha256').update(bomb).digest('hex');
    const part = {
      table: 'book',
      key: 'parts/x',
      items: 1,
      bytes,
      storedBytes: bomb.length,
      sha256,
    } as const;
    await expect(readPartBytes({ get: async () => bomb }, part)).rejects.toMatchObject({
      code: 'BACKUP_PART_MISCOUNTED',
    });
  });
});

describe('tapes', () => {
  const header = 'time_ms,symbol,price,size\n';
  const load = (content: string | Buffer): Promise<unknown> => {
    const file = join(folder, 'tape.csv');
    writeFileSync(file, content);
    return loadTape(file);
  };

  it('a gzip bomb without a line end is refused by its first long line', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(header), Buffer.alloc(40 * 1024 * 1024, 0x31)]));
    await expect(load(bomb)).rejects.toMatchObject({ code: 'TAPE_MALFORMED_ROW' });
  });

  it('rows of any text are rows, or their place is named', async () => {
    const field = fc.oneof(
      fc.constantFrom(
        '1767623400000',
        'A',
        '1.5',
        '1',
        '-1',
        'NaN',
        'Infinity',
        '1e9',
        '',
        '__proto__',
        '../x',
        '\u0000',
        '9'.repeat(400),
      ),
      fc.string({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(field, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (rows) => {
          try {
            await load(`${header}${rows.map((row) => row.join(',')).join('\n')}\n`);
          } catch (error) {
            expect(error).toBeInstanceOf(TapeError);
          }
          expectNothingPolluted();
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('what people read', () => {
  const hostile =
    '<!channel> <@U1> <https://evil.example|sign in> @everyone \u001b[2J\r\nBcc: x@evil.example\r\n\r\n```';

  it('a text that means harm calls nobody in Slack and Discord, and adds no header to a mail', () => {
    const alert: ToldAlert = {
      id: 'a1',
      kind: 'raised',
      alert: 'order_unidentified',
      severity: 'CRITICAL',
      account,
      subject: hostile,
      message: hostile,
      count: 1,
      firstMs: 0,
      lastMs: 0,
      isFirst: true,
      ackedBy: hostile,
      command: hostile,
    };
    const message: ChannelMessage = {
      channel: 'desk',
      no: 1,
      severity: 'CRITICAL',
      alerts: [alert],
      passed: { [hostile]: 1 },
      attempt: 1,
      stage: 'live',
      id: 'live-desk-1',
      sentMs: 0,
      test: hostile,
    };
    const markdown = JSON.stringify(slackBody(message), (name, value: unknown) => {
      // Plain text is not read for links and mentions.
      if (typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'plain_text')
        return null;
      return name === 'type' ? undefined : value;
    });
    expect(markdown).not.toMatch(/<[!@h]/);
    expect(discordBody(message)).toMatchObject({ allowed_mentions: { parse: [] } });
    expect(JSON.stringify(mailOf(message).text)).toContain('evil');
  });
});

describe('what a person types', () => {
  it('any text is a time or a mistake in words', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('1e9d', '-1h', '9'.repeat(400), '2026-01-05T25:00', '\u001b[2J', '--5h', '0x5h'),
        ),
        (text) => {
          try {
            expect(Number.isFinite(parseWhen(text, Date.UTC(2026, 0, 5), 'UTC'))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(CliError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
