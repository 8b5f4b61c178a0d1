/** The DynamoDB of the simulation and a real engine, asked the same questions. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import {
  type Case,
  type Command,
  createCommand,
  outcomeOf,
  tables,
} from '../../simulation/memory/contract/contract.ts';
import { itemCases } from '../../simulation/memory/contract/item-cases.ts';
import { rangeCases } from '../../simulation/memory/contract/range-cases.ts';
import { transactionCases } from '../../simulation/memory/contract/transaction-cases.ts';
import { MemoryDynamoDb } from '../../simulation/memory/dynamodb.ts';

const cases: readonly Case[] = [...itemCases, ...transactionCases, ...rangeCases];

describe('the DynamoDB in memory', () => {
  const client = new MemoryDynamoDb({ tables, nowMs: () => 0 }).client();

  it.each(cases)('$name', async ({ steps }) => {
    for (const { send, gives, saying = /^/ } of steps) {
      const { outcome, message } = await outcomeOf(client, send);
      expect(outcome, said(send)).toEqual(gives);
      expect(message).toMatch(saying);
    }
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
});

function said(command: Command): string {
  return `${command.constructor.name} ${JSON.stringify(command.input).slice(0, 300)}`;
}
