import type { Access } from './iam.ts';

/** What is needed to derive ARNs from names. */
export interface Place {
  readonly region: string;
  readonly account: string;
  /** The partition key's attribute, by a table's name; undefined for a table that is not known. */
  readonly partitionKeyOf?: (table: string) => string | undefined;
}

type Body = Readonly<Record<string, unknown>>;

/** The action inside a transaction or batch, by the key of its entry. */
const TRANSACT_ACTIONS: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
};

/**
 * What a DynamoDB request needs. Transactions and batches need one access for each item's table and action. Where it is
 * known which partition is meant, it is there for conditions on `dynamodb:LeadingKeys`.
 */
export function dynamodbAccess(operation: string, body: Body, place: Place): Access[] {
  const tableArn = (name: unknown): string => {
    const text = String(name ?? '*');
    return text.startsWith('arn:') ? text : `arn:aws:dynamodb:${place.region}:${place.account}:table/${text}`;
  };
  switch (operation) {
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return list(body.TransactItems).flatMap((item) =>
        Object.entries(item as Record<string, Body>).map(([key, inner]) => ({
          action: `dynamodb:${TRANSACT_ACTIONS[key] ?? key}`,
          resource: tableArn(inner.TableName),
          ...leadingKeys([inner.Key ?? inner.Item], inner.TableName, place),
        })),
      );
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.entries((body.RequestItems ?? {}) as Record<string, unknown>).map(([table, asked]) => ({
        action: `dynamodb:${operation}`,
        resource: tableArn(table),
        ...leadingKeys(batchKeys(asked), table, place),
      }));
    case 'Query':
    case 'Scan': {
      const index = typeof body.IndexName === 'string' ? `/index/${body.IndexName}` : '';
      const keys = operation === 'Query' && index === '' ? [queriedKey(body, place)] : [];
      return [
        {
          action: `dynamodb:${operation}`,
          resource: `${tableArn(body.TableName)}${index}`,
          ...leadingKeys(keys, body.TableName, place),
        },
      ];
    }
    default: {
      const named = body.TableName ?? body.ResourceArn;
      const resource = named === undefined ? '*' : tableArn(named);
      // A table that is made with tags needs the permission to tag it.
      const tags = operation === 'CreateTable' && list(body.Tags).length > 0;
      return [
        { action: `dynamodb:${operation}`, resource, ...leadingKeys([body.Key ?? body.Item], named, place) },
        ...(tags ? [{ action: 'dynamodb:TagResource', resource }] : []),
      ];
    }
  }
}

/** The partitions of keys or items; nothing where one of them cannot be told. */
function leadingKeys(
  items: readonly unknown[],
  table: unknown,
  { partitionKeyOf }: Place,
): Pick<Access, 'context'> {
  const name = partitionKeyOf?.(String(table).split('/').at(-1) ?? '');
  if (name === undefined || items.length === 0) return {};
  const values = items.map(
    (item) => Object.values((item as Record<string, object> | undefined)?.[name] ?? {})[0],
  );
  return values.every((value) => typeof value === 'string')
    ? { context: { 'dynamodb:leadingkeys': values } }
    : {};
}

function batchKeys(asked: unknown): unknown[] {
  if (!Array.isArray(asked)) return list((asked as { Keys?: unknown } | undefined)?.Keys);
  return (asked as Record<string, { Key?: unknown; Item?: unknown }>[]).flatMap((request) =>
    Object.values(request).map(({ Key, Item }) => Key ?? Item),
  );
}

/** The partition of `pk = :value`, as a key. */
function queriedKey(body: Body, { partitionKeyOf }: Place): unknown {
  const name = partitionKeyOf?.(String(body.TableName)) ?? '';
  const names = (body.ExpressionAttributeNames ?? {}) as Record<string, string>;
  const values = (body.ExpressionAttributeValues ?? {}) as Record<string, unknown>;
  const equalities = String(body.KeyConditionExpression ?? '').matchAll(/([#\w]+)\s*=\s*(:\w+)/g);
  for (const [, left = '', right = ''] of equalities)
    if ((names[left] ?? left) === name) return { [name]: values[right] };
  return undefined;
}

/** What PutEvents needs: the bus of each entry, with the condition keys of EventBridge. */
export function putEventsAccess(body: Body, place: Place): Access[] {
  return list(body.Entries).map((entry) => {
    const {
      EventBusName: bus,
      Source: source,
      DetailType: detailType,
    } = (entry ?? {}) as Record<string, unknown>;
    const name = typeof bus === 'string' ? bus : 'default';
    return {
      action: 'events:PutEvents',
      resource: name.startsWith('arn:')
        ? name
        : `arn:aws:events:${place.region}:${place.account}:event-bus/${name}`,
      context: {
        ...(typeof source === 'string' ? { 'events:source': [source] } : {}),
        ...(typeof detailType === 'string' ? { 'events:detail-type': [detailType] } : {}),
      },
    };
  });
}

/** IAM knows no batch actions of SQS: a batch needs the plain action. */
const SQS_ACTIONS: Readonly<Record<string, string>> = {
  SendMessageBatch: 'SendMessage',
  DeleteMessageBatch: 'DeleteMessage',
  ChangeMessageVisibilityBatch: 'ChangeMessageVisibility',
};

export function sqsAccess(operation: string, body: Body, place: Place): Access[] {
  const name = typeof body.QueueUrl === 'string' ? body.QueueUrl.split('/').at(-1) : body.QueueName;
  const resource = typeof name === 'string' ? `arn:aws:sqs:${place.region}:${place.account}:${name}` : '*';
  return [{ action: `sqs:${SQS_ACTIONS[operation] ?? operation}`, resource }];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
