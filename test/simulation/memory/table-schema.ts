/** Keys and indexes of tables as plain data, and those of a stage's four tables. */
import { auditByOrder } from '../../../lib/aws/keys.ts';

/** Both keys are text. */
export interface KeyNames {
  readonly partition: string;
  readonly sort: string;
}

export interface IndexSchema extends KeyNames {
  readonly name: string;
  readonly projection: 'KEYS_ONLY' | 'ALL';
}

export interface TableSchema {
  readonly key: KeyNames;
  readonly indexes: readonly IndexSchema[];
}

const key = { partition: 'pk', sort: 'sk' } as const;
const plain: TableSchema = { key, indexes: [] };

/** By the last part of their names: `evenkeel-<stage>-book`. A test compares them with the synthesised template. */
export const stageSchemas = {
  book: plain,
  audit: {
    key,
    indexes: [{ name: auditByOrder, partition: 'orderPk', sort: 'orderSk', projection: 'KEYS_ONLY' }],
  },
  control: plain,
  candles: plain,
} as const satisfies Record<string, TableSchema>;

/** The tables of a stage by their full names. */
export function stageTables(prefix: string): Record<string, TableSchema> {
  return Object.fromEntries(
    Object.entries(stageSchemas).map(([name, schema]) => [`${prefix}-${name}`, schema]),
  );
}
