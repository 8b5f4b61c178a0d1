import { expect, it } from 'vitest';
import { stageTemplate } from '../helpers/stage-template.ts';
import { createCommand } from '../simulation/memory/contract/contract.ts';
import { stageTables } from '../simulation/memory/table-schema.ts';

it('the tables of the simulation have the keys and indexes of the template, and it has no others', async () => {
  const { resources } = await stageTemplate('sandbox');
  const found = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::DynamoDB::Table')
    .map(({ Properties }) => schemaOf(Properties));
  const simulated = Object.entries(stageTables('evenkeel-sandbox')).map(([name, schema]) =>
    schemaOf({ ...createCommand(name, schema).input }),
  );
  expect(byName(simulated)).toEqual(byName(found));
});

function schemaOf(of: Readonly<Record<string, unknown>>) {
  const {
    TableName,
    KeySchema,
    AttributeDefinitions,
    GlobalSecondaryIndexes = [],
    LocalSecondaryIndexes,
  } = of;
  return { TableName, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, LocalSecondaryIndexes };
}

function byName<Table extends { readonly TableName: unknown }>(tables: readonly Table[]): Table[] {
  return tables.toSorted((a, b) => (String(a.TableName) < String(b.TableName) ? -1 : 1));
}
