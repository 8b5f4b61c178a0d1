import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { brokenArrows } from '../helpers/import-arrows.ts';
import { impurities, isMachine, pureFiles } from '../helpers/pure-sources.ts';
import { readSources } from '../helpers/source-graph.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A tree in memory; each file is given as path and text. */
function tree(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files));
}

describe('the import arrows of this checkout', () => {
  const sources = readSources(root);

  it('finds the rooms it is to guard', () => {
    const files = [...sources.keys()];
    for (const room of [
      'lib/domain/',
      'lib/events/',
      'lib/aws/',
      'streamer/',
      'sandbox/gateway/',
      'functions/',
    ]) {
      expect(
        files.some((file) => file.startsWith(room)),
        `no source file in ${room}`,
      ).toBe(true);
    }
    expect(files.some(isMachine), 'no state machine (*-machine.ts)').toBe(true);
  });

  it('are kept', () => {
    expect(brokenArrows(sources).map((violation) => violation.message)).toEqual([]);
  });

  it('leave the domain and the state machines without clock, timers, randomness and I/O', () => {
    expect(impurities(sources).map((violation) => violation.message)).toEqual([]);
  });
});

describe('a planted breach of an arrow is found', () => {
  const cases: readonly (readonly [name: string, file: string, text: string, words: RegExp])[] = [
    [
      'domain to a port',
      'lib/domain/a.ts',
      "import type { Clock } from '../ports/clock.ts';",
      /lib\/ports\/clock\.ts/,
    ],
    [
      'domain to zod',
      'lib/domain/a.ts',
      "import * as z from 'zod';",
      /imports zod\. Rule: lib\/domain imports nothing/,
    ],
    ['domain to Node', 'lib/domain/a.ts', "import { readFileSync } from 'node:fs';", /imports node:fs/],
    [
      'domain to Node without prefix',
      'lib/domain/a.ts',
      "import { readFile } from 'fs/promises';",
      /imports node:fs/,
    ],
    ['domain by re-export', 'lib/domain/a.ts', "export * from '../aws/table.ts';", /lib\/aws\/table\.ts/],
    [
      'domain by import type node',
      'lib/domain/a.ts',
      "let a: import('../aws/table.ts').Table;",
      /lib\/aws\/table/,
    ],
    [
      'domain by dynamic import',
      'lib/domain/a.ts',
      "const a = await import('../aws/table.ts');",
      /lib\/aws\/table/,
    ],
    ['domain by require', 'lib/domain/a.ts', "import fs = require('fs');", /imports node:fs/],
    [
      'events to a port',
      'lib/events/a.ts',
      "import type { Clock } from '../ports/clock.ts';",
      /lib\/events imports only/,
    ],
    ['events to pino', 'lib/events/a.ts', "import pino from 'pino';", /imports pino\. Rule: lib\/events/],
    [
      'ports to events',
      'lib/ports/a.ts',
      "import type { Envelope } from '../events/envelope.ts';",
      /lib\/ports imports only/,
    ],
    ['ports to zod', 'lib/ports/a.ts', "import * as z from 'zod';", /lib\/ports imports only/],
    [
      'aws to config',
      'lib/aws/a.ts',
      "import type { Config } from '../../config/schema.ts';",
      /config\/schema\.ts/,
    ],
    ['aws to streamer', 'lib/aws/a.ts', "import { a } from '../../streamer/main.ts';", /streamer\/main\.ts/],
    [
      'stacks to a function',
      'lib/stacks/a.ts',
      "import '../../functions/candle-keeper/handler.ts';",
      /names functions by path/,
    ],
    [
      'function to streamer',
      'functions/a/handler.ts',
      "import { a } from '../../streamer/main.ts';",
      /streamer\/main\.ts/,
    ],
    [
      'function to the SDK',
      'functions/a/handler.ts',
      "import { S3 } from '@aws-sdk/client-s3';",
      /only lib\/aws/,
    ],
    [
      'streamer to the SDK by type',
      'streamer/a.ts',
      "import type { S3 } from '@aws-sdk/client-s3';",
      /only lib\/aws/,
    ],
    ['bin to the SDK, dynamically', 'bin/a.ts', "await import('@aws-sdk/client-sts');", /only lib\/aws/],
    [
      'streamer to Smithy',
      'streamer/a.ts',
      "import { x } from '@smithy/node-http-handler';",
      /only lib\/aws/,
    ],
    [
      'function to the CDK',
      'functions/a/handler.ts',
      "import { Stack } from 'aws-cdk-lib';",
      /imports the CDK/,
    ],
    [
      'streamer to sandbox',
      'streamer/a.ts',
      "import { readTape } from '../sandbox/tapes/tape.ts';",
      /sandbox\/tapes\/tape/,
    ],
    [
      'streamer to sandbox by Worker',
      'streamer/a.ts',
      "new Worker(new URL('../sandbox/w.ts', import.meta.url));",
      /sandbox\/w\.ts/,
    ],
    ['streamer to bin', 'streamer/a.ts', "import '../bin/replay.ts';", /bin\/replay\.ts/],
    ['streamer to bench', 'streamer/a.ts', "import '../bench/tick.bench.ts';", /bench\/tick/],
    ['streamer to test', 'streamer/a.ts', "import '../test/helpers/x.ts';", /test\/helpers\/x/],
    ['streamer to the root', 'streamer/a.ts', "import '../vitest.config.ts';", /vitest\.config\.ts/],
    ['config to lib/aws', 'config/a.ts', "import '../lib/aws/a.ts';", /config imports only/],
    ['sandbox to bin', 'sandbox/a.ts', "import '../bin/replay.ts';", /bin\/replay\.ts/],
    ['sandbox to bench', 'sandbox/a.ts', "import '../bench/tick.bench.ts';", /bench\/tick/],
    ['bin to bench', 'bin/a.ts', "import '../bench/tick.bench.ts';", /bench\/tick/],
    ['console to lib/aws', 'console/a.ts', "import '../lib/aws/a.ts';", /console imports/],
    ['a computed module', 'streamer/a.ts', 'await import(process.argv[2]);', /whose name is computed/],
  ];

  it.each(cases)('%s', (_name, file, text, words) => {
    const violations = brokenArrows(tree({ [file]: `// first line\n${text}` }));
    expect(violations).toHaveLength(1);
    expect(violations[0]?.message).toMatch(words);
    expect(violations[0]).toMatchObject({ file, line: 2 });
    expect(violations[0]?.message.startsWith(`${file}:2 `)).toBe(true);
  });

  it('streamer and sandbox/gateway sharing a module over two steps, by types alone', () => {
    const violations = brokenArrows(
      tree({
        'streamer/session.ts': "import { hours } from '../lib/domain/market/hours.ts';",
        'lib/domain/market/hours.ts': "import type { Instrument } from './instrument.ts';",
        'lib/domain/market/instrument.ts': 'export interface Instrument { conId: number }',
        'sandbox/gateway/server.ts': "import { rows } from '../tapes/rows.ts';",
        'sandbox/tapes/rows.ts': "import type { Instrument } from '../../lib/domain/market/instrument.ts';",
      }),
    );
    expect(violations.map((violation) => violation.message)).toEqual([
      'sandbox/tapes/rows.ts:1 makes lib/domain/market/instrument.ts a module of both: sandbox/gateway/server.ts -> ' +
        'sandbox/tapes/rows.ts -> lib/domain/market/instrument.ts; streamer/session.ts -> lib/domain/market/hours.ts -> ' +
        'lib/domain/market/instrument.ts. Rule: streamer and sandbox/gateway share no module, so that errors on the wire ' +
        'cannot cancel out.',
    ]);
  });

  it('sandbox/gateway importing the streamer', () => {
    const violations = brokenArrows(
      tree({
        'streamer/a.ts': 'export const a = 1;',
        'sandbox/gateway/b.ts': "import { a } from '../../streamer/a.ts';",
      }),
    );
    expect(violations.map((violation) => [violation.file, violation.line])).toEqual([
      ['sandbox/gateway/b.ts', 1],
    ]);
  });
});

