import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { unlogged } from '../../lib/aws/unlogged.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('clients of AWS', () => {
  it('draw up no log of their calls', () => {
    const logging = (client: DynamoDBClient) =>
      client.middlewareStack.identify().filter((name) => /logger/i.test(name));
    expect(logging(new DynamoDBClient({ region: 'eu-west-1' }))).toHaveLength(1);
    expect(logging(unlogged(new DynamoDBClient({ region: 'eu-west-1' })))).toEqual([]);
  });

  it('are all made so', () => {
    const made = globSync('{lib/aws,functions,streamer,bin,console/server}/**/*.ts', { cwd: root }).flatMap(
      (file) =>
        [...readFileSync(`${root}${file}`, 'utf8').matchAll(/(unlogged\(\s*)?new \w+Client\(/g)].map(
          ([, wrapped]) => ({ file, isUnlogged: wrapped !== undefined }),
        ),
    );
    expect(made.length).toBeGreaterThan(20);
    expect(made.filter(({ isUnlogged }) => !isUnlogged)).toEqual([]);
  });
});
