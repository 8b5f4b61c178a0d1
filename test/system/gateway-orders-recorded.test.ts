/** The recorded order 13 of a live paper account, placed on the simulated gateway: the same messages, field by field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway } from '../../sandbox/gateway/index.ts';
import { type Tape, tapeFromRows } from '../../sandbox/tapes/tape.ts';
import { RawClient } from '../helpers/gateway-client.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One print of TSLA at the recorded time, price and size. */
function tslaTape(): Tape {
  const timeMs = Date.parse('2023-02-24T17:04:56Z');
  const tape = tapeFromRows('tsla', [
    { timeMs, symbol: 'TSLA', price: '196.52', size: '100', kind: 'trade', line: 2 },
  ]);
  const contract = { ...tape.contracts[0]!, conId: 76792991, primaryExchange: 'ISLAND', tradingClass: 'NMS' };
  return { ...tape, contracts: [contract] };
}

describe.skipIf(sharedDataDir === undefined)(`recorded order 13 (${whenAbsent} when skipped)`, () => {
  const recorded = (
    sharedDataDir === undefined
      ? []
      : gunzipSync(readFileSync(join(sharedDataDir, 'ib/tws_messages_sv173.jsonl.gz')))
          .toString()
          .split('\n')
          .slice(0, 8)
  ).map((line) => (JSON.parse(line) as { fields: string[] }).fields);

  it('gives the seven recorded messages in their order', async () => {
    const gateway = await startGateway({ port: 0, tape: tslaTape(), runId: 5, log: () => undefined });
    closing.push(() => gateway.stop());
    // It was recorded by a client of before server version 170.
    const client = await RawClient.start(gateway.port, 'v100..165', 100);
    closing.push(() => client.socket.destroy());
    const request = recorded[7]!.slice();
    expect(request.slice(0, 4)).toEqual(['3', '13', '0', 'TSLA']);
    client.send(...(request.at(-1) === '' ? request.slice(0, -1) : request));
    await client.frame(([id]) => id === '5');
    // The tape starts with a subscription, so until now the order has waited.
    client.send(1, 11, 1, 76792991, '', '', '', '', '', '', 'SMART', '', '', '', '', 0, '', 0, 0, '');
    await client.frame(([id]) => id === '59');
    const sequence = client.frames.filter(([id]) => ['3', '5', '11', '59'].includes(id!));
    const { permId } = gateway.broker().orders[0]!;
    const { execId } = gateway.broker().executions[0]!;
    const expected = recorded
      .slice(0, 7)
      .map((fields) =>
        fields
          .slice(0, -1)
          .map((field) =>
            field.replace('1376327563', String(permId)).replace('00025b46.63f8f39c.01.01', execId),
          ),
      );
    expect(sequence.length).toBe(7);
    for (const [index, fields] of sequence.entries()) expect(fields).toEqual(expected[index]);
  });
});
