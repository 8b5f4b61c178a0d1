import type { EventBridgeEvent } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CandlesTable } from '../../lib/aws/candles-table.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { readExample } from '../helpers/render-event-docs.ts';

function delivery(detail: unknown): EventBridgeEvent<string, unknown> {
  const type = (detail as { type?: string } | null)?.type ?? 'none';
  return {
    version: '0',
    id: '5a5a0c1e-0000-4000-8000-000000000000',
    source: 'evenkeel.streamer',
    account: '123456789012',
    time: '2013-10-08T14:31:02Z',
    region: 'us-east-1',
    resources: [],
    'detail-type': type,
    detail,
  };
}

const completed = readExample('candle.completed') as { data: Candle };
const corrected = readExample('candle.corrected') as { data: Candle & { reason: string } };

beforeEach(() => {
  vi.resetModules();
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const load = () => import('../../functions/candle-keeper/handler.ts');

describe('candle-keeper at start', () => {
  it('refuses an environment without its table, and says which variables are wrong', async () => {
    vi.stubEnv('CANDLES_TABLE', '');
    vi.stubEnv('RETENTION_DAYS', 'forever');
    await expect(load()).rejects.toThrow(/CANDLES_TABLE is "".*\n.*RETENTION_DAYS is "forever"/);
  });
});

describe.skipIf(!engineIsHere)(
  `candle-keeper on a real engine${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let name = '';
    let tables = 0;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    afterAll(async () => {
      await engine.stop();
    });
    beforeEach(async () => {
      tables += 1;
      name = `candles-${tables}`;
      await engine.createTable(name);
      vi.stubEnv('CANDLES_TABLE', name);
      vi.stubEnv('RETENTION_DAYS', '400');
      vi.stubEnv('AWS_ENDPOINT_URL', engine.endpoint);
      vi.stubEnv('AWS_REGION', 'us-east-1');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    });

    function stored(): Promise<Candle[]> {
      const table = new CandlesTable({ client: engine.client, tableName: name, retentionDays: 400 });
      const { conId, intervalMs } = completed.data;
      return collect(table.query({ conId, intervalMs, fromMs: 0, toMs: Date.UTC(2100, 0) }));
    }

    it('stores a completed candle, then its correction', async () => {
      const { handler } = await load();
      await handler(delivery(completed));
      expect(await stored()).toEqual([completed.data]);
      await handler(delivery(corrected));
      const { reason, ...candle } = corrected.data;
      expect(reason).toBe('late-tick');
      expect(await stored()).toEqual([candle]);
    });

    it('keeps the correction when events come twice and in the wrong order', async () => {
      const { handler } = await load();
      for (const event of [corrected, completed, corrected, completed]) await handler(delivery(event));
      expect((await stored()).map(({ revision, volume }) => ({ revision, volume }))).toEqual([
        { revision: 1, volume: '189' },
      ]);
    });

    it('throws on an event that cannot be read, and stores nothing', async () => {
      const { handler } = await load();
      const broken = { ...completed, data: { ...completed.data, high: 1324.1 } };
      await expect(handler(delivery(broken))).rejects.toMatchObject({
        name: 'EventError',
        code: 'EVENT_DATA_INVALID',
      });
      await expect(handler(delivery(null))).rejects.toMatchObject({
        name: 'EventError',
        code: 'EVENT_MALFORMED',
      });
      expect(await stored()).toEqual([]);
    });

    it('throws on an event that is not for it, and stores nothing', async () => {
      const { handler } = await load();
      await expect(handler(delivery(readExample('gap.filled')))).rejects.toMatchObject({
        name: 'UnexpectedEventError',
        code: 'EVENT_UNEXPECTED',
      });
      expect(await stored()).toEqual([]);
    });

    it('throws when the table cannot be written, so that the event is tried again', async () => {
      vi.stubEnv('CANDLES_TABLE', 'nowhere');
      const { handler } = await load();
      await expect(handler(delivery(completed))).rejects.toThrow(/not found|non-existent/i);
    });
  },
);