describe('what the arrows allow is left alone', () => {
  it('passes a tree that uses every allowed arrow', () => {
    const violations = brokenArrows(
      tree({
        'lib/domain/a.ts':
          "import { Decimal } from 'decimal.js'; import { Temporal } from 'temporal-polyfill';",
        'lib/events/a.ts': "import * as z from 'zod'; import type { A } from '../domain/a.ts';",
        'lib/ports/a.ts': "import type { A } from '../domain/a.ts';",
        'lib/aws/a.ts':
          "import { S3 } from '@aws-sdk/client-s3'; import '../ports/a.ts'; import '../events/a.ts';",
        'lib/stacks/a.ts':
          "import 'aws-cdk-lib'; import { c } from '../../config/a.ts'; const at = '../../functions/a/handler.ts';",
        'config/a.ts': "import { parse } from 'yaml'; import 'node:fs';",
        'functions/a/handler.ts': "import '../../lib/aws/a.ts'; import '../../config/a.ts';",
        'streamer/a.ts': "import '@stoqey/ib'; import '../lib/aws/a.ts'; import '../config/a.ts';",
        'sandbox/tapes/a.ts': "import 'node:fs';",
        'sandbox/gateway/a.ts': "import '../tapes/a.ts'; import 'node:net';",
        'sandbox/cloud/a.ts':
          "import '@aws-sdk/client-sqs'; import '../gateway/a.ts'; import '../../streamer/a.ts';",
        'bin/replay.ts': "import '../sandbox/tapes/a.ts'; import '../lib/domain/a.ts';",
        'bench/a.bench.ts':
          "import '../sandbox/gateway/a.ts'; import '../streamer/a.ts'; import '../bin/replay.ts';",
        'test/a.test.ts':
          "import '../bin/replay.ts'; import '@aws-sdk/client-s3'; import '../bench/a.bench.ts';",
      }),
    );
    expect(violations.map((violation) => violation.message)).toEqual([]);
  });

  it('takes no comment and no text for an import', () => {
    const text =
      "// import fs from 'node:fs'\n/* import('../aws/a.ts') */\nexport const a = \"import 'zod'\";";
    expect(brokenArrows(tree({ 'lib/domain/a.ts': text }))).toEqual([]);
  });
});

