import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CandlesTable } from '../../lib/aws/candles-table.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import {
  BundleTooLargeError,
  bundleBytesMax,
  bundleFunctions,
  functionNames,
  kib,
} from '../../lib/stacks/bundle.ts';
import { outboxFolder } from '../../lib/stacks/streamer-service.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { readExample } from '../helpers/render-event-docs.ts';
import { removeAssemblies, stageTemplate } from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-packages-'));
afterAll(() => {
  removeAssemblies();
  rmSync(scratch, { recursive: true, force: true });
});

describe('Lambda bundles', () => {
  it('there is one for each folder of functions/', () => {
    expect(readdirSync(join(root, 'functions'))).toEqual([...functionNames]);
  });

  it.each(functionNames)('%s is below 600 KiB and made the same way twice', (name) => {
    const first = bundleFunctions(join(scratch, 'first'))[name];
    const second = bundleFunctions(join(scratch, 'second'))[name];
    expect(first.bytes).toBe(statSync(join(first.folder, 'index.mjs')).size);
    expect(first.bytes).toBeLessThan(bundleBytesMax);
    expect(readdirSync(first.folder)).toEqual(['index.mjs', 'index.mjs.map']);
    for (const file of readdirSync(first.folder)) {
      expect(
        readFileSync(join(second.folder, file)).equals(readFileSync(join(first.folder, file))),
        file,
      ).toBe(true);
    }
  });

  it('says what is wrong with one that is too large', () => {
    expect(kib(1025)).toBe('2 KiB');
    expect(new BundleTooLargeError('x', 700 * 1024).message).toContain('x has 700 KiB, the limit is 600 KiB');
  });
});

describe.skipIf(!engineIsHere)(
  `the bundle on a real engine${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;

    beforeAll(async () => {
      engine = await startDynamoEngine();
      await engine.createTable('candles');
    });
    afterAll(async () => {
      await engine.stop();
    });

    it('keeps a candle, alone in a folder with no node_modules near it', async () => {
      const folder = join(scratch, 'alone');
      cpSync(bundleFunctions(join(scratch, 'built'))['candle-keeper'].folder, folder, { recursive: true });
      const event = { 'detail-type': 'candle.completed', detail: readExample('candle.completed') };
      const script = `const { handler } = await import('./index.mjs'); await handler(${JSON.stringify(event)});`;
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          CANDLES_TABLE: 'candles',
          RETENTION_DAYS: '400',
          AWS_ENDPOINT_URL: engine.endpoint,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        },
      });
      expect(run.stderr).toBe('');
      expect(JSON.parse(run.stdout)).toMatchObject({
        level: 'INFO',
        message: 'stored',
        service: 'candle-keeper',
      });
      const table = new CandlesTable({ client: engine.client, tableName: 'candles', retentionDays: 400 });
      const { data } = readExample('candle.completed') as { data: Candle };
      const range = { conId: data.conId, intervalMs: data.intervalMs, fromMs: 0, toMs: Date.UTC(2100, 0) };
      expect(await collect(table.query(range))).toEqual([data]);
    });
  },
);

describe("the streamer's image", () => {
  const dockerfile = readFileSync(join(root, 'streamer', 'Dockerfile'), 'utf8');

  /** The build context as the synth staged it: what Docker would see. */
  function context(): string {
    const { assembly } = stageTemplate('paper');
    const assets = JSON.parse(readFileSync(join(assembly, 'evenkeel-paper.assets.json'), 'utf8')) as {
      dockerImages: Record<string, { source: { directory: string; dockerFile: string } }>;
    };
    const [image] = Object.values(assets.dockerImages);
    if (image === undefined) throw new Error('no image in the assembly');
    expect(image.source.dockerFile).toBe('streamer/Dockerfile');
    return join(assembly, image.source.directory);
  }

  it('is built from the sources of the streamer and nothing else', () => {
    const files = readdirSync(context(), { recursive: true, encoding: 'utf8' });
    expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(
      new Set(['.dockerignore', '.npmrc', 'config', 'lib', 'package-lock.json', 'package.json', 'streamer']),
    );
    expect(files).toEqual(
      expect.arrayContaining(['streamer/Dockerfile', 'config/paper.yml', 'config/live.yml']),
    );
    expect(files.filter((file) => /node_modules|\.env|\.test\.ts|^lib\/stacks/.test(file))).toEqual([]);
  });

  it('bundles from that context as the Dockerfile does', () => {
    const folder = context();
    const command = /node_modules\/\.bin\/esbuild (?<entry>\S+) /.exec(dockerfile);
    const built = buildSync({
      absWorkingDir: folder,
      entryPoints: [command?.groups?.entry ?? ''],
      nodePaths: [join(root, 'node_modules')],
      bundle: true,
      write: false,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      logLevel: 'silent',
    });
    expect(built.errors).toEqual([]);
    expect(built.outputFiles[0]?.contents.byteLength).toBeGreaterThan(100_000);
  });

  it('has the Node that package.json pins, the outbox on the volume of the task, and no root', () => {
    const pinned = JSON.parse(readFileSync(join(root, 'node_modules', 'node', 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(dockerfile).toContain(`ARG NODE_VERSION=${pinned.version}\n`);
    expect(dockerfile).toContain(`VOLUME ${outboxFolder}\n`);
    expect(dockerfile).toContain(`DB_PATH=${outboxFolder}/streamer.db`);
    expect(dockerfile).toMatch(/HEALTH_PORT=[1-9]\d*/);
    expect(dockerfile).toMatch(/\nUSER node\n/);
  });
});
