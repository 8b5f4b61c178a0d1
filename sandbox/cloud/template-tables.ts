import type { TableModel } from './model.ts';
import type { Resource } from './template.ts';

interface Index {
  IndexName: string;
  KeySchema: unknown;
  Projection: unknown;
}

/** The input of CreateTable for a table of the template. Capacity is always on demand: throughput is not emulated. */
export function buildTable({ logicalId, name, props }: Resource): TableModel {
  const ttl = props.TimeToLiveSpecification as { AttributeName?: string; Enabled?: boolean } | undefined;
  const global = props.GlobalSecondaryIndexes as Index[] | undefined;
  const local = props.LocalSecondaryIndexes as Index[] | undefined;
  const pick = ({ IndexName, KeySchema, Projection }: Index): Index => ({ IndexName, KeySchema, Projection });
  return {
    logicalId,
    name,
    create: {
      TableName: name,
      KeySchema: props.KeySchema,
      AttributeDefinitions: props.AttributeDefinitions,
      BillingMode: 'PAY_PER_REQUEST',
      ...(global === undefined ? {} : { GlobalSecondaryIndexes: global.map(pick) }),
      ...(local === undefined ? {} : { LocalSecondaryIndexes: local.map(pick) }),
    },
    ttlAttribute: ttl?.Enabled === true ? ttl.AttributeName : undefined,
  };
}