describe('a planted clock, timer or dice is found', () => {
  const cases: readonly (readonly [text: string, words: string])[] = [
    ['const a = Date.now();', 'Date.now'],
    ["const a = Date['now']();", 'Date itself'],
    ['const { now } = Date;', 'Date itself'],
    ['const a = new Date();', 'new Date() without an argument'],
    ['const a = new Date;', 'new Date() without an argument'],
    ['const a = Date();', 'Date itself'],
    ['const a = { Date };', 'Date itself'],
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['const a = setInterval;', 'setInterval'],
    ['setImmediate(() => {});', 'setImmediate'],
    ['queueMicrotask(() => {});', 'queueMicrotask'],
    ['const a = Math.random();', 'Math.random'],
    ['const { random } = Math;', 'Math itself'],
    ['const a = performance.now();', 'performance'],
    ['const a = process.hrtime();', 'process'],
    ['const a = { at: process.env.AT };', 'process'],
    ['const a = crypto.randomUUID();', 'crypto'],
    ['const a = globalThis.Date;', 'globalThis'],
    ["import { Temporal as T } from 'temporal-polyfill';\nconst a = T.Now.instant();", 'Temporal.Now'],
    ["import { Temporal } from 'temporal-polyfill';\nconst { Now } = Temporal;", 'Temporal itself'],
    ["import { Temporal } from 'temporal-polyfill';\nconst a = Temporal.Now.instant();", 'Temporal.Now'],
  ];

  it.each(cases)('%s', (text, words) => {
    for (const file of ['lib/domain/a.ts', 'streamer/session-machine.ts']) {
      const violations = impurities(tree({ [file]: `\n${text}` }));
      expect(violations.map((violation) => violation.file)).toEqual([file]);
      expect(violations[0]?.message).toContain(`uses ${words}`);
      expect(violations[0]?.line).toBe(text.includes('\n') ? 3 : 2);
    }
  });

  it("a machine's import of Node's timers", () => {
    const violations = impurities(
      tree({ 'streamer/a-machine.ts': "import { setTimeout as wait } from 'node:timers/promises';" }),
    );
    expect(violations.map((violation) => violation.message)).toEqual([
      'streamer/a-machine.ts:1 imports node:timers/promises. Rule: lib/domain and state machines have no clock, ' +
        'no timers, no randomness and no I/O of their own.',
    ]);
  });

  it('a clock in a module that a machine runs', () => {
    const sources = tree({
      'streamer/a-machine.ts': "import { later } from './later.ts';",
      'streamer/later.ts': 'export const later = () => Date.now() + 1;',
      'streamer/driver.ts': 'export const now = () => Date.now();',
    });
    expect(impurities(sources).map((violation) => [violation.file, violation.line])).toEqual([
      ['streamer/later.ts', 1],
    ]);
  });
});

describe('what is pure is left alone', () => {
  it('lets dates be made from numbers, and own names be what they are', () => {
    const text = [
      'export function process(nowMs: number): Date { return new Date(nowMs); }',
      'export const a = Date.UTC(2026, 0, 1) + Math.floor(process(1).getTime());',
      'export const b = { performance: 1, setTimeout: 2 };',
      'export const c = b.performance + b.setTimeout;',
      'export interface Machine { process: number; crypto(): void; at: Date }',
      '// Date.now() and Math.random() are not for here',
    ].join('\n');
    expect(impurities(tree({ 'lib/domain/a.ts': text })).map((violation) => violation.message)).toEqual([]);
  });

  it('follows no type-only import of a machine, and leaves drivers alone', () => {
    const sources = tree({
      'streamer/a-machine.ts': "import type { Driver } from './driver.ts';",
      'streamer/driver.ts': 'export class Driver { now() { return Date.now(); } }',
    });
    expect(impurities(sources)).toEqual([]);
    expect(pureFiles(sources)).toEqual(['streamer/a-machine.ts']);
  });
});
