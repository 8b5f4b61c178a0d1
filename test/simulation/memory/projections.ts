/** Projections: some of an item's attributes, each as a whole. */
import type { Attributes } from './attribute-values.ts';
import { parsedOnce } from './condition-syntax.ts';
import { type Bindings, nameOf } from './conditions.ts';
import { MemoryDynamoDbError } from './dynamodb-errors.ts';
import type { Tokens } from './expression-tokens.ts';

export type Projection = readonly string[];

export const parseProjection = parsedOnce('ProjectionExpression', read);

function read(tokens: Tokens): Projection {
  const all: string[] = [];
  do {
    const path = tokens.path();
    const [name] = path;
    if (path.length !== 1 || typeof name !== 'string')
      throw new MemoryDynamoDbError(`a projection of a part of an attribute (${path.join('.')})`);
    all.push(name);
  } while (tokens.take(','));
  return all;
}

export function projected(item: Attributes, projection: Projection, { names }: Bindings): Attributes {
  const some: Attributes = {};
  for (const part of projection) {
    const name = nameOf(part, names);
    const value = item[name];
    if (value !== undefined) some[name] = value;
  }
  return some;
}
