import type { Access } from './iam.ts';

/** What is needed to derive ARNs from names. */
export interface Place {
  readonly region: string;
  readonly account: string;
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

/** What a DynamoDB request needs. Transactions and batches need one access for each item's table and action. */
export function dynamodbAccess(operation: string, body: Body, place: Place): Access[] {
  const tableArn = (name: unknown): string => {
    const text = String(name ?? '*');
    return text.startsWith('arn:') ? text : `arn:aws:dynamodb:${place.region}:${place.account}:table/${text}`;
  };
  switch (operation) {
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return list(body.TransactItems).flatMap((item) =>
        Object.entries(item as Record<string, { TableName?: unknown }>).map(([key, inner]) => ({
          action: `dynamodb:${TRANSACT_ACTIONS[key] ?? key}`,
          resource: tableArn(inner.TableName),
        })),
      );
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.keys((body.RequestItems ?? {}) as object).map((table) => ({
        action: `dynamodb:${operation}`,
        resource: tableArn(table),
      }));
    case 'Query':
    case 'Scan': {
      const index = typeof body.IndexName === 'string' ? `/index/${body.IndexName}` : '';
      return [{ action: `dynamodb:${operation}`, resource: `${tableArn(body.TableName)}${index}` }];
    }
    default: {
      const named = body.TableName ?? body.ResourceArn;
      const resource = named === undefined ? '*' : tableArn(named);
      // A table that is made with tags needs the permission to tag it.
      const tags = operation === 'CreateTable' && list(body.Tags).length > 0;
      return [
        { action: `dynamodb:${operation}`, resource },
        ...(tags ? [{ action: 'dynamodb:TagResource', resource }] : []),
      ];
    }
  }
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
