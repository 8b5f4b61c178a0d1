import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
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
import {
  removeAssemblies,
  type StageTemplate,
  sharedBundles,
  stageTemplate,
  synthStage,
} from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-packages-'));
afterAll(() => {
  removeAssemblies();
  rmSync(scratch, { recursive: true, force: true });
});

const bundles = await sharedBundles();
const again = mkdtempSync(join(dirname(bundles.alerts.folder), '..', '..', 'tmp-'));
afterAll(() => rmSync(again, { recursive: true }));
/** Made anew, in a folder as deep as the shared one: source maps have relative paths. */
const bundledAgain = bundleFunctions(join(again, 'functions'));

describe('Lambda bundles', () => {
  it('there is one for each folder of functions/', () => {
    expect(readdirSync(join(root, 'functions'))).toEqual([...functionNames]);
  });

  it.each(functionNames)('%s is below its limit and made the same way twice', (name) => {
    const first = bundles[name];
    const second = bundledAgain[name];
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
    expect(new BundleTooLargeError('drill', 700 * 1024).message).toContain(
      'drill has 700 KiB, the limit is 600 KiB',
    );
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
      cpSync(bundles['candle-keeper'].folder, folder, { recursive: true });
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

/** The stages of a Dockerfile, each with its instructions on one line. */
function stagesOf(dockerfile: string): { from: string; instructions: string[] }[] {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: { from: string; instructions: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('FROM ')) stages.push({ from: line.slice(5), instructions: [] });
    else stages.at(-1)?.instructions.push(line);
  }
  return stages;
}

/** Of the streamer's task. */
function containersOf(template: StageTemplate['template']): Record<string, unknown>[] {
  const tasks = Object.values(template.findResources('AWS::ECS::TaskDefinition')) as {
    Properties: { ContainerDefinitions: Record<string, unknown>[] };
  }[];
  return tasks[0]?.Properties.ContainerDefinitions ?? [];
}

/** A bus that takes every event, and remembers the names. */
async function startBus() {
  const received: string[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { Entries } = body as { Entries?: { DetailType: string }[] };
      if (Entries === undefined) {
        // The queues are not here: the streamer has to live with that.
        response.writeHead(500).end('{}');
        return;
      }
      received.push(...Entries.map(({ DetailType }) => DetailType));
      response.end(
        JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'taken' })) }),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    received,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe("the streamer's image", () => {
  const dockerfile = readFileSync(join(root, 'streamer', 'Dockerfile'), 'utf8');

  /** The build context as the synth staged it: what Docker would see. */
  let assembly: string | undefined;
  async function context(): Promise<string> {
    assembly ??= (await synthStage('paper')).assembly;
    const assets = JSON.parse(readFileSync(join(assembly, 'evenkeel-paper.assets.json'), 'utf8')) as {
      dockerImages: Record<string, { source: { directory: string; dockerFile: string } }>;
    };
    const [image] = Object.values(assets.dockerImages);
    if (image === undefined) throw new Error('no image in the assembly');
    expect(image.source.dockerFile).toBe('streamer/Dockerfile');
    return join(assembly, image.source.directory);
  }

  it('is built from the sources of the streamer and nothing else', async () => {
    const files = readdirSync(await context(), { recursive: true, encoding: 'utf8' });
    expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(
      new Set(['.dockerignore', '.npmrc', 'config', 'lib', 'package-lock.json', 'package.json', 'streamer']),
    );
    expect(files).toEqual(
      expect.arrayContaining(['streamer/Dockerfile', 'config/paper.yml', 'config/live.yml']),
    );
    expect(files.filter((file) => /node_modules|\.env|\.test\.ts|^lib\/stacks/.test(file))).toEqual([]);
  });

  it.skipIf(!engineIsHere)(
    'bundles from that context, is healthy while the gateway is not there yet, writes nowhere but into its volume, and stops cleanly',
    async () => {
      const folder = join(scratch, 'image');
      const built = buildSync({
        absWorkingDir: await context(),
        entryPoints: [/node_modules\/\.bin\/esbuild (\S+) /.exec(dockerfile)?.[1] ?? ''],
        nodePaths: [join(root, 'node_modules')],
        outfile: join(folder, 'main.mjs'),
        bundle: true,
        platform: 'node',
        target: 'node24',
        format: 'esm',
        mainFields: ['module', 'main'],
        minifyWhitespace: dockerfile.includes(' --minify-whitespace '),
        minifySyntax: dockerfile.includes(' --minify-syntax '),
        banner: { js: /--banner:js="([^"]*)"/.exec(dockerfile)?.[1] ?? '' },
        logLevel: 'silent',
      });
      expect(built.errors).toEqual([]);
      const [command, ...args] = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
      expect(command).toBe('node');
      const bus = await startBus();
      const engine = await startDynamoEngine();
      await engine.createTable('evenkeel-paper-control');
      // A read-only root, as Node has it: whatever wants to write elsewhere fails. It does not reach into SQLite, which
      // is told to keep its temporary files on the volume.
      const outbox = join(folder, 'outbox');
      const readOnly = ['--permission', '--allow-fs-read=*', `--allow-fs-write=${outbox}`];
      mkdirSync(outbox);
      const streamer = spawn(process.execPath, [...readOnly, ...args], {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        env: {
          STAGE: 'paper',
          STREAMER_NAME: 'main',
          EVENT_BUS_NAME: 'evenkeel-paper',
          BOOK_QUEUE_URL: `${bus.endpoint}/000000000000/evenkeel-paper-book.fifo`,
          COMMAND_QUEUE_URL: `${bus.endpoint}/000000000000/evenkeel-paper-orders-main.fifo`,
          CONTROL_TABLE: 'evenkeel-paper-control',
          SNAPSHOT_BUCKET: 'evenkeel-paper-snapshots',
          BOOK_TABLE: 'evenkeel-paper-book',
          AUDIT_TABLE: 'evenkeel-paper-audit',
          AWS_ENDPOINT_URL: bus.endpoint,
          AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
          EVENKEEL_CONFIG_DIR: join(await context(), 'config'),
          DB_PATH: join(outbox, 'streamer.db'),
          SQLITE_TMPDIR: outbox,
          // Any free port instead of the image's own, and a gateway where nothing ever listens.
          HEALTH_PORT: '0',
          IB_GATEWAY_PORT: '9',
        },
      });
      try {
        const exited = once(streamer, 'exit');
        const [message] = (await Promise.race([
          once(streamer, 'message'),
          exited.then(([code]) => Promise.reject(new Error(`the streamer ended with ${code}`))),
        ])) as [{ kind: string; port: number }];
        // Long enough for the first attempts to connect to have failed.
        await sleep(1_500);
        const { status } = await fetch(`http://127.0.0.1:${message.port}/healthz`);
        streamer.kill('SIGTERM');
        expect({ status, exit: await exited }).toEqual({ status: 200, exit: [0, null] });
        expect(bus.received).toContain('session.changed');
        expect(readdirSync(folder).sort()).toEqual(['main.mjs', 'outbox']);
      } finally {
        streamer.kill('SIGKILL');
        await engine.stop();
        await bus.stop();
      }
    },
  );

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

  it('is made in two stages from a pinned base that a build argument may replace; the second has no package manager', () => {
    const stages = stagesOf(dockerfile);
    expect(stages.map(({ from }) => from.replaceAll(/[${}]/g, ''))).toEqual([
      'NODE_IMAGE AS build',
      'NODE_IMAGE',
    ]);
    const node = /^ARG NODE_VERSION=(.+)$/m.exec(dockerfile)?.[1];
    expect(node).toMatch(/^\d+\.\d+\.\d+$/);
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\$\{NODE_VERSION\}-bookworm-slim$/m);
    const last = stages.at(-1)?.instructions ?? [];
    // Only the bundle and the configuration come over: no sources, no node_modules.
    expect(last.filter((line) => line.startsWith('COPY'))).toEqual([
      'COPY --from=build /build/dist ./',
      'COPY config/*.yml ./config/',
    ]);
    expect(last.some((line) => /^RUN .*rm -rf .*\/usr\/local\/bin\/npm\b/.test(line))).toBe(true);
    expect(last.some((line) => /npm (ci|install)|apt-get|curl|wget/.test(line))).toBe(false);
    // Nothing runs as root after this line.
    expect(last.slice(last.indexOf('USER node')).filter((line) => /^(RUN|COPY|ADD)/.test(line))).toEqual([]);
  });

  it('writes only where the volume is, and the task mounts it there with a read-only root', async () => {
    const last = stagesOf(dockerfile).at(-1)?.instructions ?? [];
    expect(last.filter((line) => line.startsWith('VOLUME'))).toEqual([`VOLUME ${outboxFolder}`]);
    const env = last.find((line) => line.startsWith('ENV')) ?? '';
    for (const variable of ['DB_PATH', 'SQLITE_TMPDIR'])
      expect(env).toMatch(new RegExp(`${variable}=${outboxFolder}(/|\\s|$)`));
    const { template } = await stageTemplate('paper');
    const [streamer] = containersOf(template);
    expect(streamer).toMatchObject({
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: outboxFolder, ReadOnly: false, SourceVolume: 'outbox' }],
    });
  });

  it('has the health check of the task', async () => {
    const check = stagesOf(dockerfile)
      .at(-1)
      ?.instructions.find((line) => line.startsWith('HEALTHCHECK'));
    const [, options = '', command = '[]'] = /^HEALTHCHECK (.*?) ?CMD (\[.*\])$/.exec(check ?? '') ?? [];
    const { HealthCheck } = containersOf((await stageTemplate('paper')).template)[0] as {
      HealthCheck: {
        Command: string[];
        Interval: number;
        Timeout: number;
        Retries: number;
        StartPeriod: number;
      };
    };
    expect(['CMD', ...(JSON.parse(command) as string[])]).toEqual(HealthCheck.Command);
    expect(options.trim().split(' ')).toEqual([
      `--interval=${HealthCheck.Interval}s`,
      `--timeout=${HealthCheck.Timeout}s`,
      `--start-period=${HealthCheck.StartPeriod}s`,
      `--retries=${HealthCheck.Retries}`,
    ]);
  });
});
