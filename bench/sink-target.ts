/**
 * Tables that take what a restore puts and keep nothing: requests go over HTTP to a process that answers them, and what
 * is read back are the pages that the backup was made of. A local engine would be all that is measured.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { restoreTools } from '../lib/aws/restore-target.ts';
import { DynamoTableLoad } from '../lib/aws/table-load.ts';
import type { RestoreTarget } from '../lib/backup/restore-types.ts';
import { imageOf, rowOf } from '../lib/backup/stored-line.ts';
import type { StoredLine } from '../lib/ports/table-scan.ts';

export interface SinkTargetOptions {
  readonly client: DynamoDBClient;
  /** Of the pages. */
  readonly folder: string;
  readonly accounts: readonly string[];
}

export function sinkTarget({ client, folder, accounts }: SinkTargetOptions): RestoreTarget {
  const table = new DynamoTableLoad({ client });
  let isLoaded = false;
  const notNeeded = (): never => {
    throw new Error('a restore into an empty book does not do that');
  };
  const pagesOf = (name: 'book' | 'audit', account: string) =>
    isLoaded ? linesOf(join(folder, name), accounts.indexOf(account)) : [];
  async function* nothing() {}
  return {
    tables: { book: 'book', audit: 'audit' },
    load: {
      async put(name, lines) {
        isLoaded = true;
        await table.put(name, lines);
      },
    },
    scan: { segment: nothing, pages: nothing },
    book: {
      async *all(account) {
        for (const line of pagesOf('book', account)) {
          const ref = restoreTools.refOf(line.sk);
          if (ref) yield { account, ref, ...imageOf(line) };
        }
      },
      read: async (_, refs) => refs.map(() => undefined),
      list: nothing,
      commit: notNeeded,
    },
    audit: { chains: async () => [], rows: nothing, rowsOfOrder: nothing },
    imports: {
      fence: async () => undefined,
      raise: async () => 'raised',
      lift: notNeeded,
      finish: async () => 'committed',
      trail: () => ({
        chains: async () => [],
        async *rows(account) {
          for (const line of pagesOf('audit', account)) yield rowOf(account, line, restoreTools);
        },
      }),
    },
    leases: { read: async () => undefined, replace: async () => true },
  };
}

function* linesOf(folder: string, index: number): Generator<StoredLine, void, undefined> {
  for (let page: number | undefined = 0; page !== undefined; ) {
    const { Items: items, LastEvaluatedKey: next } = JSON.parse(
      readFileSync(join(folder, `${index}-${page}.json`), 'utf8'),
    ) as {
      readonly Items: readonly { readonly pk: { readonly S: string }; readonly sk: { readonly S: string } }[];
      readonly LastEvaluatedKey?: {
        readonly pk: { readonly S: string };
        readonly sk: { readonly S: string };
      };
    };
    for (const item of items) {
      yield { pk: item.pk.S, sk: item.sk.S, text: JSON.stringify({ Item: item }) };
    }
    page = next?.pk.S === String(index) ? Number(next.sk.S) : undefined;
  }
}
