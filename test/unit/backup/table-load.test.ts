import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoTableLoad } from '../../../lib/aws/table-load.ts';
import { DynamoTableScan } from '../../../lib/aws/table-scan.ts';
import type { StoredLine } from '../../../lib/ports/table-scan.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { clientOf } from '../../helpers/restore-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const byText = (a: string, b: string): number => (a < b ? -1 : 1);

function line(index: number, text = `é "quoted" ${index}`): StoredLine {
  const [pk, sk] = ['A#DU1', `ORDER#${index}`];
  const body = { M: { text: { S: text }, list: { L: [{ NULL: true }, { BOOL: true }, { N: '-7' }] } } };
  return {
    pk,
    sk,
    text: JSON.stringify({ Item: { pk: { S: pk }, sk: { S: sk }, version: { N: '3' }, body } }),
  };
}

describe.skipIf(!engineIsHere)(`putting stored items back${skipped}`, () => {
  let engine: DynamoEngine;
  beforeAll(async () => {
    engine = await startDynamoEngine();
    await Promise.all(['whole', 'throttled'].map((name) => engine.createTable(name)));
  });
  afterAll(() => engine?.stop());

  async function stored(table: string): Promise<string[]> {
    const pages = await collect(
      new DynamoTableScan({ client: engine.client }).segment(table, { index: 0, of: 1 }),
    );
    return pages
      .flat()
      .map(({ text }) => JSON.stringify(sorted(JSON.parse(text))))
      .sort(byText);
  }
  const texts = (lines: readonly StoredLine[]) =>
    lines.map(({ text }) => JSON.stringify(sorted(JSON.parse(text)))).sort(byText);

  it('items come back as they were, 25 and more at a time, large ones too', async () => {
    const lines = Array.from({ length: 61 }, (_, index) => line(index));
    const large = Array.from({ length: 40 }, (_, index) => line(100 + index, 'x'.repeat(390_000)));
    await new DynamoTableLoad({ client: engine.client }).put('whole', [...lines, ...large]);
    expect(await stored('whole')).toEqual(texts([...lines, ...large]));
  });

  it('what DynamoDB did not take is sent again, and nothing else', async () => {
    const client = clientOf(engine.endpoint);
    const sent: number[] = [];
    client.middlewareStack.add(
      (next) => async (args) => {
        const body = JSON.parse(String((args as { request?: { body?: unknown } }).request?.body));
        const requests = body.RequestItems.throttled as { PutRequest: { Item: never } }[];
        sent.push(requests.length);
        const result = await next(args);
        // The first answer leaves the last ten undone; that they were done after all does no harm.
        if (sent.length === 1)
          Object.assign(result.output as object, { UnprocessedItems: { throttled: requests.slice(-10) } });
        return result;
      },
      { step: 'finalizeRequest', name: 'throttle', priority: 'low' },
    );
    const lines = Array.from({ length: 25 }, (_, index) => line(index));
    await new DynamoTableLoad({ client }).put('throttled', lines);
    expect(sent).toEqual([25, 10]);
    expect(await stored('throttled')).toEqual(texts(lines));
    client.destroy();
  });
});

/** Members in order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => byText(a, b));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
