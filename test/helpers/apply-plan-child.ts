/**
 * An approval and application of a plan as a process of its own, for tests that kill it:
 * `apply-plan-child.ts <endpoint> <prefix> <folder> <plan hash> <step> <kinds>`. It kills itself (SIGKILL) before its n-th step
 * of these kinds (`read,effect`); for step 0 it prints `{"steps": …, "answer": …}`.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BookTable } from '../../lib/aws/book-table.ts';
import { unlogged } from '../../lib/aws/unlogged.ts';
import { approvePlan } from '../../lib/reconcile/approve-plan.ts';
import { FolderBucket } from './folder-bucket.ts';
import { anna, proofBy, sharedPorts } from './plan-desk.ts';

const [endpoint = '', prefix = '', folder = '', hash = '', at = '0', kinds = ''] = process.argv.slice(2);
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const client = unlogged(new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }));
const book = new BookTable({ client, bookTable: `${prefix}-book`, auditTable: `${prefix}-audit` });
let steps = 0;
const ports = sharedPorts(book, new FolderBucket(folder), (kind) => {
  if (!kinds.split(',').includes(kind)) return;
  steps += 1;
  if (steps === Number(at)) process.kill(process.pid, 'SIGKILL');
});
const answer = await approvePlan(proofBy(anna, hash, 'first'), ports);
console.log(JSON.stringify({ steps, answer }));
client.destroy();
