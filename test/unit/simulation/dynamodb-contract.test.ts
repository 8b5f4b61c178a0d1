/** The DynamoDB of the simulation and a real engine, asked the same questions. */
import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import type { Attributes } from '../../simulation/memory/attribute-values.ts';
import { adapterCases } from '../../simulation/memory/contract/adapter-cases.ts';
import {
  type Case,
  type Command,
  createCommand,
  outcomeOf,
  tables,
} from '../../simulation/memory/contract/contract.ts';
import { itemCases } from '../../simulation/memory/contract/item-cases.ts';
import { commandOn, randomCommand } from '../../simulation/memory/contract/random-commands.ts';
import { rangeCases } from '../../simulation/memory/contract/range-cases.ts';
import { transactionCases } from '../../simulation/memory/contract/transaction-cases.ts';
import { MemoryDynamoDb } from '../../simulation/memory/dynamodb.ts';

const cases: readonly Case[] = [...itemCases, ...transactionCases, ...rangeCases];
/** Histories of random commands; more of them, and others, by EVENKEEL_CONTRACT_RUNS. */
const runs = Number(process.env.EVENKEEL_CONTRACT_RUNS ?? 20);
const seed = process.env.EVENKEEL_CONTRACT_RUNS === undefined ? 20_260_105 : Date.now();

const memory = new MemoryDynamoDb({ tables, nowMs: () => 0 });

describe('the DynamoDB in memory', () => {
  const client = memory.client();

  it.each(cases)('$name', async ({ steps }) => {
    for (const { send, gives, saying = /^/ } of steps) {
      const { outcome, message } = await outcomeOf(client, send);
      expect(outcome, said(send)).toEqual(gives);
      expect(message).toMatch(saying);
    }
  });

  it.each(adapterCases)('$name', async ({ run, gives }) => {
    expect(await run(client)).toEqual(gives);
  });
});

describe.skipIf(!engineIsHere)(`a real engine (${engineIsHere ? 'dynoxide' : whenNoEngine})`, () => {
  let engine: DynamoEngine;
  let client: DynamoDBClient;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    ({ client } = engine);
    for (const [name, schema] of Object.entries(tables)) await client.send(createCommand(name, schema));
  });
  afterAll(() => engine?.stop());

  it.each(cases)('$name', async ({ steps }) => {
    for (const { send, gives, dynoxide = gives, saying = /^/ } of steps) {
      const { outcome, message } = await outcomeOf(client, send);
      expect(outcome, said(send)).toEqual(dynoxide);
      expect(message).toMatch(saying);
    }
  });

  it.each(adapterCases)('$name', async ({ run, gives }) => {
    expect(await run(client)).toEqual(gives);
  });

  it(`and the one in memory give the same answers to ${runs} histories of random commands, and hold the same at the end`, async () => {
    const other = new MemoryDynamoDb({ tables, nowMs: () => 0 });
    let history = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(randomCommand(), { minLength: 20, maxLength: 40 }), async (commands) => {
        history += 1;
        for (const asked of commands) {
          const own = () => commandOn(`H${history}`, asked);
          const expected = await outcomeOf(client, own());
          const found = await outcomeOf(other.client(), own());
          expect(found.outcome, said(own())).toEqual(expected.outcome);
        }
      }),
      { numRuns: runs, seed },
    );
    expect(history).toBeGreaterThanOrEqual(runs);
    for (const table of Object.keys(tables)) {
      const found = [...other.items(table)].map(({ attributes }) => attributes);
      expect(keyed(found)).toEqual(keyed(await scanOf(table)));
    }

    async function scanOf(TableName: string): Promise<Attributes[]> {
      const items: Attributes[] = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName })) items.push(...Items);
      return items.filter((item) => /^H\d/.test(item.pk?.S ?? ''));
    }
  });
});

function keyed(items: readonly Attributes[]): Record<string, Attributes> {
  return Object.fromEntries(items.map((item) => [`${item.pk?.S} ${item.sk?.S}`, item]));
}

function said(command: Command): string {
  return `${command.constructor.name} ${JSON.stringify(command.input).slice(0, 300)}`;
}
