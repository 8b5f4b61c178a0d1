import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { LocalCloud } from '../cloud/cloud.ts';

/**
 * Every candle in the table, by instrument and time, read with plain SDK calls: what the table holds must not be seen
 * through the code that wrote it.
 */
export async function readCandles(cloud: LocalCloud): Promise<readonly Candle[]> {
  const environment = cloud.operatorEnvironment();
  const table = cloud.model.tables.find(({ name }) => name.endsWith('-candles'));
  if (!table) throw new Error('The template has no candles table.');
  const client = new DynamoDBClient({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
  try {
    const candles: Candle[] = [];
    for await (const page of paginateScan({ client }, { TableName: table.name })) {
      for (const item of page.Items ?? []) {
        candles.push({
          conId: Number(item.conId?.N),
          symbol: item.symbol?.S ?? '',
          intervalMs: Number(item.intervalMs?.N),
          startMs: Number(item.startMs?.N),
          sessionDate: item.sessionDate?.S ?? '',
          open: item.open?.N ?? '',
          high: item.high?.N ?? '',
          low: item.low?.N ?? '',
          close: item.close?.N ?? '',
          volume: item.volume?.N ?? '',
          tickCount: Number(item.tickCount?.N),
          source: item.source?.S as Candle['source'],
          volumeSource: item.volumeSource?.S as Candle['volumeSource'],
          partial: item.partial?.BOOL ?? false,
          noTrades: item.noTrades?.BOOL ?? false,
          epoch: Number(item.epoch?.N),
          revision: Number(item.revision?.N),
        });
      }
    }
    return candles.sort((a, b) => a.conId - b.conId || a.startMs - b.startMs);
  } finally {
    client.destroy();
  }
}
