/** The tables of a desk, read as an operator reads them: plain SDK calls, which give up soon and do not try again. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AlertTable } from '../../lib/aws/alert-table.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { LeaseTable } from '../../lib/aws/lease-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { LocalCloud } from '../../sandbox/cloud/cloud.ts';

const answerMs = 4_000;

export interface Tables {
  readonly book: BookTable;
  readonly audit: AuditTable;
  readonly safety: SafetyStore;
  readonly leases: LeaseTable;
  readonly alerts: AlertTable;
}

export function tablesOf({ endpoint, region }: LocalCloud): Tables {
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { requestTimeout: answerMs, throwOnRequestTimeout: true },
  });
  const names = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };
  const control = { client, tableName: 'evenkeel-sandbox-control' };
  const book = new BookTable({ client, ...names });
  return {
    book,
    audit: new AuditTable({ client, auditTable: names.auditTable, book }),
    safety: new SafetyStore({ book }),
    leases: new LeaseTable({ ...control, timeoutMs: answerMs }),
    alerts: new AlertTable(control),
  };
}
